import { median } from './statistics.mjs'
import { digits, machine, table } from './table.mjs'

const MB = 1024 * 1024
const NONE = '–'

/** Rows of the table: what they are, and the figure of which less is better. */
const FIGURES = [
  ['build until fully indexed, s', (f) => f.build],
  ['search p50, ms (recall@10)', (f) => f.fresh.p50, (f) => f.fresh.recall.toFixed(3)],
  ['… by a call that blocks the event loop, ms', (f) => f.blocking],
  ['one delete, awaited, median, µs', (f) => f.single],
  ['batch delete, µs per id', (f) => f.many],
  ['delete by filter, ms', (f) => f.filter, (f) => f.wrong],
  [
    'search p50 right after 90 % deleted, ms (recall@10)',
    (f) => f.deleted.p50,
    (f) => f.deleted.recall.toFixed(3),
  ],
  ['… deleted ids in the results', (f) => f.deleted.stale],
  ['… results missing', (f) => f.deleted.short],
  ['own clean-up, s', (f) => f.cleanUp],
  ['search p50 after it, ms (recall@10)', (f) => f.cleaned?.p50, (f) => f.cleaned?.recall.toFixed(3)],
  ['resident memory, MB', (f) => f.memoryFresh / MB],
  ['… after 90 % deleted and clean-up, MB', (f) => f.memoryCleaned / MB],
  ['files, MB', (f) => f.bytesFresh && f.bytesFresh / MB],
  ['… after 90 % deleted and clean-up, MB', (f) => f.bytesCleaned && f.bytesCleaned / MB],
  [
    'reopening in a new process, until the first right result, ms',
    (f) => f.reopened && f.reopened.seconds * 1e3,
    (f) => f.reopened?.searches > 1 && `search ${f.reopened.searches}`,
  ],
]

const ON_DISK =
  'Durability is as set: a killed process loses nothing of ours and of sqlite-vec, a power failure the last ' +
  'moments of both; zvec and LanceDB run with their defaults. Documented clean-ups: optimize() of ours and ' +
  'zvec; optimize({ cleanupOlderThan: new Date() }) of LanceDB, also before it is indexed; VACUUM and ' +
  'wal_checkpoint(TRUNCATE) of sqlite-vec. Files are measured when the store is closed, as the blocks they ' +
  'take up. Between the memory when fresh and the deletes each store is closed, opened by a process that is ' +
  'new to it, and opened again; the files are then still in the page cache.'

const NOTES = {
  memory:
    'hnswlib-node has neither ids nor metadata: its delete by filter is hand-written JavaScript over a Map, ' +
    'and its deletes only set a mark.',
  disk: ON_DISK,
  peers:
    `${ON_DISK} usearch and hnswlib-node have neither ids nor metadata, ruvector no metadata: their deletes by ` +
    'filter are hand-written JavaScript over a Map. What is kept in memory only is neither closed nor opened ' +
    'again, nor is ruvector, which has no call for it. usearch fixes the width of its searches when it is made; a wider one here asks for as many ' +
    'results and keeps the first ten. PGlite runs with its default, without fsync; its clean-up is VACUUM.',
}

/** The whole report; `results` holds each engine's figures of all rounds. */
export function report(options, { data, plan, results, missing }) {
  const measured = results.filter((result) => result.rounds.length > 0)
  const kept = options.mode === 'peers' ? [['kept', ...measured.map(whereKept)]] : []
  const lines = [
    `${options.disk ? 'On disk' : 'In memory'}, ${new Date().toISOString().slice(0, 10)}. ${machine()}. ` +
      `${measured.map(({ label, version }) => `${label} ${version}`).join(', ')}. ` +
      `n ${data.n}, dim ${data.dim}, ${options.rounds} rounds (medians), seed ${options.seed}. ` +
      `Data: ${data.description}.`,
    '',
    table(
      ['', ...measured.map((result) => result.label)],
      [
        ...kept,
        ['settings', ...measured.map(({ rounds }) => rounds[0].settings)],
        [
          'ef of the search',
          ...measured.map(({ rounds }) => [...new Set(rounds.map((f) => f.ef ?? NONE))].join(', ')),
        ],
        // What no engine has a figure for belongs to the other kind of comparison.
        ...FIGURES.map((figure) => row(figure, measured)).filter(([, ...cells]) =>
          cells.some((cell) => cell !== NONE),
        ),
      ],
    ),
    '',
    `Deleted, in this order: ${plan.single.length} one by one; ${plan.filter.matches} by the filter ` +
      `${plan.filter.field} < ${plan.filter.below}; ${plan.batch.length} as one batch; ${plan.rests.flat().length} more, ` +
      `not measured. Searches return ids only. × is the ratio to the best of the others; below 1 is better. ` +
      `Resident memory counts mapped files. ${NOTES[options.mode]}`,
  ]
  for (const { label, lost } of measured.map(worst))
    if (lost !== 0)
      lines.push('', `**${label}: ${Math.abs(lost)} vectors too ${lost < 0 ? 'few' : 'many'} left.**`)
  for (const { name, error } of missing) lines.push('', `**Not measured: ${name}: ${error}**`)
  return lines.join('\n')
}

function row([title, value, remark], measured) {
  const values = measured.map(({ rounds }) => {
    const all = rounds.map(value).filter((figure) => figure !== null && figure !== undefined)
    return all.length > 0 ? median(all) : undefined
  })
  const others = values.filter((figure, i) => measured[i].name !== 'ours' && figure !== undefined)
  const best = Math.min(...others)
  const cells = measured.map(({ name, rounds }, i) => {
    if (values[i] === undefined) return NONE
    const remarks = remark ? rounds.map(remark).filter(Boolean).sort() : []
    const note = remarks.length > 0 ? ` (${remarks[Math.floor(remarks.length / 2)]})` : ''
    const ratio = name === 'ours' && best > 0 && best < Infinity ? ` · ×${digits(values[i] / best)}` : ''
    return `${digits(values[i])}${note}${ratio}`
  })
  return [title, ...cells]
}

const whereKept = ({ memoryOnly }) => (memoryOnly ? 'memory only' : 'on disk')

function worst({ label, rounds }) {
  const lost = rounds.map((figures) => figures.lost).find((difference) => difference !== 0) ?? 0
  return { label, lost }
}
