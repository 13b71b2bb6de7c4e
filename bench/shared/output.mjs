import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { resolve } from 'node:path'
import { median } from './statistics.mjs'

export const MB = 1024 * 1024
/** Stands for a figure that does not exist. */
export const NONE = '–'

/** Progress goes to standard error: only reports belong on standard output. */
export const say = (line) => process.stderr.write(`${line}\n`)

export function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** Today's date, and the machine that runs the benchmark. */
export function machine() {
  const processors = cpus()
  const model = processors[0]?.model.trim() ?? 'unknown processor'
  const node = `Node.js ${process.version}, ${process.platform} ${process.arch}`
  return `${new Date().toISOString().slice(0, 10)}. ${node}, ${model}, ${processors.length} cores`
}

/** The median and the range. */
export function spread(values) {
  return `${digits(median(values))} (${digits(Math.min(...values))} to ${digits(Math.max(...values))})`
}

/** Writes a report to standard output, and to a file in the results folder together with its charts. */
export function publish(name, text, charts = {}) {
  const folder = resolve(import.meta.dirname, '..', 'results')
  mkdirSync(folder, { recursive: true })
  for (const [file, content] of Object.entries({ [name]: `${text}\n`, ...charts }))
    writeFileSync(resolve(folder, file), content)
  process.stdout.write(`${text}\n`)
}

/** Three significant digits. */
export function digits(value) {
  if (value === 0) return '0'
  if (Math.abs(value) < 0.0001) return '< 0.0001'
  const places = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return value.toFixed(Math.min(places, 4))
}

/** The figures of searches: their median in ms, and the recall. */
export const searches = ({ p50, recall }) => `${digits(p50)} (${recall.toFixed(3)})`
