// Makes the stack of argument errors begin at the line that made the call, not inside this package.

/** The outermost function currently calling a client method: the one the user called. */
let outermost: unknown

/** Calls a client method on behalf of `caller`, the function the user called. */
export function callFor<T>(caller: unknown, call: () => T): T {
  const before = outermost
  outermost ??= caller
  try {
    return call()
  } finally {
    outermost = before
  }
}

/** Makes an error's stack begin where `method`, or the outermost caller, was called. */
export function locate(error: Error, method: unknown) {
  Error.captureStackTrace?.(error, (outermost ?? method) as () => void)
}
