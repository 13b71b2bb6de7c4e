import { versionOf } from '../engines/index.mjs'
import { digits, MB, machine, NONE, searches, table } from '../shared/output.mjs'
import { svg } from '../shared/svg.mjs'

const SHOWN = [1, 5, 10, 15, 20]
const TITLES = {
  random: 'half of the rows, at random',
  clusters: 'half of the rows, by whole clusters',
  window: 'the oldest tenth for new rows',
}

export function churnReport(options, data, results, missing) {
  const versions = [...new Set(results.map(versionOf))]
  const shown = SHOWN.filter((round) => round < options.rounds).concat(options.rounds)
  const lines = [
    '# Deleting and inserting again and again',
    '![recall, latency and memory by round](churn.svg)',
    `${machine()}. ${versions.join(', ')}. n ${options.n}, ` +
      `dim ${data.dim}, ${options.rounds} rounds, seed ${options.seed}. Data: ${data.description}.`,
  ]
  for (const pattern of options.patterns) {
    const own = results.filter((result) => result.pattern === pattern)
    lines.push(`## ${TITLES[pattern]}`, roundsTable(own, shown))
  }
  lines.push(
    'Each cell: search p50 in ms (recall@10) · resident MB · MB of files, if there are any; measured ' +
      "when an engine's background work is done (waited for until nothing changes, for at most 5 s). " +
      'The ef of the searches is chosen once, before the first round: the smallest that finds 0.96. ' +
      'Changes are from the first round to the last. “At once” is the last round before any waiting or ' +
      'clean-up: zvec by optimize(). hnswlib-node either gets new points and is enlarged, or replaces ' +
      'deleted ones; both keep ids and metadata in JavaScript, as usearch does. Resident memory is that ' +
      'of the whole process beyond what it held before, including its JavaScript heap.',
    ...missing.map(({ name, error }) => `**Not measured: ${name}: ${error}**`),
  )
  return lines.join('\n\n')
}

function roundsTable(results, shown) {
  const head = ['', 'ef', ...shown.map((round) => `round ${round}`)]
  const changes = ['recall change', 'p50 change', 'memory change', 'at once', 'work of a round, s']
  const rows = results.map(({ label, ef, rounds }) => {
    const first = rounds[1]
    const last = rounds.at(-1)
    return [
      label,
      ef ?? NONE,
      ...shown.map((round) => cell(rounds[round])),
      signed(last.recall - first.recall, (value) => value.toFixed(3)),
      percent(first.p50, last.p50),
      percent(first.memory, last.memory),
      searches(last.atOnce),
      `${digits(last.work)} + ${digits(last.settling)}`,
    ]
  })
  return table([...head, ...changes], rows)
}

function cell({ memory, bytes, stale, short, ...found }) {
  const figures = [searches(found), digits(memory / MB)]
  if (bytes !== null) figures.push(digits(bytes / MB))
  if (stale > 0) figures.push(`${stale} deleted ids`)
  if (short > 0) figures.push(`${short} missing`)
  return figures.join(' · ')
}

const percent = (before, after) =>
  signed((100 * (after - before)) / before, (value) => `${value.toFixed(1)} %`)
const signed = (value, form) => (value > 0 ? `+${form(value)}` : form(value))

/** Recall, latency and memory over the rounds, with a row of panels for each pattern. */
export function churnChart({ n, rounds, patterns }, results) {
  const FIGURES = [
    ['recall@10', (each) => each.recall],
    ['search p50, ms', (each) => each.p50, { log: true }],
    ['resident memory, MB', (each) => each.memory / MB, { min: 0 }],
  ]
  const rows = patterns.map((pattern) =>
    FIGURES.map(([label, figure, axis]) => ({
      title: TITLES[pattern],
      x: { label: 'round', min: 0, max: rounds },
      y: { label, ...axis },
      lines: results
        .filter((result) => result.pattern === pattern)
        .map((result) => ({
          name: result.label,
          points: result.rounds.map((each) => [each.round, figure(each)]),
        })),
    })),
  )
  return svg(`${n} rows, deleted and inserted again and again`, rows)
}
