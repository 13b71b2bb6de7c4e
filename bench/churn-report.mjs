import { svg } from './svg.mjs'
import { digits, machine, table } from './table.mjs'

const MB = 1024 * 1024
const SHOWN = [1, 5, 10, 15, 20]
const TITLES = {
  random: 'half of the rows, at random',
  clusters: 'half of the rows, by whole clusters',
  window: 'the oldest tenth for new rows',
}

export function churnReport(options, { versions, data, results, missing }) {
  const shown = SHOWN.filter((round) => round < options.rounds).concat(options.rounds)
  const lines = [
    '# Deleting and inserting again and again',
    '![recall, latency and memory by round](churn.svg)',
    `${new Date().toISOString().slice(0, 10)}. ${machine()}. ${versions.join(', ')}. n ${options.n}, ` +
      `dim ${data.dim}, ${options.rounds} rounds, seed ${options.seed}. Data: ${data.description}.`,
  ]
  for (const pattern of options.patterns) {
    const own = results.filter((result) => result.pattern === pattern)
    lines.push(`## ${TITLES[pattern]}`, roundsTable(own, shown))
  }
  lines.push(
    'Each cell: search p50 in ms (recall@10) · resident MB · MB of files where there are any, when what an ' +
      'engine does behind the scenes is done (waited for until nothing of it changes, 5 s at most). The ef ' +
      'of the searches is chosen once, before the first round: the smallest that finds 0.96. Changes are from ' +
      'the first round to the last. “At once” is the last round before anything was waited for or cleaned ' +
      'up. hnswlib-node replaces deleted points, or gets new ones and is made larger; both keep ids and ' +
      'metadata beside it, as usearch does. Resident memory is that of the whole process beyond what it held ' +
      'before, its JavaScript heap too.',
    ...missing.map(({ name, error }) => `**Not measured: ${name}: ${error}**`),
  )
  return lines.join('\n\n')
}

function roundsTable(results, shown) {
  const head = ['', 'ef', ...shown.map((round) => `round ${round}`)]
  const changes = ['recall change', 'p50 change', 'memory change', 'at once', 'work of a round, s']
  const rows = results.map(({ title, ef, rounds }) => {
    const first = rounds[1]
    const last = rounds.at(-1)
    const { atOnce } = last
    return [
      title,
      ef ?? '–',
      ...shown.map((round) => cell(rounds[round])),
      signed(last.recall - first.recall, (value) => value.toFixed(3)),
      percent(first.p50, last.p50),
      percent(first.memory, last.memory),
      `${digits(atOnce.p50)} (${atOnce.recall.toFixed(3)})`,
      `${digits(last.work)} + ${digits(last.settling)}`,
    ]
  })
  return table([...head, ...changes], rows)
}

function cell({ p50, recall, memory, bytes, stale, short }) {
  const figures = [`${digits(p50)} (${recall.toFixed(3)})`, digits(memory / MB)]
  if (bytes !== null) figures.push(digits(bytes / MB))
  if (stale > 0) figures.push(`${stale} deleted ids`)
  if (short > 0) figures.push(`${short} missing`)
  return figures.join(' · ')
}

const percent = (before, after) =>
  signed((100 * (after - before)) / before, (value) => `${value.toFixed(1)} %`)
const signed = (value, form) => (value > 0 ? `+${form(value)}` : form(value))

/** Recall, latency and memory over the rounds: a row of panels for each pattern. */
export function churnChart({ n, rounds, patterns }, results) {
  const FIGURES = [
    ['recall@10', (each) => each.recall],
    ['search p50, ms', (each) => each.p50, { log: true }],
    ['resident memory, MB', (each) => each.memory / MB, { least: 0 }],
  ]
  const rows = patterns.map((pattern) =>
    FIGURES.map(([label, figure, axis]) => ({
      title: TITLES[pattern],
      x: { label: 'round', least: 0, most: rounds },
      y: { label, ...axis },
      lines: results
        .filter((result) => result.pattern === pattern)
        .map((result) => ({
          name: result.title,
          points: result.rounds.map((each) => [each.round, figure(each)]),
        })),
    })),
  )
  return svg(`${n} rows, deleted and inserted again and again`, rows)
}
