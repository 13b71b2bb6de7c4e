// Slow clients: each sends a byte of a request every few seconds.
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { post } from './calls.mjs'
import { ask, COLLECTION } from './server.mjs'

/** How many there are. */
export const SLOW = 1_000
/** The time between two bytes of a client. */
export const SECONDS = 3
/** The bytes of all clients are spread over that time. */
const TURNS = 100
const PATIENCE = 10_000

const BODY = { vector: Array.from({ length: 100 }, () => 0.5), limit: 10 }

/**
 * Runs the work with a server that has slow connections, and reports how many of them the server
 * gave up.
 */
export async function withSlowClients(url, work) {
  const crowd = new Crowd(url)
  try {
    await crowd.everyOne()
    const done = await work()
    // A client that was given up connects again, so that their number stays the same.
    return { ...done, connected: await connections(url), givenUp: crowd.givenUp }
  } finally {
    crowd.leave()
  }
}

class Crowd {
  givenUp = 0
  #address
  #clients = []
  #timer
  #turn = 0

  constructor(url) {
    const { hostname, port } = new URL(url)
    this.url = url
    this.#address = { host: hostname, port: Number(port) }
    // Every other client is slow from the first byte on, the others only with the body.
    const request = Buffer.from(post(`/collections/${COLLECTION}/search`, BODY))
    const body = request.indexOf('\r\n\r\n') + 4
    for (let i = 0; i < SLOW; i++) this.#clients.push({ request, from: i % 2 === 0 ? 1 : body })
    for (const client of this.#clients) this.#come(client)
    this.#timer = setInterval(() => this.#send(), (SECONDS * 1e3) / TURNS)
  }

  /** Resolves when the server has accepted every connection. */
  async everyOne() {
    const start = performance.now()
    while ((await connections(this.url)) < this.#clients.length) {
      if (performance.now() - start > PATIENCE)
        throw new Error(`the server has not accepted ${this.#clients.length} connections`)
      await pause(100)
    }
  }

  leave() {
    clearInterval(this.#timer)
    for (const { socket } of this.#clients) {
      socket.removeAllListeners('close')
      socket.destroy()
    }
  }

  #come(client) {
    const socket = connect(this.#address)
    client.socket = socket
    client.sent = client.from
    socket.setNoDelay(true)
    socket.write(client.request.subarray(0, client.from))
    // The server's response does not matter; the close that follows it does.
    socket.resume()
    socket.on('error', () => {})
    socket.on('close', () => {
      this.givenUp++
      this.#come(client)
    })
  }

  #send() {
    for (let i = this.#turn; i < this.#clients.length; i += TURNS) {
      const { socket, request, sent } = this.#clients[i]
      if (!socket.writable || sent === request.length - 1) continue
      socket.write(request.subarray(sent, sent + 1))
      this.#clients[i].sent++
    }
    this.#turn = (this.#turn + 1) % TURNS
  }
}

/** How many connections the server has, not counting the one that asks. */
async function connections(url) {
  const text = await ask(url, '/metrics')
  return Number(text.match(/^vectorizer_http_connections (\d+)$/m)[1]) - 1
}
