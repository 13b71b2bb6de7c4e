import { versionOf } from '../engines/index.mjs'
import { K } from '../shared/exact.mjs'
import { BATCH } from '../shared/job.mjs'
import { digits, MB, machine, NONE, table } from '../shared/output.mjs'

const mb = (bytes) => (bytes === null || bytes === undefined ? NONE : digits(bytes / MB))
const found = ({ search }) => search.recall.toFixed(3)

/** What each process reports, and how it is shown. */
const FIGURES = [
  ['fill', 'insert, s', ({ insert }) => digits(insert)],
  ['fill', 'index, s', ({ index }) => digits(index)],
  ['fill', 'search p50, ms', ({ search }) => digits(search.p50)],
  ['fill', '… p99, ms', ({ search }) => digits(search.p99)],
  ['fill', `… recall@${K}`, found],
  ['fill', 'delete a tenth by filter, ms', ({ deletion }) => digits(deletion * 1e3)],
  [
    'fill',
    '`verifyErased`, s (residues)',
    (p) => (p.residues === null ? NONE : `${digits(p.verification)} (${p.residues})`),
  ],
  ['fill', 'close, s', ({ close }) => digits(close)],
  ['fill', 'resident at most, MB', ({ resident }) => mb(resident)],
  ['reopen', 'open, until the first right result, s', ({ opening }) => digits(opening)],
  ['reopen', 'search p50, ms', ({ search }) => digits(search.p50)],
  ['reopen', '… p99, ms', ({ search }) => digits(search.p99)],
  ['reopen', '… recall@10', found],
  ['reopen', 'read back as inserted', ({ intact, sample }) => `${intact} of ${sample}`],
  ['reopen', 'resident at most, MB', ({ resident }) => mb(resident)],
]

export function limitReport(options, { description, deleted }, results, missing) {
  const { n, dim, text, part, seed } = options
  const columns = results.flatMap(({ label, bytes, free, limited }) => [
    { title: `${label}, no limit`, limit: null, ...free },
    { title: `${label}, limited`, limit: bytes, ...limited },
  ])
  const rows = (task) => [
    ...FIGURES.filter(([of]) => of === task).map(([, title, figure]) => [
      title,
      ...columns.map((column) => cell(column[task], figure)),
    ]),
    ['peak of the cgroup, MB', ...columns.map((column) => mb(column[task].peak))],
  ]
  return [
    '# A store larger than memory',
    `${machine()}. ${results.map(versionOf).join(', ')}. ${n} rows of ${dim} dimensions, each with metadata ` +
      `and a text of ${text} bytes, seed ${seed}. Data: ${description}.`,
    table(
      ['', ...columns.map(({ title }) => title)],
      [
        ['files before the delete, MB', ...results.flatMap(({ files }) => [mb(files), mb(files)])],
        ['limit, MB', ...columns.map(({ limit }) => mb(limit))],
        ['ef of the search', ...results.flatMap(({ free }) => [free.fill.ef, free.fill.ef])],
      ],
    ),
    '## The process that fills the store',
    table(['', ...columns.map(({ title }) => title)], rows('fill')),
    '## A second process that opens it',
    table(['', ...columns.map(({ title }) => title)], rows('reopen')),
    ...results.flatMap(problems),
    ...missing.map(({ name, error }) => `**Not measured: ${name}: ${error}**`),
    `The limit is the size of the engine's own files divided by ${part}. It is set with a memory cgroup, and so ` +
      'it counts what the process allocates and what of its files is in the page cache, which the kernel gives ' +
      'up when the limit is reached; swapping is off. Each process has a cgroup of its own, whose page cache is ' +
      'emptied before the next begins, so that the second of the limited processes reads from the disk, while ' +
      'without a limit the files are in the page cache. The texts are random characters, which hardly ' +
      `compress. Rows are inserted ${BATCH} at a time; \`index\` waits until all are in the graph. The ef is the ` +
      'smallest that finds 0.96 without a limit. Each query is searched for once, one after the other; those of ' +
      `the limited process are the first that it makes. The filter deletes ${deleted} rows. Resident memory, ` +
      'unlike the peak of the cgroup, includes mapped files that other processes have read first, such as ' +
      'that of Node.js.',
  ].join('\n\n')
}

function cell(process, figure) {
  if (process.skipped) return NONE
  if (process.error) return process.kills > 0 ? 'killed' : 'failed'
  return figure(process)
}

/** Why a limited process did not end as it should. */
function problems({ name, bytes, free, limited }) {
  const failed = [limited.fill, limited.reopen].find(({ error }) => error)
  if (!failed) return []
  const resident = Math.max(free.fill.resident, free.reopen.resident)
  const why =
    resident > bytes
      ? `; without a limit it had up to ${mb(resident)} MB resident, mapped files included: the limit may be too small`
      : ''
  return [`**${name}, limited: ${failed.kills > 0 ? 'killed for lack of memory' : failed.error}${why}**`]
}
