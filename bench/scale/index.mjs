// How the time of our calls grows with the rows: the times at each size, and the exponent between two sizes.
import { engineOf, versionOf } from '../engines/index.mjs'
import { loadData } from '../shared/data.mjs'
import { exactScores } from '../shared/exact.mjs'
import { withFolder } from '../shared/folder.mjs'
import { writeJob } from '../shared/job.mjs'
import { digits, machine, NONE, publish, say, table } from '../shared/output.mjs'
import { run } from '../shared/process.mjs'
import { shuffledRows } from '../shared/random.mjs'

const SINGLES = 1_000
const BATCH = 10_000
const CALLS = [
  ['insert until fully indexed, µs per row', 'insert'],
  ['search p50, µs', 'search'],
  ['one delete, awaited, median, µs', 'single'],
  ['batch delete, µs per id', 'many'],
]

export default async function scale(options) {
  const measured = []
  let description
  for (const n of options.sizes) {
    say(`${n} rows: preparing the data and the exact answers`)
    const data = loadData({ ...options, n })
    description = data.description
    const figures = await withFolder((shared) => {
      writeJob(shared, data, { ...exactScores(data), ...deletes(n, options.seed) })
      say(`${n} rows: measuring`)
      return run({ task: 'scale/measure', engine: 'ours', job: { shared } })
    })
    measured.push({ n, ...figures })
  }
  publish('scale.md', report(options, description, measured))
}

/** At most a tenth of the rows for each kind of call. */
function deletes(n, seed) {
  const order = shuffledRows(n, seed)
  const singles = Math.min(SINGLES, Math.floor(n / 10))
  const batch = Math.min(BATCH, Math.floor(n / 10))
  return { single: order.slice(0, singles), batch: order.slice(singles, singles + batch) }
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
    `${machine()}. ${versionOf(engineOf('ours'))}, in memory. dim ${dim}, seed ${seed}. Data: ${description}.`,
    table(
      [
        'rows',
        ...measured.map(({ n }) => n),
        ...pairs.map(([small, large]) => `power, ${small.n} to ${large.n}`),
      ],
      [
        ...rows,
        ['ef of the search', ...measured.map(({ ef }) => ef), ...pairs.map(() => NONE)],
        ['recall@10', ...measured.map(({ recall }) => recall.toFixed(3)), ...pairs.map(() => NONE)],
      ],
    ),
    'A power p means that the time grows as n to the power p between the two sizes: 0 is no growth, 1 is ' +
      `proportional. The ef is the smallest that finds 0.96. ${SINGLES} deletes one by one and ${BATCH} as a ` +
      'batch, each at most a tenth of the rows.',
  ].join('\n\n')
}

const exponent = (small, large, name) => Math.log(large[name] / small[name]) / Math.log(large.n / small.n)
