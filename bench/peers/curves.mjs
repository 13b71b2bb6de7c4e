import { cpus } from 'node:os'
import { SHARES } from '../shared/comparison/plan.mjs'
import { svg } from '../shared/svg.mjs'

export const LEVELS = ['fresh', ...SHARES.map((share) => `${100 * share} % deleted`)]

/** Recall against latency, with a panel for each level and a line for each engine. */
export function curves(ladders, { n, dim }) {
  const panels = LEVELS.map((title, level) => ({
    title,
    x: { label: 'recall@10', max: 1 },
    y: { label: 'search p50, ms', log: true },
    lines: ladders.map(({ label, levels }) => ({
      name: label,
      points: levels[level].map(({ recall, p50 }) => [recall, p50]),
    })),
  }))
  const title = `Recall and latency: ${n} rows, dim ${dim}, ${cpus().length} cores`
  return svg(title, [panels.slice(0, 2), panels.slice(2)])
}
