import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { batches } from '../shared/job.mjs'

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'vectorizer-native.js')

export const COLLECTION = 'bench'
/** Without the port, which each server has another of; a server looks at the name only. */
export const HOST = '127.0.0.1'

/** Gives the work the package's own server, in a process of its own; in memory where there is no folder. */
export async function withServer(folder, work) {
  const args = [COMMAND, 'serve', '--port', '0', ...(folder ? ['--data', folder] : [])]
  // A key from outside would have every request refused.
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

/** All rows in a new collection, and in its graph. */
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

/** The collection, as the server tells of it. */
export const info = async (url) => JSON.parse(await ask(url, `/collections/${COLLECTION}`))
