import { parseArgs } from 'node:util'

export const ENGINES = ['ours', 'zvec', 'hnswlib']

const HELP = `Compares vectorizer-native with other vector engines for Node.js, in memory.

npm run bench -- [options]

  --n <rows>          rows to index (default 40000, or all the real ones where those are present)
  --dim <n>           dimensions (default 384)
  --queries <n>       queries (default 200)
  --rounds <n>        repeats, of which the median counts (default 3)
  --engines <a,b>     of ${ENGINES.join(', ')} (default all)
  --ef <n>            our ef_search (default: ours); the others' is chosen by recall
  --seed <n>          of the data and of what is deleted (default 1)
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
      'event-loop': flag,
      help: flag,
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return undefined
  }
  const engines = values.engines?.split(',') ?? ENGINES
  for (const engine of engines)
    if (!ENGINES.includes(engine)) throw new Error(`--engines: ${engine} is none of ${ENGINES.join(', ')}`)
  const eventLoop = values['event-loop']
  return {
    n: whole('n', values.n ?? (eventLoop ? '100000' : undefined), 1_000),
    dim: whole('dim', values.dim ?? '384', 2),
    queries: whole('queries', values.queries ?? '200', 1),
    rounds: whole('rounds', values.rounds ?? '3', 1),
    seed: whole('seed', values.seed ?? '1', 0),
    ef: whole('ef', values.ef, 10),
    engines: [...new Set(engines)],
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
