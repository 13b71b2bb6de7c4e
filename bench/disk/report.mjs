import { NONE, table } from '../shared/output.mjs'
import { KINDS } from './scan.mjs'

const STAGES = [
  ['deleted', 'when the deletes have resolved'],
  ['cleaned', 'after the documented clean-up'],
  ['closed', 'after close'],
]

/**
 * The table of what is left in the files; `results` are those of the engines whose files could be searched.
 */
export function residueReport(results) {
  const [{ residue: first }] = results
  const kinds = KINDS.filter((kind) => kind !== 'texts' || results.some(({ residue }) => residue.texts))
  const rows = STAGES.flatMap(([stage, title]) =>
    kinds.map((kind) => [`${title}: ${kind}`, ...results.map(({ residue }) => cell(residue, stage, kind))]),
  )
  return [
    `What is left on disk: of ${first.deleted} rows deleted out of ${first.n} (dim ${first.dim}), ` +
      'half of them one by one and half as a batch, how many can be found in the files of the store, ' +
      'read from another process. Each row has a random id, a random string in its metadata and, if an ' +
      'engine stores texts, a random text.',
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
    'A number counts deleted rows; a percentage is the share of kept rows that the same search finds, ' +
      'given if it does not find all of them (a long row that is split between pages is not found as a ' +
      'whole). “Not readable”: the search finds neither kept nor deleted rows, so it says nothing ' +
      'about the deleted ones (compressed, or stored in another form). The clean-ups of LanceDB and ' +
      'zvec rewrite only parts of which a large share has been deleted: when more rows were deleted in ' +
      'this way, no vectors remained after the clean-up from a ninth of the rows on (LanceDB 0.37.1) ' +
      'and from a third on (zvec 0.7.0, but not yet at a quarter). The files of LanceDB also keep the ' +
      'predicates of deletes.',
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
