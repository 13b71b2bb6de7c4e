// Serves collections over HTTP.
import type { ServeOptions, VectorizerClientOptions } from '../index.js'
import { KEY_HELP, LAST_HELP } from './help.js'
import { keyOf } from './key.js'
import { type Command, given, type Options, UsageError, type Values, whole } from './reading.js'
import { encryption } from './store.js'

const { version }: { version: string } = require('../../package.json')

const help = `Usage: vectorizer-native serve [options]

Serves collections of vectors over HTTP, in memory or from a directory.

Options:
  --host HOST          name or address to listen on (127.0.0.1); one that other
                       machines reach needs a key
  --port PORT          port, 0 for any that is free (15002)
  --data DIR           keep the collections in this directory; without it they are
                       in memory, and gone when the server ends
  --fsync WHEN         when writes survive a loss of power: always, everysec, no
                       (everysec); only with --data
  --ledger             keep a ledger of erasures in the directory; a store that has
                       one keeps it in any case; only with --data
  --api-key KEY        what clients must send; better in the environment variable
                       VECTORIZER_API_KEY, which no other user can read
  --allow-host NAME    without a key: answer for this Host as well (repeatable)
  --cors ORIGIN        let pages of this origin ask from a browser (repeatable)
  --max-body BYTES     the largest body (67108864)
  --max-connections N  connections at a time (4096)
  --backups DIR        where backups are written that clients ask for; without it
                       they are refused
  --log                a line for each request, to the standard error output
  --log-format FORMAT  text or json; implies --log
${KEY_HELP}${LAST_HELP}
SIGTERM and SIGINT end it in order: requests under way are answered, and the
directory is closed. A second signal ends it at once.
`

const options = {
  host: { type: 'string' },
  port: { type: 'string' },
  data: { type: 'string' },
  fsync: { type: 'string' },
  ledger: { type: 'boolean' },
  'api-key': { type: 'string' },
  'allow-host': { type: 'string', multiple: true },
  cors: { type: 'string', multiple: true },
  'max-body': { type: 'string' },
  'max-connections': { type: 'string' },
  backups: { type: 'string' },
  log: { type: 'boolean' },
  'log-format': { type: 'string' },
} as const satisfies Options

type Given = Values<typeof options>

/** The options for opening the client. */
function storeOf(values: Given) {
  const { data: path, fsync, ledger } = values
  if (path === '') throw new UsageError('--data is empty')
  if (path === undefined) {
    if (fsync !== undefined) {
      throw new UsageError('--fsync needs --data: a store in memory has nothing to sync')
    }
    if (ledger) {
      throw new UsageError('--ledger needs --data: a store in memory has no ledger')
    }
    if (values['key-file'] !== undefined) {
      throw new UsageError('--key-file needs --data: a store in memory has no files to encrypt')
    }
    return {}
  }
  return { path, fsync, ledger, encryption: encryption(keyOf(values)) }
}

/** The options for the server. */
function settingsOf(values: Given) {
  const port = whole(values, 'port')
  if (port !== undefined && port > 65_535) throw new UsageError(`--port is ${port}; it must be at most 65535`)
  const { 'api-key': apiKey = process.env.VECTORIZER_API_KEY, 'log-format': format } = values
  if (values['api-key'] === '') throw new UsageError('--api-key is empty')
  if (values.backups === '') throw new UsageError('--backups is empty')
  return {
    host: values.host,
    port,
    apiKey: apiKey || undefined,
    allowedHosts: values['allow-host'],
    cors: values.cors,
    maxBodyBytes: whole(values, 'max-body'),
    maxConnections: whole(values, 'max-connections'),
    backups: values.backups,
    log: format === undefined && values.log ? 'text' : format,
  }
}

/** Resolves at the first termination signal; a second one ends the process at once. */
function signal(): Promise<void> {
  const names = ['SIGTERM', 'SIGINT']
  return new Promise((resolve) => {
    const first = () => {
      for (const name of names) process.off(name, first)
      resolve()
    }
    for (const name of names) process.on(name, first)
  })
}

async function run(values: Given): Promise<undefined> {
  const [store, settings] = [storeOf(values), settingsOf(values)]
  const { VectorizerClient } = require('../index.js') as typeof import('../index.js')
  const ending = signal()
  const client = new VectorizerClient(given(store) as VectorizerClientOptions)
  try {
    await client.ready()
    const server = await client.serve(given(settings) as ServeOptions)
    const where = store.path === undefined ? 'in memory' : `data in ${store.path}`
    console.log(`vectorizer-native ${version} is listening on ${server.url} (${where})`)
    await Promise.race([ending, server.closed])
  } finally {
    await client.close()
  }
}

export const serve: Command = {
  about: 'serve collections over HTTP, in memory or from a directory',
  operands: [],
  options,
  help,
  run,
}
