import { parseArgs } from 'node:util'
import { namesIn } from './engines/index.mjs'

export const PATTERNS = ['random', 'clusters', 'window']

/** The defaults in every mode. */
const DEFAULTS = {
  dim: 384,
  dims: '128,384,768,1536',
  queries: 200,
  rounds: 3,
  seed: 1,
  sizes: '10000,100000,1000000',
  text: 12_000,
  part: 4,
}
/** Each mode has a folder of the same name, and may have other defaults. */
const MODES = {
  memory: {},
  disk: {},
  peers: { n: 100_000 },
  churn: { n: 20_000, rounds: 20 },
  deletes: {},
  expiry: { n: 100_000 },
  replace: { n: 10_000, text: 500 },
  changes: { n: 100_000 },
  ledger: { n: 100_000 },
  undo: { n: 100_000 },
  builders: {},
  rotation: { n: 1_000_000, dim: 16 },
  scale: { dim: 128, queries: 100 },
  capacity: { n: 100_000, sizes: '50000,200000', text: 1_000 },
  limit: { n: 100_000 },
  paging: { n: 1_000_000, dim: 8 },
  http: { n: 40_000 },
}

const HELP = `Compares vectorizer-native with other vector engines for Node.js, in memory or on disk.

npm run bench -- [mode] [options]

  (no mode)           in memory, beside ${namesIn('memory').slice(1).join(' and ')}
  --disk              stores on disk; also how fast they reopen, and what a delete leaves in their files
  --peers             beside every peer, ours on disk: recall against latency, before and after deletes, and
                      how far our goals are met; writes results/peers.md and peers.svg
  --churn             deletes and inserts half of the rows again and again: whether searches stay as good and
                      as fast, and memory and files as small; writes results/churn.md and churn.svg
  --deletes           ours alone: deletes on disk beside the same in memory, in turn; writes results/deletes.md
  --expiry            ours alone: half of the vectors expire at one instant; searches before and after, and when
                      the last key is gone, in memory and on disk; writes results/expiry.md
  --replace           ours alone: documents of which a few chunks have changed, by replace beside deleting and
                      inserting everything and LangChain's indexing, on disk; writes results/replace.md
  --changes           ours alone: patches, batch updates, moves and forgets in one step, beside the loops that
                      they replace, on disk; writes results/changes.md
  --ledger            ours alone: deletes with and without a ledger, on disk; the size of one, and how long it
                      takes to verify it and to restore with it; writes results/ledger.md
  --undo              ours alone: deletes with and without undo, bringing back, and a whole collection, on disk;
                      writes results/undo.md
  --builders          ours alone: both builders of a graph, in turn; writes results/builders.md
  --rotation          ours alone: rotateKeys of a store on disk, and calls meanwhile; writes results/rotation.md
  --scale             ours alone: how the time of each call grows with the rows; writes results/scale.md
  --capacity          ours alone: memory and files of a million vectors by dimension, and rates, in memory, on
                      disk, and on disk with texts; writes results/capacity.md and capacity.svg
  --limit             a store on disk in a process whose memory, page cache included, is limited to a part of
                      the store's files, beside ${namesIn('limit').slice(1).join(' and ')}; needs Linux and the right to create a cgroup
                      (root); writes results/limit.md
  --paging            ours alone: the first, middle and last pages of listVectors and scan; writes
                      results/paging.md
  --http              ours alone: calls over HTTP beside the same calls in process, in memory and on disk, and
                      what slow clients do to a fast one; needs wrk (apt-get install wrk); writes
                      results/http.md

  --n <rows>          rows to index (default 40000, or all the real ones where those are present; 100000 with
                      --peers, --capacity, --limit, --changes, --ledger and --undo, 40000 with --http, 20000 with
                      --churn, 1000000 with --rotation and --paging); with --expiry: how many expire, beside
                      as many that do not (100000); with --replace: chunks (10000)
  --sizes <a,b>       with --scale: how many rows (default 10000,100000,1000000); with --capacity: how many at
                      --dim, beside --n, to see whether figures grow in proportion (default 50000,200000)
  --dim <n>           dimensions (default 384; 128 with --scale, 16 with --rotation, 8 with --paging)
  --dims <a,b>        with --capacity: dimensions (default 128,384,768,1536)
  --queries <n>       queries (default 200; 100 with --scale)
  --rounds <n>        repeats, of which the median counts (default 3); with --churn: how often (default 20)
  --engines <a,b>     of ${namesIn('memory').join(', ')};
                      with --disk of ${namesIn('disk').join(', ')};
                      with --peers of ${namesIn('peers').join(', ')};
                      with --limit of ${namesIn('limit').join(', ')};
                      with --churn of ${namesIn('churn').join(', ')} (default all)
  --text <bytes>      with --limit: the length of each row's text (default 12000); with --capacity: the same where
                      rows have texts (default 1000); with --replace: of each chunk's (default 500)
  --part <n>          with --limit: how many times larger the files are than the memory (default 4)
  --patterns <a,b>    with --churn: of ${PATTERNS.join(', ')} (default all)
  --seed <n>          of the data and of what is deleted (default 1)
  --help              this text

VECTORIZER_BENCH_DATA names a folder with packages-40k.f32 and packages-40k.jsonl: real rows.
`

/** The options, or undefined if the help was requested. */
export function readOptions() {
  const text = { type: 'string' }
  const flag = { type: 'boolean', default: false }
  const names = Object.keys(DEFAULTS).concat('n', 'engines', 'patterns')
  const modes = Object.keys(MODES).filter((name) => name !== 'memory')
  const { values } = parseArgs({
    options: Object.fromEntries([
      ...names.map((name) => [name, text]),
      ...[...modes, 'help'].map((name) => [name, flag]),
    ]),
  })
  if (values.help) {
    process.stdout.write(HELP)
    return undefined
  }
  const given = modes.filter((name) => values[name])
  if (given.length > 1) throw new Error(`--${given.join(' and --')} do not go together`)
  const mode = given[0] ?? 'memory'
  const all = { ...DEFAULTS, ...MODES[mode], ...values }
  const number = (name, min) => whole(name, all[name], min)
  return {
    mode,
    n: all.n === undefined ? undefined : number('n', 1_000),
    dim: number('dim', 2),
    queries: number('queries', 1),
    rounds: number('rounds', 1),
    seed: number('seed', 0),
    text: number('text', 1),
    part: number('part', 1),
    engines: list('engines', all.engines, namesIn(mode)),
    patterns: list('patterns', all.patterns, PATTERNS),
    sizes: numbers('sizes', all.sizes, 1_000),
    dims: numbers('dims', all.dims, 2),
  }
}

function list(name, text, known) {
  const names = text?.split(',') ?? known
  for (const each of names)
    if (!known.includes(each)) throw new Error(`--${name}: ${each} is none of ${known.join(', ')}`)
  return [...new Set(names)]
}

/** Whole numbers, each once, in ascending order. */
function numbers(name, text, min) {
  const all = text.split(',').map((each) => whole(name, each, min))
  return [...new Set(all)].sort((a, b) => a - b)
}

function whole(name, text, min) {
  const value = Number(text)
  if (!Number.isInteger(value) || value < min)
    throw new Error(`--${name} must be a whole number of at least ${min}, not ${text}`)
  return value
}
