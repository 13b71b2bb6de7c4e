import { NONE, table } from '../shared/output.mjs'
import { KINDS } from './scan.mjs'

const STAGES = [
  ['deleted', 'when the deletes have resolved'],
  ['cleaned', 'after the documented clean-up'],
  ['closed', 'after close'],
]

/** The table of what is left in the files; `results` are those of the engines that could be searched. */
export function residueReport(results) {
  const [{ residue: first }] = results
  const kinds = KINDS.filter((kind) => kind !== 'texts' || results.some(({ residue }) => residue.texts))
  const rows = STAGES.flatMap(([stage, title]) =>
    kinds.map((kind) => [`${title}: ${kind}`, ...results.map(({ residue }) => cell(residue, stage, kind))]),
  )
  return [
    `What is left on disk: of ${first.deleted} rows deleted out of ${first.n} (dim ${first.dim}), half one by ` +
      'one and half as a batch, how many can be found in the files of the store, read from another process. ' +
      'Each row has a random id, a random string in its metadata and, where an engine keeps texts, a random text.',
    '',
    table(
      ['', ...results.map(({ label }) => label)],
      [
        [
          `found before the deletes, of the rows to keep: ${kinds.join(', ')}`,
          ...results.map(({ residue }) => readable(residue, kinds)),
        ],
        ...rows,
      ],
    ),
    '',
    'A number is of deleted rows, a percentage of kept rows where the same search does not find them all (a ' +
      'long row that is split between pages is not found whole). “Not readable”: it finds none of either, so ' +
      'that it says nothing of the deleted ones (compressed, or stored in another form). The clean-ups of ' +
      'LanceDB and zvec rewrite only what is deleted in large part: when more was deleted in this way, no ' +
      'vectors were left after them from a ninth of the rows on (LanceDB 0.37.1) and from a third on (zvec ' +
      '0.7.0, not yet at a quarter). The files of LanceDB also keep the predicates of deletes.',
  ].join('\n')
}

function readable(residue, kinds) {
  return kinds.map((kind) => (applies(residue, kind) ? percent(residue, 'before', kind) : NONE)).join(', ')
}

function cell(residue, stage, kind) {
  if (!applies(residue, kind)) return NONE
  const { deleted, kept } = found(residue, stage, kind)
  if (kept === 0 && deleted === 0) return 'not readable'
  return kept === residue.n - residue.deleted
    ? String(deleted)
    : `${deleted} (kept: ${percent(residue, stage, kind)})`
}

const applies = (residue, kind) => kind !== 'texts' || residue.texts

const found = (residue, stage, kind) => residue.stages[stage][KINDS.indexOf(kind)]

const percent = (residue, stage, kind) =>
  `${((100 * found(residue, stage, kind).kept) / (residue.n - residue.deleted)).toFixed(0)} %`
