/**
 * Cancels a call in the turn in which it was made: it rejects with the reason, as it is. Another thread may be
 * done before the signal comes. Then it is made again, after `anew`.
 */
export async function cancelled(
  call: (signal: AbortSignal) => Promise<unknown>,
  anew: () => unknown = () => {},
) {
  for (;;) {
    const control = new AbortController()
    const done = call(control.signal).then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    control.abort()
    const failed = await done
    if (failed) return expect(failed).toStrictEqual({ error: control.signal.reason })
    await anew()
  }
}
