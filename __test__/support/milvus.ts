// Servers of Milvus Lite, and failures of the connection to them.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MilvusClient } from '@zilliz/milvus2-sdk-node'

/** The environment in which Milvus Lite is installed, from jest.config.js. */
declare const milvusLite: string | null

export const isInstalled = milvusLite !== null

const HOST = '127.0.0.1'
const script = join(__dirname, '..', 'milvus', 'server.py')

/** A server with its own directory and port, which it keeps when it is restarted. */
export class MilvusServer {
  #directory: string | undefined
  #port = 0
  #process: ChildProcess | undefined
  #client: MilvusClient | undefined
  #databases = 0

  get port() {
    return this.#port
  }

  get address() {
    return `${HOST}:${this.#port}`
  }

  /** Starts it, and resolves when it answers. */
  async start() {
    this.#directory ??= realpathSync(mkdtempSync(join(tmpdir(), 'spec-milvus-')))
    const python = join(milvusLite ?? '', process.platform === 'win32' ? 'Scripts' : 'bin', 'python')
    const args = [script, this.#directory, `${this.#port}`]
    const child = spawn(python, args, { stdio: 'pipe' })
    this.#process = child
    let said = ''
    child.stderr.on('data', (part) => {
      said += part
    })
    const ended = once(child, 'close').then(() => {
      throw new Error(`Milvus Lite ended: ${said}`)
    })
    const [port] = await Promise.race([once(child.stdout, 'data'), ended])
    ended.catch(() => {}) // from now on it may end
    this.#port = Number(port)
  }

  /** Stops it, by default with SIGKILL in the middle of its work. */
  async stop(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL') {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }

  /** Stops it for good, and removes its directory. */
  async remove() {
    await this.#client?.closeConnection()
    await this.stop()
    if (this.#directory) rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5 })
  }

  /** Creates a database that nothing else uses, and returns its name. */
  async database() {
    this.#client ??= new MilvusClient({ address: this.address, logLevel: 'error' })
    this.#databases += 1
    const db_name = `database_${this.#databases}`
    const { error_code, reason } = await this.#client.createDatabase({ db_name })
    if (error_code !== 'Success') throw new Error(reason)
    return db_name
  }
}

/** A server for all tests of a file, or of a `describe`. */
export function milvusServer() {
  // It is written in Python, and is started more than once on a busy machine.
  jest.setTimeout(300_000)
  const server = new MilvusServer()
  beforeAll(() => server.start())
  afterAll(() => server.remove())
  return server
}

/** When a request is interrupted: before the engine has seen it, or after it has answered. */
type Moment = 'request' | 'answer'

/** Types of HTTP/2 frames. */
const HEADERS = 1

/** The size of the preface with which a client begins each connection, before its first frame. */
const PREFACE = 24

/** Passes on whole HTTP/2 frames, as long as `passes` allows them. */
function frames(
  from: Socket,
  to: Socket,
  preface: number,
  passes: (type: number, stream: number) => boolean,
) {
  let bytes = Buffer.alloc(0)
  let before = preface
  from.on('data', (part) => {
    bytes = Buffer.concat([bytes, part])
    for (;;) {
      const length =
        before > 0 ? before : bytes.length < 9 ? Number.POSITIVE_INFINITY : 9 + bytes.readUIntBE(0, 3)
      if (bytes.length < length) return
      if (before === 0 && !passes(bytes[3], bytes.readUInt32BE(5))) return
      to.write(bytes.subarray(0, length))
      bytes = bytes.subarray(length)
      before = 0
    }
  })
}

/** A proxy between a client and a server that drops connections on demand. */
export class MilvusProxy {
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  #refuses = false
  #left = Number.POSITIVE_INFINITY
  #moment: Moment = 'request'

  constructor(target: () => number) {
    this.#server = createServer((client) => {
      if (this.#refuses) {
        client.destroy()
        return
      }
      const server = connect(target(), HOST)
      this.#pair(client, server)
    })
  }

  async start() {
    this.#server.listen(0, HOST)
    await once(this.#server, 'listening')
  }

  get address() {
    return `${HOST}:${(this.#server.address() as AddressInfo).port}`
  }

  /** Drops all connections. New ones are accepted. */
  drop() {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Drops all connections, and every new one. */
  refuse() {
    this.#refuses = true
    this.drop()
  }

  /**
   * Lets this many more requests through with their answers, then drops the next one and refuses.
   */
  refuseAfter(requests: number, moment: Moment) {
    this.#left = requests
    this.#moment = moment
  }

  /** Accepts connections again. */
  restore() {
    this.#refuses = false
    this.#left = Number.POSITIVE_INFINITY
  }

  async close() {
    this.refuse()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #pair(client: Socket, server: Socket) {
    let last: number | undefined
    const broken = () => {
      this.refuse()
      return false
    }
    frames(client, server, PREFACE, (type, stream) => {
      if (type !== HEADERS) return true
      this.#left -= 1
      if (this.#left >= 0) return true
      if (this.#moment === 'request') return broken()
      last ??= stream
      return true
    })
    frames(server, client, 0, (type, stream) => type !== HEADERS || stream !== last || broken())
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ]) {
      socket.setNoDelay() // frames are small, and each one is awaited
      this.#sockets.add(socket)
      socket.on('error', () => {}) // the socket then closes
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }
}

/** A proxy for a server, for all tests of a file. */
export function milvusProxy(server: MilvusServer) {
  const proxy = new MilvusProxy(() => server.port)
  beforeAll(() => proxy.start())
  beforeEach(() => proxy.restore())
  afterAll(() => proxy.close())
  return proxy
}
