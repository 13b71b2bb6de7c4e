import { parseArgs } from 'node:util'

/** What can be measured in each mode. */
const ENGINES = {
  memory: ['ours', 'zvec', 'hnswlib'],
  disk: ['ours', 'zvec', 'lancedb', 'sqlite-vec'],
  peers: ['ours', 'zvec', 'usearch', 'hnswlib', 'lancedb', 'sqlite-vec', 'ruvector', 'pglite', 'vectra'],
  churn: ['ours', 'ours-optimized', 'ours-disk', 'zvec', 'usearch', 'hnswlib', 'hnswlib-replacing'],
}
export const PATTERNS = ['random', 'clusters', 'window']
/** What is taken where nothing else is said. */
const USUAL = {
  dim: 384,
  dims: '128,384,768,1536',
  queries: 200,
  rounds: 3,
  seed: 1,
  sizes: '10000,100000,1000000',
}
/** ... and where the mode takes something else. */
const DEFAULTS = {
  peers: { n: 100_000 },
  churn: { n: 20_000, rounds: 20 },
  rotation: { n: 1_000_000, dim: 16 },
  scale: { dim: 128, queries: 100 },
  capacity: { n: 100_000, sizes: '50000,200000' },
  'event-loop': { n: 100_000 },
  http: { n: 40_000 },
}

const HELP = `Compares vectorizer-native with other vector engines for Node.js, in memory or on disk.

npm run bench -- [mode] [options]

  (no mode)           in memory, beside ${ENGINES.memory.slice(1).join(' and ')}
  --disk              stores on disk; also how fast they reopen, and what a delete leaves in their files
  --peers             beside every peer, ours on disk: recall against latency, before and after deletes, and
                      how far our goals are met; writes results/peers.md and peers.svg
  --churn             deletes and inserts half of the rows again and again: whether searches stay as good and
                      as fast, and memory and files as small; writes results/churn.md and churn.svg
  --deletes           ours alone: deletes on disk beside the same in memory, in turn; writes results/deletes.md
  --rotation          ours alone: rotateKeys of a store on disk, and calls meanwhile; writes results/rotation.md
  --scale             ours alone: how the time of each call grows with the rows; writes results/scale.md
  --capacity          ours alone: memory and files of a million vectors by dimension, and rates, in memory and on
                      disk; writes results/capacity.md and capacity.svg
  --event-loop        ours alone: how long our calls keep Node's event loop waiting
  --http              ours alone: calls over HTTP beside the same calls in process, in memory and on disk, and
                      what slow clients do to a fast one; needs wrk (apt-get install wrk); writes
                      results/http.md

  --n <rows>          rows to index (default 40000, or all the real ones where those are present; 100000 with
                      --peers, --capacity and --event-loop, 40000 with --http, 20000 with --churn,
                      1000000 with --rotation)
  --sizes <a,b>       with --scale: how many rows (default 10000,100000,1000000); with --capacity: how many at
                      --dim, beside --n, to see whether figures grow in proportion (default 50000,200000)
  --dim <n>           dimensions (default 384; 128 with --scale, 16 with --rotation)
  --dims <a,b>        with --capacity: dimensions (default 128,384,768,1536)
  --queries <n>       queries (default 200; 100 with --scale)
  --rounds <n>        repeats, of which the median counts (default 3); with --churn: how often (default 20)
  --engines <a,b>     of ${ENGINES.memory.join(', ')};
                      with --disk of ${ENGINES.disk.join(', ')};
                      with --peers of ${ENGINES.peers.join(', ')};
                      with --churn of ${ENGINES.churn.join(', ')} (default all)
  --patterns <a,b>    with --churn: of ${PATTERNS.join(', ')} (default all)
  --ef <n>            our ef_search, for all searches (default: as the others', chosen by recall; with --http
                      that of a collection that is given none)
  --seed <n>          of the data and of what is deleted (default 1)
  --help              this text

VECTORIZER_BENCH_DATA names a folder with packages-40k.f32 and packages-40k.jsonl: real rows.
`

/** The options, or undefined where the help was asked for. */
export function readOptions() {
  const text = { type: 'string' }
  const flag = { type: 'boolean', default: false }
  const modes = ['disk', 'peers', 'churn', 'deletes', 'rotation', 'scale', 'capacity', 'event-loop', 'http']
  const { values } = parseArgs({
    options: {
      n: text,
      dim: text,
      dims: text,
      queries: text,
      rounds: text,
      engines: text,
      patterns: text,
      sizes: text,
      ef: text,
      seed: text,
      ...Object.fromEntries(modes.map((name) => [name, flag])),
      help: flag,
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return undefined
  }
  const asked = modes.filter((name) => values[name])
  if (asked.length > 1) throw new Error(`--${asked.join(' and --')} do not go together`)
  const mode = asked[0] ?? 'memory'
  const defaults = { ...USUAL, ...DEFAULTS[mode] }
  const number = (name, least) => whole(name, values[name] ?? defaults[name], least)
  return {
    mode,
    n: number('n', 1_000),
    dim: number('dim', 2),
    queries: number('queries', 1),
    rounds: number('rounds', 1),
    seed: number('seed', 0),
    ef: number('ef', 10),
    engines: listed('engines', values.engines, ENGINES[mode] ?? ['ours']),
    patterns: listed('patterns', values.patterns, PATTERNS),
    sizes: numbers('sizes', values.sizes ?? defaults.sizes, 1_000),
    dims: numbers('dims', values.dims ?? defaults.dims, 2),
    disk: mode === 'disk' || mode === 'peers',
  }
}

function listed(name, text, known) {
  const names = text?.split(',') ?? known
  for (const each of names)
    if (!known.includes(each)) throw new Error(`--${name}: ${each} is none of ${known.join(', ')}`)
  return [...new Set(names)]
}

/** Whole numbers, each once, the smallest first. */
function numbers(name, text, least) {
  const all = text.split(',').map((each) => whole(name, each, least))
  return [...new Set(all)].sort((a, b) => a - b)
}

function whole(name, text, least) {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!Number.isInteger(value) || value < least)
    throw new Error(`--${name} must be a whole number of at least ${least}, not ${text}`)
  return value
}
