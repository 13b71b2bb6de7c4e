// Every peer in one run: those that cannot take all the rows in groups of their own, beside ours at their size.
import { compare } from './compare.mjs'
import { curves, LEVELS } from './curves.mjs'
import { goals } from './goals.mjs'
import { findEngines } from './peers.mjs'
import { report } from './report.mjs'
import { median } from './statistics.mjs'
import { digits, publish, table } from './table.mjs'

/** The most rows that are bearable with an engine. */
const MOST = { ruvector: 20_000, pglite: 5_000, vectra: 2_000 }

const NOTE =
  'The searches of the last table follow each other from the smallest ef to the largest, right after the ' +
  'deletes that lead to the share; what an engine does behind the scenes meanwhile is not waited for.'

export async function everyPeer(options, say) {
  const engines = await findEngines(options.engines, say)
  const parts = []
  let chart
  for (const [n, group] of groups(engines, options.n)) {
    say(`${n} rows: ${group.map(({ name }) => name).join(', ')}`)
    const own = { ...options, n, ladder: true }
    const compared = await compare(own, group, say)
    const measured = compared.results.filter(({ rounds }) => rounds.length > 0)
    if (measured.length === 0) continue
    const ladders = measured.map(ladderOf)
    chart ??= curves(ladders, { n, dim: options.dim })
    parts.push(`## ${n} rows`, report(own, compared), goals(measured), ladderTable(ladders))
  }
  if (parts.length === 0) throw new Error('no engine could be measured')
  publish(
    'peers.md',
    ['# Beside every peer', '![recall and latency](peers.svg)', ...parts, NOTE].join('\n\n'),
    {
      'peers.svg': chart,
    },
  )
}

/** Sizes and who is measured at each, the largest first; ours is in all of them. */
function groups(engines, n) {
  const bySize = new Map([[n, []]])
  for (const engine of engines) {
    const size = Math.min(n, MOST[engine.name] ?? n)
    bySize.set(size, [...(bySize.get(size) ?? []), engine])
  }
  const ours = engines.find(({ name }) => name === 'ours')
  const complete = ([size, group]) => [size, ours && !group.includes(ours) ? [ours, ...group] : group]
  return [...bySize].map(complete).filter(([, group]) => group.some((engine) => engine !== ours))
}

/** The steps of an engine's ladder at each level, medians over the rounds. */
function ladderOf({ name, label, rounds }) {
  const levels = rounds[0].ladders.map((steps, level) =>
    steps.map(({ ef }, step) => {
      const all = rounds.map(({ ladders }) => ladders[level][step])
      return { ef, p50: median(all.map(({ p50 }) => p50)), recall: median(all.map(({ recall }) => recall)) }
    }),
  )
  return { name, label, levels }
}

function ladderTable(ladders) {
  const rows = ladders.flatMap(({ label, levels: [first, ...others] }) =>
    first.map(({ ef }, step) => [
      label,
      ef ?? '–',
      ...[first, ...others].map((steps) => `${digits(steps[step].p50)} (${steps[step].recall.toFixed(3)})`),
    ]),
  )
  const head = ['search p50, ms (recall@10)', 'ef', ...LEVELS]
  return table(head, rows)
}
