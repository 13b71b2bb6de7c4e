import { parseArgs } from 'node:util'

const IN_MEMORY = ['ours', 'zvec', 'hnswlib']
const ON_DISK = ['ours', 'zvec', 'lancedb', 'sqlite-vec']

const HELP = `Compares vectorizer-native with other vector engines for Node.js, in memory or on disk.

npm run bench -- [options]

  --n <rows>          rows to index (default 40000, or all the real ones where those are present)
  --dim <n>           dimensions (default 384)
  --queries <n>       queries (default 200)
  --rounds <n>        repeats, of which the median counts (default 3)
  --engines <a,b>     of ${IN_MEMORY.join(', ')}; with --disk of ${ON_DISK.join(', ')} (default all)
  --ef <n>            our ef_search (default: ours); the others' is chosen by recall
  --seed <n>          of the data and of what is deleted (default 1)
  --disk              stores on disk; also how fast they reopen, and what a delete leaves in their files
  --event-loop        instead: how long our calls keep Node's event loop waiting (default --n 100000)
  --help              this text

VECTORIZER_BENCH_DATA names a folder with packages-40k.f32 and packages-40k.jsonl: real rows.
`

/** The options, or undefined where the help was asked for. */
export function readOptions() {
  const text = { type: 'string' }
  const flag = { type: 'boolean', default: false }
  const { values } = parseArgs({
    options: {
      n: text,
      dim: text,
      queries: text,
      rounds: text,
      engines: text,
      ef: text,
      seed: text,
      disk: flag,
      'event-loop': flag,
      help: flag,
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return undefined
  }
  const known = values.disk ? ON_DISK : IN_MEMORY
  const engines = values.engines?.split(',') ?? known
  for (const engine of engines)
    if (!known.includes(engine)) throw new Error(`--engines: ${engine} is none of ${known.join(', ')}`)
  if (values.disk && values['event-loop']) throw new Error('--disk and --event-loop do not go together')
  const eventLoop = values['event-loop']
  return {
    n: whole('n', values.n ?? (eventLoop ? '100000' : undefined), 1_000),
    dim: whole('dim', values.dim ?? '384', 2),
    queries: whole('queries', values.queries ?? '200', 1),
    rounds: whole('rounds', values.rounds ?? '3', 1),
    seed: whole('seed', values.seed ?? '1', 0),
    ef: whole('ef', values.ef, 10),
    engines: [...new Set(engines)],
    disk: values.disk,
    eventLoop,
  }
}

function whole(name, text, least) {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!Number.isInteger(value) || value < least)
    throw new Error(`--${name} must be a whole number of at least ${least}, not ${text}`)
  return value
}
