// The progress of a command: on a terminal, one line that is rewritten; elsewhere nothing.

/** Clears the current line. */
const CLEAR = '\r\x1b[K'
const COUNTED = { backup: 'vectors', rotate: 'vectors', restore: 'bytes', verify: 'bytes' }

/** Called with the progress of a call. */
export type Listener = (progress: { phase: keyof typeof COUNTED; done: number; total: number }) => void

/** Runs `work`, passing it a progress listener if there is a terminal. */
export async function withProgress<T>(work: (onProgress: Listener | undefined) => Promise<T>): Promise<T> {
  const { stderr } = process
  if (!stderr.isTTY) return work(undefined)
  let ended = false
  try {
    return await work(({ phase, done, total }) => {
      if (ended) return
      const percent = total === 0 ? 100 : Math.floor((100 * done) / total)
      stderr.write(`${CLEAR}${phase} ${percent}% (${done} of ${total} ${COUNTED[phase]})`)
    })
  } finally {
    ended = true
    stderr.write(CLEAR)
  }
}
