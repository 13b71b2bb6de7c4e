// Where errors of arguments say that they come from: the line that called, not the ones here.

/** The function that calls a method of a client now, and is what its caller has called. */
let outermost: unknown

/** Calls a method of a client for a function that stands in front of it. */
export function callFor<T>(caller: unknown, call: () => T): T {
  const before = outermost
  outermost ??= caller
  try {
    return call()
  } finally {
    outermost = before
  }
}

/** Makes the stack of an error begin where `method` was called, or what stands in front of it. */
export function locate(error: Error, method: unknown) {
  Error.captureStackTrace?.(error, (outermost ?? method) as () => void)
}
