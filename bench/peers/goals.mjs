// Our goals, each as a ratio to the best peer of the same run.
import { RECALL } from '../shared/meter.mjs'
import { digits, MB, NONE, table } from '../shared/output.mjs'
import { median } from '../shared/statistics.mjs'

const everybody = () => true
const durable = (peer) => peer.storage !== 'memory'
const indexed = (peer) => !peer.isExact
const finds = (stage) => (peer) => median(peer.rounds.map((f) => f[stage].recall)) >= RECALL

/** The title, the figure (less is better), the largest ratio to the best peer, and which engines count. */
const GOALS = [
  [`search p50 at recall ≥ ${RECALL}, ms`, (f) => f.fresh.p50, 1 / 2, finds('fresh')],
  ['search p50 right after 90 % deleted, ms', (f) => f.deleted.p50, 1 / 2, finds('deleted')],
  ['one awaited delete, durable against a kill, µs', (f) => f.single, 1 / 2, durable],
  ['batch delete, bytes gone when it resolves, µs per id', (f) => f.many, 1 / 2, durable],
  ['delete by filter, bytes gone, ms', (f) => f.filter, 1 / 2, durable],
  ['build until fully indexed, s', (f) => f.build, 2 / 3, indexed],
  ['resident memory after 90 % deleted and clean-up, MB', (f) => f.memoryCleaned / MB, 1, everybody],
  ['directory after 90 % deleted and clean-up, MB', (f) => f.bytesCleaned / MB, 1, durable],
]

/** The table of the goals, or a note if ours or all others are missing. */
export function goals(results) {
  const ours = results.find(({ name }) => name === 'ours')
  const peers = results.filter((engine) => engine !== ours)
  if (!ours || peers.length === 0) return 'No goals without ours and a peer.'
  const rows = GOALS.map((goal) => besideBest(goal, ours, peers))
  return [
    table(['goal', 'ours', 'best peer', 'ratio', 'asked for', 'met'], [...rows, ...alone(ours)]),
    'Peers that count: for searches, those that reach the required recall; for deletes and the ' +
      'directory, those on disk; for the build, those with an index; for memory, all. Whether recall ' +
      'and speed survive deleting and inserting half of the rows is measured by `--churn`.',
  ].join('\n\n')
}

function besideBest([title, figure, max, counts], ours, peers) {
  const own = typical(ours, figure)
  const others = peers
    .filter(counts)
    .map((peer) => ({ label: peer.label, value: typical(peer, figure) }))
    .sort((a, b) => a.value - b.value)
  const [best] = others
  if (!best) return [title, digits(own), 'none', NONE, atMost(max), NONE]
  const ratio = own / best.value
  const met = (max === 1 ? ratio < 1 : ratio <= max) && counts(ours)
  return [title, digits(own), `${digits(best.value)} (${best.label})`, digits(ratio), atMost(max), yes(met)]
}

/** Goals that involve no peer. */
function alone(ours) {
  const fresh = typical(ours, (f) => f.fresh.p50)
  const cleaned = typical(ours, (f) => f.cleaned.p50)
  const lost = typical(ours, (f) => f.fresh.recall - f.cleaned.recall)
  const ms = typical(ours, (f) => f.reopened.seconds * 1e3)
  return [
    [
      'search p50 after 90 % deleted and optimize(), to our fresh one, ms',
      digits(cleaned),
      `${digits(fresh)} (ours, fresh)`,
      digits(cleaned / fresh),
      '≤ 1, recall no lower',
      yes(cleaned <= fresh && lost <= 0),
    ],
    ['reopening to the first right search, ms', digits(ms), NONE, NONE, '< 500 ms', yes(ms < 500)],
  ]
}

const typical = ({ rounds }, figure) => median(rounds.map(figure))
const atMost = (ratio) => ({ [1 / 2]: '≤ 1/2', [2 / 3]: '≤ 2/3', 1: '< 1' })[ratio]
const yes = (met) => (met ? 'yes' : '**no**')
