import { versionOf } from '../../engines/index.mjs'
import { digits, MB, machine, NONE, table } from '../output.mjs'
import { median } from '../statistics.mjs'

/** Rows of the table: the title, and the figure (less is better). */
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

export const ON_DISK =
  'Durability is as configured: a killed process loses nothing of ours and of sqlite-vec, and a power ' +
  'failure the last moments of both; zvec and LanceDB run with their defaults. Documented clean-ups: ' +
  'optimize() of ours and zvec; optimize({ cleanupOlderThan: new Date() }) of LanceDB, also before it ' +
  'is indexed; VACUUM and wal_checkpoint(TRUNCATE) of sqlite-vec. Files are measured while the store is ' +
  'closed, as the disk blocks they occupy. After the fresh memory is measured and before the deletes, ' +
  'each store is closed, opened by a new process, and opened again; the files are then still in the ' +
  'page cache.'

/**
 * The whole report; `results` contains each engine's figures of all rounds, and the note is the mode's own.
 */
export function report({ disk, rounds, seed }, { data, plan, results, missing }, note) {
  const kept = ({ storage }) =>
    storage === 'memory' || (storage === 'either' && !disk) ? 'memory only' : 'on disk'
  const lines = [
    `${disk ? 'On disk' : 'In memory'}. ${machine()}. ${results.map(versionOf).join(', ')}. ` +
      `n ${data.n}, dim ${data.dim}, ${rounds} rounds (medians), seed ${seed}. ` +
      `Data: ${data.description}.`,
    table(
      ['', ...results.map(({ label }) => label)],
      [
        ['kept', ...results.map(kept)],
        ['settings', ...results.map((result) => result.rounds[0].settings)],
        [
          'ef of the search',
          ...results.map((result) => [...new Set(result.rounds.map(({ ef }) => ef ?? NONE))].join(', ')),
        ],
        // A figure that no engine has belongs to the other kind of comparison.
        ...FIGURES.map((figure) => row(figure, results)).filter(([, ...cells]) =>
          cells.some((cell) => cell !== NONE),
        ),
      ],
    ),
    `Deleted, in this order: ${plan.single.length} one by one; ${plan.filter.matches} by the filter ` +
      `${plan.filter.field} < ${plan.filter.below}; ${plan.batch.length} as one batch; ${plan.rests.flat().length} more, ` +
      `not measured. Searches return ids only. × is the ratio to the best of the others; below 1 is better. ` +
      `Resident memory includes mapped files. ${note}`,
  ]
  for (const result of results) {
    const lost = result.rounds.map((figures) => figures.lost).find((difference) => difference !== 0)
    if (lost)
      lines.push(`**${result.label}: ${Math.abs(lost)} vectors too ${lost < 0 ? 'few' : 'many'} left.**`)
  }
  for (const { name, error } of missing) lines.push(`**Not measured: ${name}: ${error}**`)
  return lines.join('\n\n')
}

function row([title, value, remark], results) {
  const values = results.map(({ rounds }) => {
    const all = rounds.map(value).filter((figure) => figure !== null && figure !== undefined)
    return all.length > 0 ? median(all) : undefined
  })
  const others = values.filter((figure, i) => results[i].name !== 'ours' && figure !== undefined)
  const best = Math.min(...others)
  const cells = results.map(({ name, rounds }, i) => {
    if (values[i] === undefined) return NONE
    const remarks = remark ? rounds.map(remark).filter(Boolean).sort() : []
    const note = remarks.length > 0 ? ` (${remarks[Math.floor(remarks.length / 2)]})` : ''
    const ratio = name === 'ours' && best > 0 && best < Infinity ? ` · ×${digits(values[i] / best)}` : ''
    return `${digits(values[i])}${note}${ratio}`
  })
  return [title, ...cells]
}
