// HTTP written by hand, for what well-behaved clients do not do.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { atEnd } from './ending'

/** A connection on which anything can be sent. It is destroyed after the test. */
export class Wire {
  #received = Buffer.alloc(0)
  #closed = false
  #waiting: (() => void)[] = []

  private constructor(readonly socket: Socket) {
    const told = () => {
      for (const go of this.#waiting.splice(0)) go()
    }
    socket.on('data', (part) => {
      this.#received = Buffer.concat([this.#received, part])
      told()
    })
    // A connection that was reset counts as closed.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#closed = true
      told()
    })
    atEnd(() => socket.destroy())
  }

  static async to({ address, port }: { address: string; port: number }) {
    const socket = connect(port, address)
    const wire = new Wire(socket)
    await once(socket, 'connect')
    return wire
  }

  say(...lines: string[]) {
    this.socket.write(lines.join('\r\n'))
    return this
  }

  /** What has been received and not taken yet. */
  get received() {
    return this.#received.toString('latin1')
  }

  get closed() {
    return this.#closed
  }

  /** Resolves when the server has closed the connection. */
  async end() {
    while (!this.#closed) await this.#next()
  }

  /** Takes the next answer; undefined if the connection is closed without one. */
  async answer() {
    for (;;) {
      const answer = this.#take()
      if (answer) return answer
      if (this.#closed) return undefined
      await this.#next()
    }
  }

  #next() {
    return new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #take() {
    const end = this.#received.indexOf('\r\n\r\n')
    if (end < 0) return undefined
    const [first, ...lines] = this.#received.subarray(0, end).toString('latin1').split('\r\n')
    const headers: Record<string, string> = Object.fromEntries(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
    )
    const begin = end + 4
    const stop = begin + Number(headers['content-length'] ?? 0)
    if (this.#received.length < stop) return undefined
    const text = this.#received.subarray(begin, stop).toString()
    this.#received = this.#received.subarray(stop)
    return {
      status: Number(first.split(' ')[1]),
      headers,
      text,
      get json() {
        return JSON.parse(text)
      },
    }
  }
}

/** The lines of a request, for `say`. */
export function lines(method: string, path: string, headers: object = {}, body = '') {
  const given = Object.entries({ host: 'localhost', ...headers })
  return [`${method} ${path} HTTP/1.1`, ...given.map(([name, value]) => `${name}: ${value}`), '', body]
}

/** The lines of a request with a whole JSON body. */
export function jsonLines(method: string, path: string, body: unknown, headers = {}) {
  const text = JSON.stringify(body)
  const kind = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
  return lines(method, path, { ...kind, ...headers }, text)
}
