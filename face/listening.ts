// Listeners of progress: what one throws rejects the call when its work is done.

/** `tell` for the listener among `options`, if there is one, and `finish` for the end. */
export function listening<P>({ onProgress }: { onProgress?: ((progress: P) => void) | undefined }) {
  let failure: { error: unknown } | undefined
  return {
    tell(progress: P) {
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
