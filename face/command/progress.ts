// How far a command is: on a terminal one line that is written over, elsewhere nothing.

/** Takes what is on the line away. */
const CLEAR = '\r\x1b[K'
const COUNTED = { backup: 'vectors', rotate: 'vectors', restore: 'bytes', verify: 'bytes' }

/** Is told how far a call is. */
export type Listener = (progress: { phase: keyof typeof COUNTED; done: number; total: number }) => void

/** Does `work`, which is given a listener for its progress where there is a terminal. */
export async function watched<T>(work: (onProgress: Listener | undefined) => Promise<T>): Promise<T> {
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
