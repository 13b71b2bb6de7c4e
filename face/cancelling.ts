// Calls that a signal ends. The commit of a call and its signal race, and the native side tells
// who was first (`src/cancel.rs`): a promise that rejects with the signal's reason is one of a
// call that has changed nothing and will not.
import { fail, isPlain, object } from './arguments.js'
import { ours } from './errors.js'
import { type Listener, native } from './native.js'

/** The end of a call by its signal: what its promise rejects with. */
export class Cancelled extends Error {
  readonly #reason: unknown
  constructor(reason: unknown) {
    super('the call was cancelled')
    this.#reason = reason
  }

  /** The reason, where this was thrown, or else what `other` makes of it. Looks into no proxy. */
  static reasonOf(thrown: unknown, other: (thrown: unknown) => unknown): unknown {
    const isCancelled = typeof thrown === 'object' && thrown !== null && #reason in thrown
    return isCancelled ? thrown.#reason : other(thrown)
  }
}

/** What a call rejects with: the reason of its signal, or one of our errors. */
export const rejectionOf = (thrown: unknown): unknown => Cancelled.reasonOf(thrown, ours)

/** The cancelling of one call. */
export class Cancelling {
  readonly #native = new native.Cancellation()
  #isCancelled = false
  #end = () => {}
  readonly #ended = new Promise<void>((resolve) => {
    this.#end = resolve
  })

  /** Whether the call has changed nothing, and will not. */
  cancel(): boolean {
    this.#isCancelled = this.#native.cancel()
    if (this.#isCancelled) this.#end()
    return this.#isCancelled
  }

  /** Resolves when `work` is done, whatever came of it, or nobody wants it any more. */
  async until(work: Promise<unknown>) {
    await Promise.race([work, this.#ended]).catch(() => {})
  }

  /** Whether it cannot be cancelled any more, and was not. */
  commit(): boolean {
    return this.#native.commit()
  }

  check() {
    if (this.#isCancelled) throw new Cancelled(undefined)
  }

  /** A listener that is told nothing any more when the call is cancelled. */
  quieted(listener: Listener): Listener {
    return (text) => {
      if (!this.#isCancelled) listener(text)
    }
  }

  /** Begins a call of the native side that can be cancelled. */
  begin<T>(call: () => T): T {
    this.check()
    this.#native.enter()
    try {
      return call()
    } finally {
      this.#native.leave()
    }
  }
}

/** A signal, of whatever realm. */
function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>
  return (
    typeof aborted === 'boolean' &&
    typeof addEventListener === 'function' &&
    typeof removeEventListener === 'function'
  )
}

export function signalOf(value: unknown, path = 'options.signal'): AbortSignal | undefined {
  if (value !== undefined && !isSignal(value)) fail(path, 'an AbortSignal', value)
  return value
}

/** The signal of a call, and the arguments without it. `places`: where its options may be. */
export function withoutSignal(
  args: unknown[],
  places: readonly number[] = [],
): { signal: AbortSignal | undefined; args: unknown[] } {
  const place = places.find((place) => isPlain(args[place]) && Object.hasOwn(args[place], 'signal'))
  if (place === undefined) return { signal: undefined, args }
  const { signal, ...rest } = object(args[place], 'options')
  return { signal: signalOf(signal), args: args.with(place, rest) }
}

/** What `act` resolves with, unless the signal is first. */
export async function cancellable<T>(
  signal: AbortSignal,
  act: (cancelling: Cancelling) => Promise<T>,
): Promise<T> {
  if (signal.aborted) throw new Cancelled(signal.reason)
  const cancelling = new Cancelling()
  return await new Promise((resolve, reject) => {
    const cancel = () => {
      if (!cancelling.cancel()) return
      try {
        reject(new Cancelled(signal.reason))
      } catch (error) {
        reject(error)
      }
    }
    const settle = async () => {
      try {
        resolve(await act(cancelling))
      } catch (error) {
        reject(error)
      } finally {
        signal.removeEventListener('abort', cancel)
      }
    }
    signal.addEventListener('abort', cancel)
    settle()
  })
}
