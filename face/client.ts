// The embedded client: the part that must belong to the importing realm. Everything else is in the
// native addon; nothing here knows about collections.
import { resolve } from 'node:path'
import type { VectorizerClient as Native } from '../binding.js'
import { fail, json, known, read } from './arguments.js'
import { callFor, locate } from './caller.js'
import { type Call, type Collection, type Context, calls, restoreBackup, type Vectorizer } from './calls.js'
import { type Cancelling, cancellable, rejectionOf, withoutSignal } from './cancelling.js'
import { collectionOf } from './collection.js'
import { asyncDispose } from './dispose.js'
import { encryptionOptions, type Key, newWrappedKey, unwrapped } from './encryption.js'
import { ClientClosedError, checkGuards, toVectorizerError } from './errors.js'
import { warnOfCopies } from './file-system.js'
import { read as readJson } from './json.js'
import { keys } from './keys.js'
import { type DeferredReply, type HeldServer, type Listener, native } from './native.js'
import { decodeReply, deferredReply } from './replies.js'
import { scanOf } from './scan.js'
import { httpServer, type Serving } from './server.js'
import { ledgerOption, type Sign, type Signing, signLast, signReceipt } from './signing.js'
import type {
  Carried,
  Embedder,
  HttpServer,
  KeyService,
  OpenCollectionOptions,
  RestoreOptions,
  RestoreReport,
  ScannedVector,
  ScanOptions,
  VectorizerClientOptions,
} from './types.js'

/** The state of a client. */
interface State extends Context, Serving {
  native: Native
  embedder?: Embedder | undefined
  service?: KeyService | undefined
  /** Signs the entries of its erasures in the ledger. */
  sign?: Sign | undefined
  /** Set until a key service has answered. */
  opening?: Promise<void> | undefined
  /** Calls that have begun but not reached the native side yet; `close` waits for them. */
  readonly waiting: Set<Promise<unknown>>
}

type Calling = Pick<State, 'waiting' | 'cancelling'> & Partial<Pick<State, 'native' | 'sign'>>

/** What is called: a method of `target`. */
interface Called {
  target: any
  name: string
  how: Call
}

/** Calls a native method. */
function called({ target, name, how }: Called, values: unknown[], { cancelling }: Calling) {
  const method = how.method?.(values) ?? name
  if (!cancelling) return target[method](...values)
  const muted = values.map((value) =>
    typeof value === 'function' ? cancelling.muted(value as Listener) : value,
  )
  return cancelling.begin(() => target[method](...muted))
}

/**
 * Calls a native method once its arguments are available. `close` waits for the time before that,
 * which the native side does not know about.
 */
async function begin(what: Called, packed: Promise<unknown[]>, calling: Calling) {
  const { waiting, cancelling } = calling
  const waited = cancelling ? cancelling.until(packed) : packed
  waiting.add(waited)
  try {
    const values = await packed
    // In the same tick as the removal from `waiting`, so nothing can come between the two.
    return [values, called(what, values, calling)]
  } finally {
    waiting.delete(waited)
  }
}

/** Converts the arguments and calls the native method, at once if they are available. */
function started(what: Called, client: Calling, args: unknown[]) {
  const packed = read(() => what.how.pack(client as State, ...args))
  if (!Array.isArray(packed)) return begin(what, packed, client)
  return [packed, called(what, packed, client)]
}

/** The result of a call, which is made again as long as it lacks something. */
async function finished(what: Called, client: Calling, begun: ReturnType<typeof started>): Promise<any> {
  const { row, isRow, isGuarded, isExact, again, report, filter } = what.how
  const [values, answer] = Array.isArray(begun) ? begun : await begun
  let reply = await answer
  if (Array.isArray(reply)) reply = await deferredReply(reply as DeferredReply)
  const sent = await decodeReply(reply, row, isExact)
  const more = again?.(client as State, values, sent)
  if (more) return finished(what, client, begin(what, more, client))
  const result = report ? report(sent) : sent
  if (isGuarded) checkGuards(result)
  if (filter) withFilter(result, filter(values))
  if (client.sign) await signReceipt(client as Signing, result)
  const listener = values.find((value: unknown) => typeof value === 'function')
  if (listener) {
    await native.turn() // for progress still on its way to the listener
    if (listener.failure) throw listener.failure.error
  }
  return isRow ? result[0] : result
}

/** Integers beyond 2^53 in the filter of a receipt are as they were given. */
function withFilter({ receipt }: { receipt?: { filter?: unknown } }, text: string) {
  if (receipt?.filter !== undefined && /\d{16}/.test(text)) receipt.filter = readJson(text)
}

/** The key of the store at `path`: the stored one, unwrapped by the service, or a new one. */
const unlock = async (service: KeyService, path: string): Promise<Key> =>
  (await unwrapped(service, path)) ?? newWrappedKey(service)

/** Splits the options of a client. */
function opened(options: unknown) {
  const { embedder, encryption, ledger: wanted, ...rest } = known(options, 'options', keys.client)
  if (embedder !== undefined && typeof embedder !== 'function')
    fail('options.embedder', 'a function', embedder)
  const { sign, ...ledger } = ledgerOption(wanted)
  const kept = encryption === undefined ? {} : encryptionOptions(encryption, 'options.encryption')
  if (kept.service) {
    if (typeof rest.path !== 'string') fail('options.encryption', 'a path beside it', rest.path)
    // The working directory may have changed by the time the service answers.
    rest.path &&= resolve(rest.path)
  }
  return { embedder, sign, ...kept, rest: Object.assign(rest, ledger) }
}

/**
 * A client of a store of vector collections.
 *
 * Every method that touches data returns a promise; on failure it rejects with one of the error
 * classes of this module. Calls are not ordered relative to each other unless one is awaited before
 * the next is made.
 */
export class VectorizerClient {
  #client = { servers: new Set(), waiting: new Set() } as unknown as State
  #failure: unknown

  /** Returns at once; if the store cannot be opened, the first call rejects. */
  constructor(options: VectorizerClientOptions = {}) {
    try {
      const { embedder, sign, key, service, rest } = read(() => opened(options))
      if (typeof rest.path === 'string' && rest.path !== '') warnOfCopies(rest.path)
      Object.assign(this.#client, { embedder, sign, service })
      const open = (encryption: Key | undefined) => {
        const given = read(() => json(encryption ? { ...rest, encryption } : rest, 'options'))
        this.#client.native = new native.VectorizerClient(given)
      }
      if (service) this.#client.opening = unlock(service, rest.path).then(open)
      else open(key)
      // The error is reported to whoever makes a call.
      this.#client.opening?.catch(() => {})
    } catch (error) {
      this.#failure = toVectorizerError(error)
    }
  }

  static {
    for (const [name, how] of Object.entries(calls)) {
      const method = {
        async [name](this: VectorizerClient, ...given: unknown[]) {
          try {
            const act = (args: unknown[], client: State) => this.#act(name, how, method[name], args, client)
            const { signal, args } = this.#locate(method[name], () => this.#checked(given, how))
            if (!signal) return await act(args, this.#client)
            return await cancellable(signal, (cancelling) => act(args, this.#cancelledBy(cancelling)))
          } catch (error) {
            throw rejectionOf(error)
          }
        },
      }
      Object.defineProperty(VectorizerClient.prototype, name, {
        value: method[name],
        writable: true,
        configurable: true,
      })
    }
  }

  async #act(name: string, how: Call, method: unknown, args: unknown[], client: State): Promise<unknown> {
    if (client.opening) await this.#opened()
    if (name === 'serve') return this.#serve(args, client)
    const what = { target: client.native, name, how }
    const begun = this.#locate(method, () => started(what, client, args))
    const done = finished(what, client, begun)
    const isSeveral = client.sign || (how.again && client.embedder)
    return await (isSeveral ? this.#held(done, client) : done)
  }

  /** The result of a call that may be several native ones, between which `close` must not come. */
  async #held(done: Promise<unknown>, { waiting, cancelling }: State): Promise<unknown> {
    const held = cancelling ? cancelling.until(done) : done
    waiting.add(held)
    try {
      return await done
    } finally {
      waiting.delete(held)
    }
  }

  /** This client, for a call that can be cancelled. */
  #cancelledBy(cancelling: Cancelling): State {
    return Object.create(this.#client, { cancelling: { value: cancelling } })
  }

  /** Runs `act`; the stack of an error it throws begins where `method` was called. */
  #locate<T>(method: unknown, act: () => T): T {
    try {
      return act()
    } catch (error) {
      const known = toVectorizerError(error)
      // An error from the constructor already has the right stack.
      if (known !== this.#failure) locate(known, method)
      throw known
    }
  }

  /** Checks that this client accepts calls, and splits off the signal. */
  #checked(args: unknown[], { options }: Call) {
    if (this.#failure) throw this.#failure
    if (this.#client.closing)
      throw new ClientClosedError('this client is closed: create a new VectorizerClient')
    return read(() => withoutSignal(args, options))
  }

  async #opened() {
    await this.#client.opening
    this.#client.opening = undefined
  }

  /** Starts a server; `close` waits for the start so that it can close the server. */
  async #serve(args: unknown[], client: State): Promise<HttpServer> {
    client.cancelling?.check()
    const values = read(() => calls.serve.pack(client, ...args)) as Parameters<Native['serve']>
    const starting = client.native.serve(...values) as Promise<HeldServer>
    client.waiting.add(starting)
    try {
      const server = httpServer(await starting, client)
      if (client.cancelling?.commit() === false) await server.close()
      return server
    } finally {
      client.waiting.delete(starting)
    }
  }

  /** Closes everything this client has begun, then the client. */
  async #end() {
    await this.#client.opening?.catch(() => {})
    const { servers, waiting, native, sign } = this.#client
    const stopped = () => Array.from(servers, (server) => server.close())
    if (servers.size + waiting.size > 0) {
      await Promise.allSettled([...stopped(), ...waiting])
      // Servers that were still starting.
      await Promise.all(stopped())
    }
    // If there was nothing to wait for, this runs within the call to `close`, before any other code
    // can run in the next tick of the event loop.
    const failure = native && sign ? await signLast({ native, sign }) : undefined
    await native?.close()
    if (failure) throw failure
  }

  async collection<Meta = any>(name: string, options?: OpenCollectionOptions): Promise<Collection<Meta>> {
    return await callFor(this.collection, () => collectionOf(this, name, options))
  }

  scan<V extends boolean = false, M extends boolean = true>(
    collection: string,
    options?: ScanOptions & Carried<V, M>,
  ): AsyncGenerator<ScannedVector<V, M>, void, undefined> {
    return scanOf(this, collection, options, this.scan) as AsyncGenerator<any, void, undefined>
  }

  async close(): Promise<void> {
    try {
      this.#client.closing ??= this.#end()
      await this.#client.closing
    } catch (error) {
      throw toVectorizerError(error)
    }
  }

  /**
   * Restores a backup into a new store, in a directory that is empty or does not exist. The whole
   * backup is verified before anything is written. From a backup with separate keys, only vectors
   * that still have a key in `keys` are restored; the others are counted as `erased`.
   *
   * Rejects with `EncryptionError` if a key is missing, wrong, or older than the backup.
   */
  static async restoreBackup(file: string, path: string, options?: RestoreOptions): Promise<RestoreReport> {
    try {
      const act = (args: unknown[], cancelling?: Cancelling) => {
        const client = { waiting: new Set<Promise<unknown>>(), cancelling }
        const what = { target: native.VectorizerClient, name: 'restoreBackup', how: restoreBackup as Call }
        return finished(what, client, started(what, client, args))
      }
      const { signal, args } = read(() => withoutSignal([file, path, options], restoreBackup.options))
      if (!signal) return await act(args)
      return await cancellable(signal, async (cancelling) => act(args, cancelling))
    } catch (error) {
      throw rejectionOf(error)
    }
  }

  [asyncDispose](): Promise<void> {
    return this.close()
  }
}

export interface VectorizerClient extends Vectorizer {}
