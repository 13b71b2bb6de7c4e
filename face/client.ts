// The embedded client: what has to belong to the importing realm. Everything else is in the
// native addon; nothing here knows of collections.
import { resolve } from 'node:path'
import type { VectorizerClient as Native } from '../binding.js'
import { fail, json, known, read } from './arguments.js'
import { callFor, locate } from './caller.js'
import { type Call, type Collection, type Context, calls, restoreBackup, type Vectorizer } from './calls.js'
import { type Cancelling, cancellable, rejectionOf, withoutSignal } from './cancelling.js'
import { collectionOf } from './collection.js'
import { asyncDispose } from './dispose.js'
import { anew, type Key, protection, unwrapped } from './encryption.js'
import { ClientClosedError, ours } from './errors.js'
import { warnOfCopies } from './file-system.js'
import { keys } from './keys.js'
import { type HeldServer, type Late, type Listener, native } from './native.js'
import { answeredLater, unfolded } from './replies.js'
import { httpServer, type Serving } from './server.js'
import type {
  Embedder,
  HttpServer,
  KeyService,
  OpenCollectionOptions,
  RestoreOptions,
  RestoreReport,
  VectorizerClientOptions,
} from './types.js'

/** What a client keeps. */
interface State extends Context, Serving {
  native: Native
  embedder?: Embedder | undefined
  service?: KeyService | undefined
  /** Until a key service has answered. */
  opening?: Promise<void> | undefined
  /** What has begun and the native side does not know of yet: `close` waits for it. */
  readonly waiting: Set<Promise<unknown>>
}

type Calling = Pick<State, 'waiting' | 'cancelling'>

/** Calls `target`. */
function called(target: any, name: string, values: unknown[], { cancelling }: Calling) {
  if (!cancelling) return target[name](...values)
  const quieted = values.map((value) =>
    typeof value === 'function' ? cancelling.quieted(value as Listener) : value,
  )
  return cancelling.begin(() => target[name](...quieted))
}

/**
 * Begins a call of `target` when its arguments are there. `close` waits for what is before
 * that, of which the native side does not know.
 */
async function begin(target: any, name: string, packed: Promise<unknown[]>, calling: Calling) {
  const { waiting, cancelling } = calling
  const waited = cancelling ? cancelling.until(packed) : packed
  waiting.add(waited)
  try {
    const values = await packed
    // In one turn with the end of the waiting: nothing can come between.
    return [values, called(target, name, values, calling)]
  } finally {
    waiting.delete(waited)
  }
}

/** Makes the arguments and, where they are there at once, calls `target`. */
function started(target: any, name: string, { pack }: Call, client: Calling, args: unknown[]) {
  const packed = read(() => pack(client as State, ...args))
  if (!Array.isArray(packed)) return begin(target, name, packed, client)
  return [packed, called(target, name, packed, client)]
}

/** What comes of a call. */
async function finished(begun: ReturnType<typeof started>, { row, isRow }: Call) {
  const [values, answer] = Array.isArray(begun) ? begun : await begun
  let reply = await answer
  if (Array.isArray(reply)) reply = await answeredLater(reply as Late)
  const result = await unfolded(reply, row)
  const listening = values.find((value: unknown) => typeof value === 'function')
  if (listening) {
    await native.turn() // for what is still on its way to the listener
    if (listening.failure) throw listening.failure.error
  }
  return isRow ? result[0] : result
}

/** The key of the store at `path`, which a service has wrapped or wraps now. */
const unlock = async (service: KeyService, path: string): Promise<Key> =>
  (await unwrapped(service, path)) ?? anew(service)

/** Options of a client, in parts. */
function opened(options: unknown) {
  const { embedder, encryption, ...rest } = known(options, 'options', keys.client)
  if (embedder !== undefined && typeof embedder !== 'function')
    fail('options.embedder', 'a function', embedder)
  const kept = encryption === undefined ? {} : protection(encryption, 'options.encryption')
  if (kept.service) {
    if (typeof rest.path !== 'string') fail('options.encryption', 'a path beside it', rest.path)
    // The working directory may be another one when the service has answered.
    rest.path &&= resolve(rest.path)
  }
  return { embedder, ...kept, rest }
}

/**
 * A client of a store of vector collections.
 *
 * Every method that touches data returns a promise; what goes wrong rejects it with one
 * of the error classes of this module. Methods do not depend on each other's order
 * unless the first is awaited before the second is called.
 */
export class VectorizerClient {
  #client = { servers: new Set(), waiting: new Set() } as unknown as State
  #failure: unknown

  /** Returns at once; a store that cannot be opened rejects the first call. */
  constructor(options: VectorizerClientOptions = {}) {
    try {
      const { embedder, key, service, rest } = read(() => opened(options))
      if (typeof rest.path === 'string' && rest.path !== '') warnOfCopies(rest.path)
      Object.assign(this.#client, { embedder, service })
      const open = (encryption: Key | undefined) => {
        const given = read(() => json(encryption ? { ...rest, encryption } : rest, 'options'))
        this.#client.native = new native.VectorizerClient(given)
      }
      if (service) this.#client.opening = unlock(service, rest.path).then(open)
      else open(key)
      // Whoever calls is told.
      this.#client.opening?.catch(() => {})
    } catch (error) {
      this.#failure = ours(error)
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
    return finished(
      this.#locate(method, () => started(client.native, name, how, client, args)),
      how,
    )
  }

  /** This client for a call that can be cancelled. */
  #cancelledBy(cancelling: Cancelling): State {
    return Object.create(this.#client, { cancelling: { value: cancelling } })
  }

  /** What `act` returns; an error of it whose stack begins where `method` was called. */
  #locate<T>(method: unknown, act: () => T): T {
    try {
      return act()
    } catch (error) {
      const known = ours(error)
      // One that was made before says where.
      if (known !== this.#failure) locate(known, method)
      throw known
    }
  }

  /** What a call was given, where this client takes calls. */
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

  /** The server that this client starts; `close` waits for it, to end it. */
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

  /** The end of everything that this client has begun, and of the client. */
  async #end() {
    await this.#client.opening?.catch(() => {})
    const { servers, waiting } = this.#client
    const stopped = () => Array.from(servers, (server) => server.close())
    if (servers.size + waiting.size > 0) {
      await Promise.allSettled([...stopped(), ...waiting])
      // Those that were being started.
      await Promise.all(stopped())
    }
    // Where there was nothing to wait for this is in the call: nobody may get to the next
    // turn of the event loop.
    await this.#client.native?.close()
  }

  async collection<Meta = any>(name: string, options?: OpenCollectionOptions): Promise<Collection<Meta>> {
    return await callFor(this.collection, () => collectionOf(this, name, options))
  }

  async close(): Promise<void> {
    try {
      this.#client.closing ??= this.#end()
      await this.#client.closing
    } catch (error) {
      throw ours(error)
    }
  }

  /**
   * Makes a store of a backup, in a directory that is empty or does not exist. All of the
   * backup is verified before anything is written. Of a backup that has its keys apart
   * comes back what still has a key in `keys`; the rest is counted as `erased`.
   *
   * Rejects with `EncryptionError` where a key is missing, wrong, or older than the backup.
   */
  static async restoreBackup(file: string, path: string, options?: RestoreOptions): Promise<RestoreReport> {
    try {
      const act = (args: unknown[], cancelling?: Cancelling) => {
        const client = { waiting: new Set<Promise<unknown>>(), cancelling }
        const begun = started(native.VectorizerClient, 'restoreBackup', restoreBackup, client, args)
        return finished(begun, restoreBackup)
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
