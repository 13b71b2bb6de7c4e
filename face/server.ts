// The HTTP server of a client, as an object of the importing realm.
import { asyncDispose } from './dispose.js'
import { messageOf } from './errors.js'
import { type HeldServer, native } from './native.js'
import type { HttpServer } from './types.js'

/** What a server needs to know about its client. */
export interface Serving {
  /** The servers that are still open. */
  readonly servers: Set<HttpServer>
  closing?: Promise<void> | undefined
}

/**
 * The client's embedder in the form the native side calls: it takes a JSON list of texts and
 * returns their vectors concatenated, or an error message as a string.
 */
export function embedding(embed: (texts: string[]) => Promise<Float32Array[]>) {
  return async (text: string): Promise<Float32Array | string> => {
    try {
      const rows = await embed(JSON.parse(text))
      const length = rows[0]?.length ?? 0
      if (rows.some((row) => row.length !== length))
        return 'the embedder returned vectors of different lengths'
      const data = new Float32Array(rows.length * length)
      for (const [i, row] of rows.entries()) data.set(row, i * length)
      return data
    } catch (error) {
      return messageOf(error)
    }
  }
}

/** The public object for a native server. */
export function httpServer(held: HeldServer, client: Serving): HttpServer {
  const { servers } = client
  const { address, port } = JSON.parse(native.serverAddress(held))
  const ended = native.serverEnded(held)
  const close = async () => {
    native.serverStop(held)
    await ended
  }
  // The promise of an async function belongs to this realm.
  const forget = async () => {
    await ended
    servers.delete(server)
  }
  const server: HttpServer = {
    address,
    port,
    url: `http://${address.includes(':') ? `[${address}]` : address}:${port}`,
    closed: forget(),
    close,
    [asyncDispose]: close,
  }
  servers.add(server)
  // The client was closed while the server was starting.
  if (client.closing) close()
  return server
}
