// Cancels calls by an AbortSignal. The commit of a call races with its signal, and the native side
// decides which came first (`src/cancel.rs`): if a promise rejects with the signal's reason, the
// call has changed nothing and never will.
import { fail, isPlain, object } from './arguments.js'
import { toVectorizerError } from './errors.js'
import { type Listener, native } from './native.js'

/** Thrown when a call is cancelled by its signal; carries the reason to reject with. */
export class Cancelled extends Error {
  readonly #reason: unknown
  constructor(reason: unknown) {
    super('the call was cancelled')
    this.#reason = reason
  }

  /**
   * The reason if `thrown` is a `Cancelled`, otherwise the result of `other`. Does not trigger
   * proxies.
   */
  static reasonOf(thrown: unknown, other: (thrown: unknown) => unknown): unknown {
    const isCancelled = typeof thrown === 'object' && thrown !== null && #reason in thrown
    return isCancelled ? thrown.#reason : other(thrown)
  }
}

/** The error a call rejects with: the reason of its signal, or one of our errors. */
export const rejectionOf = (thrown: unknown): unknown => Cancelled.reasonOf(thrown, toVectorizerError)

/** The cancellation of one call. */
export class Cancelling {
  readonly #native = new native.Cancellation()
  #isCancelled = false
  #end = () => {}
  readonly #ended = new Promise<void>((resolve) => {
    this.#end = resolve
  })

  /** Tries to cancel the call. Returns true if it has changed nothing and never will. */
  cancel(): boolean {
    this.#isCancelled = this.#native.cancel()
    if (this.#isCancelled) this.#end()
    return this.#isCancelled
  }

  /** Resolves when `work` has settled or the call has been cancelled. */
  async until(work: Promise<unknown>) {
    await Promise.race([work, this.#ended]).catch(() => {})
  }

  /** Commits the call, which cannot be cancelled any more. False if it already has been. */
  commit(): boolean {
    return this.#native.commit()
  }

  check() {
    if (this.#isCancelled) throw new Cancelled(undefined)
  }

  /** Wraps a listener so that it is not called any more once the call is cancelled. */
  muted(listener: Listener): Listener {
    return (text) => {
      if (!this.#isCancelled) listener(text)
    }
  }

  /** Begins a native call that can be cancelled. */
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

/** Whether a value is an AbortSignal, of any realm. */
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

/** Splits off the signal of a call from its arguments. `places`: where its options may be. */
export function withoutSignal(
  args: unknown[],
  places: readonly number[] = [],
): { signal: AbortSignal | undefined; args: unknown[] } {
  const place = places.find((place) => isPlain(args[place]) && Object.hasOwn(args[place], 'signal'))
  if (place === undefined) return { signal: undefined, args }
  const { signal, ...rest } = object(args[place], 'options')
  return { signal: signalOf(signal), args: args.with(place, rest) }
}

/** Resolves with the result of `act`, unless the signal comes first. */
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
