import { engineOf, versionOf } from '../engines/index.mjs'
import { K } from '../shared/exact.mjs'
import { BATCH } from '../shared/job.mjs'
import { digits, machine, table } from '../shared/output.mjs'
import { svg } from '../shared/svg.mjs'
import { ONE_IN } from './data.mjs'

/** The memory of typical machines, in GiB, and the share of it that is left for everything else. */
const MACHINES = [16, 64, 256]
const FREE = 1 / 4

/** kB per vector, which is also GB for a million vectors. */
const perMillion = (bytes, { n }) => bytes / n / 1e3

const TAKEN = [
  ['the values alone, as 32-bit floats', ({ dim }) => (4 * dim) / 1e3],
  ['in memory: resident', (p) => perMillion(p.memory.resident, p)],
  ['… by `size_bytes`', (p) => perMillion(p.memory.reported, p)],
  ['… at most while inserting and indexing', (p) => perMillion(p.memory.peak, p)],
  ['on disk: resident', (p) => perMillion(p.disk.resident, p)],
  ['… by `size_bytes`', (p) => perMillion(p.disk.reported, p)],
  ['… at most while inserting and indexing', (p) => perMillion(p.disk.peak, p)],
  ['… opened by a new process', (p) => perMillion(p.disk.reopened.resident, p)],
  ['on disk: files', (p) => perMillion(p.disk.files, p)],
  ['… by `disk_bytes`', (p) => perMillion(p.disk.reportedFiles, p)],
]

/** The same with texts; these count in the files alone. */
const TAKEN_WITH_TEXTS = [
  ['on disk: resident', (p) => perMillion(p.texts.resident, p)],
  ['… by `size_bytes`', (p) => perMillion(p.texts.reported, p)],
  ['… at most while inserting and indexing', (p) => perMillion(p.texts.peak, p)],
  ['… opened by a new process', (p) => perMillion(p.texts.reopened.resident, p)],
  ['on disk: files', (p) => perMillion(p.texts.files, p)],
]

const RATES = [
  ['inserted and indexed, vectors a second, in memory', (p) => p.n / p.memory.build],
  ['… on disk', (p) => p.n / p.disk.build],
  [`search, ${K} results, one after the other, in memory, p50, ms`, (p) => p.memory.p50],
  ['… p99, ms', (p) => p.memory.p99],
  ['… on disk, p50, ms', (p) => p.disk.p50],
  ['… p99, ms', (p) => p.disk.p99],
  ['`searchBatch` of all queries, a second, in memory', (p) => p.memory.together],
  ['… on disk', (p) => p.disk.together],
  ['ef of the search', (p) => p.memory.ef, String],
  [`recall@${K}`, (p) => p.memory.recall, (recall) => recall.toFixed(3)],
  ['ef of the search on disk', (p) => p.disk.ef, String],
  [`recall@${K} on disk`, (p) => p.disk.recall, (recall) => recall.toFixed(3)],
  ['`batchDelete`, ids a second, in memory', (p) => p.memory.deleted],
  ['… on disk', (p) => p.disk.deleted],
  ['opening by a new process, until the first right result, s', (p) => p.disk.reopened.seconds],
]

export function capacityReport(options, { load, nice }, points) {
  const byDim = points.filter(({ n }) => n === options.n)
  const bySize = points.filter(({ dim }) => dim === options.dim)
  const [{ description, metadataBytes, memory }] = points
  return [
    '# How much fits on one machine',
    '![memory and files by dimension, and by rows](capacity.svg)',
    `${machine()}, load ${digits(load)} before it began, nice ${nice}. ${versionOf(engineOf('ours'))}. ` +
      `seed ${options.seed}. Data: ${description}; metadata of ${metadataBytes.toFixed(0)} bytes of JSON on average.`,
    '## GB for a million vectors',
    table(['dimension', ...byDim.map(({ dim }) => dim)], [sizes(byDim), ...rows(TAKEN, byDim)]),
    `The same with a text of ${options.text} bytes for each vector, in place of none:`,
    table(['dimension', ...byDim.map(({ dim }) => dim)], rows(TAKEN_WITH_TEXTS, byDim)),
    'Measured with these rows, and scaled proportionally. A GB is 10⁹ bytes.',
    '## Millions of vectors that fit',
    table(
      ['dimension', ...byDim.map(({ dim }) => dim)],
      MACHINES.flatMap((gib) => [
        fitting(`${gib} GiB, in memory`, gib, byDim, 'memory'),
        fitting('… on disk', gib, byDim, 'disk'),
      ]),
    ),
    'Computed from the peak while inserting and indexing, with ' +
      `${100 * (1 - FREE)} % of the machine's memory (a GiB is 2³⁰ bytes).`,
    '## Rates',
    'Other load on the machine lowers them, but does not affect the tables above.',
    table(['dimension', ...byDim.map(({ dim }) => dim)], [sizes(byDim), ...rows(RATES, byDim)]),
    `## In proportion? GB for a million vectors, and rates, at dimension ${options.dim}`,
    table(['rows', ...bySize.map(({ n }) => n)], rows([...TAKEN.slice(1), ...RATES], bySize)),
    'Each figure is from one run, in a separate process. The process had created and closed another ' +
      `collection of a thousand vectors, and held ${digits(memory.before / 1e6)} MB (the first of them) ` +
      'when the run began; memory is what it held beyond that: after `optimize` had resolved and ' +
      'garbage was collected, and, as the peak, until `optimize` had resolved. ' +
      `Rows are read from a file and inserted ${BATCH} at a time, each call awaited, and the ` +
      "benchmark's own garbage is collected after each; the rates include the time for that. " +
      'Files are measured while the store is closed, as the disk blocks they occupy. ' +
      'The ef is the smallest that finds 0.96; searches return ids. The deletes ' +
      `remove 1 row in ${ONE_IN}, as one batch. When the store is opened, its files are in the page ` +
      'cache.',
  ].join('\n\n')
}

const sizes = (points) => ['rows', ...points.map(({ n }) => n)]

const rows = (figures, points) =>
  figures.map(([title, figure, form = digits]) => [title, ...points.map((point) => form(figure(point)))])

function fitting(title, gib, points, place) {
  const room = gib * 2 ** 30 * (1 - FREE)
  const millions = (point) => room / (point[place].peak / point.n) / 1e6
  return [title, ...points.map((point) => digits(millions(point)))]
}

export function capacityChart(options, points) {
  const panel = (title, label, shown, x) => ({
    title,
    x: { label },
    y: { label: 'GB for a million', min: 0 },
    lines: LINES.map(([name, figure]) => ({ name, points: shown.map((point) => [x(point), figure(point)]) })),
  })
  const byDim = points.filter(({ n }) => n === options.n)
  const bySize = points.filter(({ dim }) => dim === options.dim)
  return svg('What a million vectors take', [
    [
      panel(`${options.n} rows`, 'dimension', byDim, ({ dim }) => dim),
      panel(`dimension ${options.dim}`, 'rows', bySize, ({ n }) => n),
    ],
  ])
}

const LINES = [
  ['the values alone', ({ dim }) => (4 * dim) / 1e3],
  ['resident, on disk', (p) => perMillion(p.disk.resident, p)],
  ['at most while inserting, on disk', (p) => perMillion(p.disk.peak, p)],
  ['files', (p) => perMillion(p.disk.files, p)],
]
