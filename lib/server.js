// The HTTP server of a client, as an object of the importing realm.
const { messageOf } = require('./errors.js')
const native = require('./native.js')

/** The client's embedder as the native side asks it: a JSON list of texts in; out come the
 * vectors laid end to end, or, as a string, what went wrong. */
function embedding(embed) {
  return async (text) => {
    try {
      const rows = await embed(JSON.parse(text))
      const [{ length }] = rows
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

/** The object for a native server; `client.servers` are those that are not closed. */
function httpServer(held, client) {
  const { servers } = client
  const { address, port } = JSON.parse(native.serverAddress(held))
  const ended = native.serverEnded(held)
  const close = async () => {
    native.serverStop(held)
    await ended
  }
  const server = {
    address,
    port,
    url: `http://${address.includes(':') ? `[${address}]` : address}:${port}`,
    closed: (async () => {
      await ended
      servers.delete(server)
    })(),
    close,
    [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]: close,
  }
  servers.add(server)
  // The client was closed while the server was started.
  if (client.closing) close()
  return server
}

module.exports = { embedding, httpServer }
