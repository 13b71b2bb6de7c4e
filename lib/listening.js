// Listeners of progress: what one throws rejects the call when its work is done.

/** `tell` for the listener among `options`, if there is one, and `finish` for the end. */
function listening({ onProgress }) {
  let failure
  return {
    tell(progress) {
      try {
        onProgress?.(progress)
      } catch (error) {
        failure ??= { error }
      }
    },
    finish(result) {
      if (failure) throw failure.error
      return result
    },
  }
}

module.exports = { listening }
