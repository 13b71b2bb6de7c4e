// How the time of our calls grows with the rows: at each size, and the power of it between two sizes.
import { loadData } from './data.mjs'
import { inFolder, withFolder } from './folder.mjs'
import { writeJob } from './job.mjs'
import { exactScores } from './plan.mjs'
import { run } from './process.mjs'
import { Random } from './random.mjs'
import { digits, machine, publish, table } from './table.mjs'

const SINGLES = 1_000
const BATCH = 10_000
const CALLS = [
  ['insert until fully indexed, µs per row', 'insert'],
  ['search p50, µs', 'search'],
  ['one delete, awaited, median, µs', 'single'],
  ['batch delete, µs per id', 'many'],
]

export async function scale(options, say) {
  const measured = []
  let description
  for (const n of options.sizes) {
    say(`${n} rows: preparing the data and the exact answers`)
    const data = loadData({ ...options, n })
    description = data.description
    const figures = await withFolder(async (shared) => {
      writeJob(shared, data, { ...exactScores(data, new Uint8Array(n).fill(1)), ...deletes(n, options.seed) })
      say(`${n} rows: measuring`)
      return inFolder(shared, async (folder) => {
        const job = { shared, folder, ef: options.ef }
        const { error, version, figures } = await run({ task: 'growth', engine: 'ours', job })
        if (error) throw new Error(`${n} rows: ${error}`)
        return { version, ...figures }
      })
    })
    measured.push({ n, ...figures })
  }
  publish('scale.md', report(options, description, measured))
}

/** A tenth of the rows at most by each kind of call. */
function deletes(n, seed) {
  const order = new Random(seed + 1).shuffle(Uint32Array.from({ length: n }, (_, row) => row))
  const singles = Math.min(SINGLES, Math.floor(n / 10))
  const batch = Math.min(BATCH, Math.floor(n / 10))
  return { singly: [...order.slice(0, singles)], together: [...order.slice(singles, singles + batch)] }
}

function report({ dim, seed }, description, measured) {
  const pairs = measured.slice(1).map((large, i) => [measured[i], large])
  const power = (name) => pairs.map(([small, large]) => digits(exponent(small, large, name)))
  const rows = CALLS.map(([title, name]) => [
    title,
    ...measured.map((at) => digits(at[name])),
    ...power(name),
  ])
  return [
    '# Growth',
    `${new Date().toISOString().slice(0, 10)}. ${machine()}. vectorizer-native ${measured[0].version}, in ` +
      `memory. dim ${dim}, seed ${seed}. Data: ${description}.`,
    table(
      [
        'rows',
        ...measured.map(({ n }) => n),
        ...pairs.map(([small, large]) => `power, ${small.n} to ${large.n}`),
      ],
      [
        ...rows,
        ['ef of the search', ...measured.map(({ ef }) => ef ?? 'the default'), ...pairs.map(() => '–')],
        ['recall@10', ...measured.map(({ recall }) => recall.toFixed(3)), ...pairs.map(() => '–')],
      ],
    ),
    `A power p says that the time grows as n to the p between the two sizes: 0 is no growth, 1 in proportion. ` +
      `The ef is the smallest that finds 0.96. ${SINGLES} deletes one by one and ${BATCH} as a batch, at most a ` +
      'tenth of the rows each.',
  ].join('\n\n')
}

const exponent = (small, large, name) => Math.log(large[name] / small[name]) / Math.log(large.n / small.n)
