// Progress listeners: an error thrown by one rejects the call when its work is done.

/** `reportProgress` calls the `onProgress` listener, if there is one; `finish` throws what it threw. */
export function listening<P>({ onProgress }: { onProgress?: ((progress: P) => void) | undefined }) {
  let failure: { error: unknown } | undefined
  return {
    reportProgress(progress: P) {
      try {
        onProgress?.(progress)
      } catch (error) {
        failure ??= { error }
      }
    },
    finish<T>(result: T): T {
      if (failure) throw failure.error
      return result
    },
  }
}
