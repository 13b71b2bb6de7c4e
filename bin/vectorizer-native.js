#!/usr/bin/env node
// The package's command. Exit codes: 0 done, 1 it could not be done, 2 it was not understood.
require('../lib/node-version.js')
const { parseArgs } = require('node:util')
const { version } = require('../package.json')

const HELP = `Usage: vectorizer-native serve [options]

Serves collections of vectors over HTTP, in memory or from a directory.

Options:
  --host HOST          name or address to listen on (127.0.0.1); one that other
                       machines reach needs a key
  --port PORT          port, 0 for any that is free (15002)
  --data DIR           keep the collections in this directory; without it they are
                       in memory, and gone when the server ends
  --fsync WHEN         when writes survive a loss of power: always, everysec, no
                       (everysec); only with --data
  --api-key KEY        what clients must send; better in the environment variable
                       VECTORIZER_API_KEY, which no other user can read
  --allow-host NAME    without a key: answer for this Host as well (repeatable)
  --cors ORIGIN        let pages of this origin ask from a browser (repeatable)
  --max-body BYTES     the largest body (67108864)
  --max-connections N  connections at a time (4096)
  --log                a line for each request, to the standard error output
  --log-format FORMAT  text or json; implies --log
  --help               this text
  --version            the version

SIGTERM and SIGINT end it in order: requests under way are answered, and the
directory is closed. A second signal ends it at once.
`

const options = {
  host: { type: 'string' },
  port: { type: 'string' },
  data: { type: 'string' },
  fsync: { type: 'string' },
  'api-key': { type: 'string' },
  'allow-host': { type: 'string', multiple: true },
  cors: { type: 'string', multiple: true },
  'max-body': { type: 'string' },
  'max-connections': { type: 'string' },
  log: { type: 'boolean' },
  'log-format': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
}

class UsageError extends Error {}

function whole(values, name) {
  const text = values[name]
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`--${name} must be a whole number, not '${text}'`)
  return Number(text)
}

/** How many characters have to be put in, taken out or replaced to make `b` of `a`. */
function distance(a, b) {
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 0; i < a.length; i++) {
    const row = [i + 1]
    for (let j = 0; j < b.length; j++) {
      row.push(Math.min(above[j + 1] + 1, row[j] + 1, above[j] + (a[i] === b[j] ? 0 : 1)))
    }
    above = row
  }
  return above[b.length]
}

/** What is said of an option that there is not, with one that may be meant. */
function unknown(name) {
  const near = Object.keys(options)
    .map((known) => [distance(name, known), known])
    .filter(([far]) => far <= 2)
    .sort(([a], [b]) => a - b)
  return `unknown option '--${name}'${near.length > 0 ? `: did you mean --${near[0][1]}?` : ''}`
}

function read(args) {
  let parsed
  try {
    parsed = parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    const [, name] = /^Unknown option '--([^']*)'/.exec(error.message) ?? []
    throw new UsageError(name === undefined ? error.message : unknown(name))
  }
  const { values, positionals } = parsed
  if (values.help || values.version) return { values }
  const [command, ...more] = positionals
  if (command !== 'serve') {
    throw new UsageError(
      command === undefined ? 'what is to be done? Try: serve' : `unknown command '${command}'`,
    )
  }
  if (more.length > 0) throw new UsageError(`unexpected '${more[0]}'`)
  const port = whole(values, 'port')
  if (port > 65_535) throw new UsageError(`--port is ${port}; it must be at most 65535`)
  if (values.data === '') throw new UsageError('--data is empty')
  if (values.fsync !== undefined && values.data === undefined) {
    throw new UsageError('--fsync needs --data: a store in memory has nothing to sync')
  }
  const { 'api-key': key = process.env.VECTORIZER_API_KEY, 'log-format': format } = values
  if (values['api-key'] === '') throw new UsageError('--api-key is empty')
  return {
    values,
    client: { path: values.data, fsync: values.fsync },
    server: {
      host: values.host,
      port,
      apiKey: key || undefined,
      allowedHosts: values['allow-host'],
      cors: values.cors,
      maxBodyBytes: whole(values, 'max-body'),
      maxConnections: whole(values, 'max-connections'),
      log: format === undefined && values.log ? 'text' : format,
    },
  }
}

const given = (object) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))

/** Resolves at the first signal to end; the second one ends the process at once. */
function signal() {
  const names = ['SIGTERM', 'SIGINT']
  return new Promise((resolve) => {
    const first = () => {
      for (const name of names) process.off(name, first)
      resolve()
    }
    for (const name of names) process.on(name, first)
  })
}

async function serve({ client: store, server: settings }) {
  const { VectorizerClient } = require('../index.js')
  const ending = signal()
  const client = new VectorizerClient(given(store))
  try {
    await client.ready()
    const server = await client.serve(given(settings))
    const where = store.path === undefined ? 'in memory' : `data in ${store.path}`
    console.log(`vectorizer-native ${version} is listening on ${server.url} (${where})`)
    await Promise.race([ending, server.closed])
  } finally {
    await client.close()
  }
}

async function main(args) {
  const asked = read(args)
  if (asked.values.help) process.stdout.write(HELP)
  else if (asked.values.version) console.log(version)
  else await serve(asked)
}

main(process.argv.slice(2)).catch((error) => {
  const misused = error instanceof UsageError || error.code === 'VALIDATION_ERROR'
  console.error(`vectorizer-native: ${error.message}`)
  if (misused) console.error("Try 'vectorizer-native --help'.")
  process.exitCode = misused ? 2 : 1
})
