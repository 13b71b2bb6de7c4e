import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'

export function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

export function machine() {
  const processors = cpus()
  const model = processors[0]?.model.trim() ?? 'unknown processor'
  return `Node.js ${process.version}, ${process.platform} ${process.arch}, ${model}, ${processors.length} cores`
}

/** To the standard output, and to a file in the folder of results, with the charts that belong to it. */
export function publish(name, text, charts = {}) {
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, name), `${text}\n`)
  for (const [chart, svg] of Object.entries(charts)) writeFileSync(join(folder, chart), svg)
  process.stdout.write(`${text}\n`)
}

/** Three digits that count. */
export function digits(value) {
  if (value === 0) return '0'
  if (Math.abs(value) < 0.0001) return '< 0.0001'
  const places = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return value.toFixed(Math.min(places, 4))
}
