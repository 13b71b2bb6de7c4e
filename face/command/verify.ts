// Checks a store for damage.
import { KEY_HELP, LAST_HELP } from './help.js'
import { keyOf } from './key.js'
import { withProgress } from './progress.js'
import type { Command, Options, Values } from './reading.js'
import { inspectStore, many } from './store.js'

const help = `Usage: vectorizer-native verify DIR [options]

Opens every vector of the store in DIR, and tells what is damaged, a line for each.
Exits with 1 where something is. Nothing is changed, and the store may be open elsewhere.

Options:
  --json               as JSON
${KEY_HELP}${LAST_HELP}`

const options = { json: { type: 'boolean' } } as const satisfies Options

const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0)

async function run(values: Values<typeof options>, directory: string): Promise<number> {
  const key = keyOf(values)
  const seen = await withProgress((onProgress) => inspectStore(directory, key, { verify: true }, onProgress))
  const { path, collections } = seen
  const damaged = [...seen.damaged, ...collections.flatMap((one) => one.damaged)]
  if (values.json) console.log(JSON.stringify(seen, null, 2))
  else if (damaged.length > 0) console.log(damaged.join('\n'))
  else {
    const vectors = many(sum(collections.map(({ live }) => live)), 'vector')
    const bytes = many(sum(collections.map((one) => one.bytes)), 'byte')
    console.log(`${path}: ${many(collections.length, 'collection')}, ${vectors}, ${bytes}: no damage found`)
  }
  return damaged.length > 0 ? 1 : 0
}

export const verify: Command = {
  about: 'look for damage in a store',
  operands: ['DIR'],
  options,
  help,
  run,
}
