// Every peer in one run: those that cannot take all the rows are in separate groups, next to ours at their
// size.
import { findEngines } from '../engines/find.mjs'
import { compare } from '../shared/comparison/index.mjs'
import { ON_DISK, report } from '../shared/comparison/report.mjs'
import { NONE, publish, say, searches, table } from '../shared/output.mjs'
import { median } from '../shared/statistics.mjs'
import { curves, LEVELS } from './curves.mjs'
import { goals } from './goals.mjs'

const PEERS =
  'usearch and hnswlib-node have neither ids nor metadata, ruvector has no metadata: their deletes by ' +
  'filter are hand-written JavaScript over a Map. Engines in memory only are neither closed nor opened ' +
  'again, nor is ruvector, which has no call for it. usearch fixes the width of its searches when it is ' +
  'created; a wider search here requests as many results and keeps the first ten. PGlite runs with its ' +
  'default, without fsync; its clean-up is VACUUM.'

const LADDERS =
  'The searches of the last table follow one another from the smallest ef to the largest, right after ' +
  "the deletes that lead to the share, without waiting for an engine's background work."

export default async function peers(options) {
  const engines = await findEngines(options.engines)
  const parts = []
  let chart
  for (const [n, group] of groups(engines, options.n)) {
    say(`${n} rows: ${group.map(({ name }) => name).join(', ')}`)
    const own = { ...options, n, disk: true, ladder: true }
    const compared = await compare(own, group)
    const { results } = compared
    if (results.length === 0) continue
    const ladders = results.map(ladderOf)
    chart ??= curves(ladders, { n, dim: options.dim })
    const figures = report(own, compared, `${ON_DISK} ${PEERS}`)
    parts.push(`## ${n} rows`, figures, goals(results), ladderTable(ladders))
  }
  if (parts.length === 0) throw new Error('no engine could be measured')
  const text = ['# Beside every peer', '![recall and latency](peers.svg)', ...parts, LADDERS].join('\n\n')
  publish('peers.md', text, { 'peers.svg': chart })
}

/** The sizes and the engines measured at each, the largest first; ours is measured at all of them. */
function groups(engines, n) {
  const bySize = new Map([[n, []]])
  for (const engine of engines) {
    const size = Math.min(n, engine.maxRows ?? n)
    bySize.set(size, [...(bySize.get(size) ?? []), engine])
  }
  const ours = engines.find(({ name }) => name === 'ours')
  const complete = ([size, group]) => [size, ours && !group.includes(ours) ? [ours, ...group] : group]
  return [...bySize].map(complete).filter(([, group]) => group.some((engine) => engine !== ours))
}

/** The steps of an engine's ladder at each level, as medians over the rounds. */
function ladderOf({ label, rounds }) {
  const levels = rounds[0].ladders.map((steps, level) =>
    steps.map(({ ef }, step) => {
      const all = rounds.map(({ ladders }) => ladders[level][step])
      return { ef, p50: median(all.map(({ p50 }) => p50)), recall: median(all.map(({ recall }) => recall)) }
    }),
  )
  return { label, levels }
}

function ladderTable(ladders) {
  const rows = ladders.flatMap(({ label, levels }) =>
    levels[0].map(({ ef }, step) => [label, ef ?? NONE, ...levels.map((steps) => searches(steps[step]))]),
  )
  return table(['search p50, ms (recall@10)', 'ef', ...LEVELS], rows)
}
