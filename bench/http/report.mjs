import { engineOf, versionOf } from '../engines/index.mjs'
import { K } from '../shared/exact.mjs'
import { digits, machine, NONE, table } from '../shared/output.mjs'
import { median } from '../shared/statistics.mjs'
import { SEARCHES, SEARCHES_BESIDE, TOGETHER } from './calls.mjs'
import { SECONDS, SLOW } from './slow-clients.mjs'

const CALLS = {
  search: `Search by vector, ${K} results`,
  single: 'Single delete',
  batch: `Batch delete of ${TOGETHER}`,
}

/** The compared figures: over HTTP, in process, and the ratio of the two. */
const COMPARED = [
  ['per second', (f) => f.perSecond],
  ['p50, ms', (f) => f.p50],
  ['p99, ms', (f) => f.p99],
  ['processor time of the process for each, µs', (f) => f.processor],
  ['per second of processor time', (f) => f.processor && 1e6 / f.processor],
  ['processors in use', (f) => f.cores],
]

const NOTE =
  'Cells: over HTTP / in process = ratio. The server and wrk run in separate processes and share the ' +
  'cores: a server with the cores to itself comes nearer to the figure per second of processor time, ' +
  'for each core. In process, the calls are awaited from JavaScript, by as many callers as there are ' +
  'connections. Connections are kept alive, and each sends its next request when it has received the ' +
  'response to the last; the number of connections divided by the calls per second is therefore the ' +
  'mean latency, on both sides. In process, a short search completes synchronously, and its caller ' +
  'makes the next one at once: with 16 callers, the p50 is that of callers that are running, and the ' +
  'p99 that of callers that are waiting. Latencies over HTTP are those of wrk without what it adds for ' +
  'requests that it would have sent at a steady rate. Processor times are those of the whole process, ' +
  'from the first request to the last response, including background work on the graph in that time. If ' +
  'wrk uses a whole core, wrk itself is the bottleneck.'

export function httpReport(options, about, measured, slow) {
  const { n, dim, description } = about.data
  const parts = [
    '# Over HTTP',
    `${machine()}. ${versionOf(engineOf('ours'))}, ${about.wrk} with one thread. ` +
      `n ${n}, dim ${dim}, seed ${options.seed}. Medians of ${plural(options.rounds, 'round')}. ` +
      `Data: ${description}.`,
  ]
  for (const [call, title] of Object.entries(CALLS))
    parts.push(`## ${title}`, callTable(call, measured), howMany(call, about))
  parts.push('## Slow clients', slowTable(slow), slowText(slow), NOTE)
  return parts.join('\n\n')
}

function callTable(call, measured) {
  const head = measured.map(({ title, connections }) => `${title}, ${plural(connections, 'connection')}`)
  const rows = COMPARED.map(([name, figure]) => [
    name,
    ...measured.map(({ outside, inside }) =>
      compared(typical(outside, call, figure), typical(inside, call, figure)),
    ),
  ])
  const alone = (figure) => measured.map(({ outside }) => shown(typical(outside, call, figure)))
  const failed = measured.map(({ outside }) => outside.reduce((sum, round) => sum + round[call].failed, 0))
  return table(
    ['', ...head],
    [...rows, ['processors in use by wrk', ...alone((f) => f.generator)], ['errors, all rounds', ...failed]],
  )
}

function howMany(call, { data: { n }, searchBytes }) {
  return {
    search:
      `${SEARCHES} searches of each kind, after a warm-up that is not timed; requests of ` +
      `${digits(searchBytes / 1e3)} kB. Results include their metadata.`,
    single: `Each of the ${n} ids once, until none is left.`,
    batch: `Each of the ${n} ids once, ${TOGETHER} to a request: ${Math.ceil(n / TOGETHER)} requests.`,
  }[call]
}

function slowTable(slow) {
  const figures = [...COMPARED.slice(0, 4), ['processors in use by the server', (f) => f.cores]]
  const rows = figures.map(([name, figure]) => {
    const [beside, alone] = ['with', 'without'].map((way) => typical(slow, way, figure))
    return [name, shown(alone), shown(beside), beside === null ? NONE : digits(beside / alone)]
  })
  const failed = ['without', 'with'].map((way) => slow.reduce((sum, round) => sum + round[way].failed, 0))
  return table(
    ['', 'without slow clients', 'with them', 'ratio'],
    [...rows, ['errors, all rounds', ...failed, NONE]],
  )
}

function slowText(slow) {
  const connected = Math.min(...slow.map((round) => round.with.connected))
  const givenUp = median(slow.map((round) => round.with.givenUp))
  return (
    `One client makes ${SEARCHES_BESIDE} searches on one connection, in memory, while ${SLOW} others send a byte of ` +
    `a request every ${SECONDS} seconds, half of them from its first byte on, half from the first byte of its body. ` +
    `Right after the searches, the server had at least ${connected} connections. During them, it closed ` +
    `${givenUp} of the slow ones, which reconnected at once.`
  )
}

/** The median of the rounds; null if the system does not report the figure. */
function typical(rounds, call, figure) {
  const values = rounds.map((round) => figure(round[call]))
  return values.includes(null) ? null : median(values)
}

function compared(outside, inside) {
  if (outside === null) return NONE
  return `${digits(outside)} / ${digits(inside)} = ${digits(outside / inside)}`
}

const shown = (value) => (value === null ? NONE : digits(value))
const plural = (count, what) => (count === 1 ? `1 ${what}` : `${count} ${what}s`)
