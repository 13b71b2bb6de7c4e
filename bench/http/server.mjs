import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { batches } from '../shared/job.mjs'

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'vectorizer-native.js')

export const COLLECTION = 'bench'
/** Without the port, which differs for each server; a server checks only the name. */
export const HOST = '127.0.0.1'

/**
 * Runs the work with the package's own server in a separate process; it is in memory if there is no folder.
 */
export async function withServer(folder, work) {
  const args = [COMMAND, 'serve', '--port', '0', ...(folder ? ['--data', folder] : [])]
  // A key from the environment would cause every request to be refused.
  const env = { ...process.env, VECTORIZER_API_KEY: '' }
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 2] })
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)))
  try {
    const url = await listening(child, ended)
    const done = await work({ url, pid: child.pid })
    child.kill('SIGTERM')
    const end = await ended
    if (end !== 0) throw new Error(`the server ended with ${end}`)
    return done
  } finally {
    child.kill('SIGKILL')
  }
}

async function listening(child, ended) {
  const line = new Promise((resolve) => {
    let text = ''
    child.stdout.on('data', (more) => {
      text += more
      if (text.includes('\n')) resolve(text)
    })
  })
  const text = await Promise.race([line, ended])
  const url = String(text).match(/http:\/\/\S+/)?.[0]
  if (url) return url
  throw new Error(`the server did not start: ${text}`)
}

export async function ask(url, path, body, method = body === undefined ? 'GET' : 'POST') {
  const sent = body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(url + path, { method, ...sent })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status}: ${text}`)
  return text
}

/** Inserts all rows into a new collection, and into its graph. */
export async function fill(url, job) {
  const { dim } = job
  await ask(url, '/collections', { name: COLLECTION, dimension: dim })
  for (const { ids, data, metadata } of batches(job)) {
    const vectors = ids.map((id, i) => {
      return { id, vector: [...data.subarray(i * dim, (i + 1) * dim)], metadata: metadata[i] }
    })
    await ask(url, `/collections/${COLLECTION}/batch_insert`, { vectors })
  }
  await ask(url, `/collections/${COLLECTION}/optimize`, undefined, 'POST')
  const { index } = await info(url)
  if (index.pending > 0) throw new Error(`${index.pending} vectors are not in the graph`)
}

/** The server's information about the collection. */
export const info = async (url) => JSON.parse(await ask(url, `/collections/${COLLECTION}`))
