// How long the calls keep Node's event loop waiting: the gaps of a 1 ms interval timer while they run.
import { cpus } from 'node:os'
import { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { VectorizerClient } from '../index.js'
import { loadData } from './data.mjs'
import { K, makePlan } from './plan.mjs'
import { quantile } from './statistics.mjs'
import { digits, machine, publish, table } from './table.mjs'

const COLLECTION = 'bench'
const BATCH = 500
const SEARCHES = 2_000
const AT_A_TIME = 50
/** A timer of 1 ms is due after 1 ms; a gap beyond this is at least 1 ms of somebody else's work. */
const LATE = 2
/** Controls run for as long as the phase they belong to, within these bounds in ms. */
const SHORTEST = 500
const LONGEST = 10_000

export async function eventLoop(options, say) {
  say('preparing the data')
  const prepared = prepare(loadData(options), options.seed)
  const client = new VectorizerClient()
  const hnsw = options.ef ? { ef_search: options.ef } : undefined
  await client.createCollection(COLLECTION, { dimension: options.dim, hnsw })
  const rows = []
  const resolved = () => Promise.resolve()
  const nothing = { insertVectors: resolved, optimize: resolved, search: resolved }
  Object.assign(nothing, { deleteVector: resolved, batchDelete: resolved, deleteByFilter: resolved })
  for (const [name, calls] of phases(prepared)) {
    say(name)
    const measured = await watch(() => calls(client))
    const loop = await watch(() => calls(nothing))
    const idle = await watch(() => pause(Math.min(Math.max(measured.ms, SHORTEST), LONGEST)))
    rows.push([name, ...cells(measured), cells(loop)[2], ...cells(idle).slice(2, 5)])
  }
  const left = await client.count(COLLECTION)
  if (left !== prepared.survivors) throw new Error(`${left} vectors are left, not ${prepared.survivors}`)
  await client.close()
  say('other threads busy')
  rows.push(['nothing, while every core is busy', ...cells(await watch(busyCores)), '–', '–', '–', '–'])
  publish('event-loop.md', report(options, prepared, rows))
}

/** All arguments, made before anything is measured. */
function prepare(data, seed) {
  const { n, dim, vectors, metadata, queries, description } = data
  const plan = makePlan(data, seed)
  const id = (row) => `vec_${row}`
  const batches = []
  for (let row = 0; row < n; row += BATCH) {
    const end = Math.min(row + BATCH, n)
    const ids = Array.from({ length: end - row }, (_, i) => id(row + i))
    batches.push({ ids, data: vectors.slice(row * dim, end * dim), metadata: metadata.slice(row, end) })
  }
  const all = Array.from({ length: queries.length / dim }, (_, q) => queries.slice(q * dim, (q + 1) * dim))
  return {
    n,
    description,
    batches,
    queries: Array.from({ length: SEARCHES }, (_, i) => all[i % all.length]),
    single: plan.single.map(id),
    batch: plan.batch.map(id),
    filter: { [plan.filter.field]: { $lt: plan.filter.below } },
    matches: plan.filter.matches,
    survivors: n - plan.single.length - plan.filter.matches - plan.batch.length,
  }
}

function phases({ n, batches, queries, single, batch, filter, matches }) {
  const search = (client, query, options) => client.search(COLLECTION, query, { limit: K, ...options })
  return [
    [
      `insert ${n} in batches of ${BATCH}`,
      async (client) => {
        for (const vectors of batches) await client.insertVectors(COLLECTION, vectors)
      },
    ],
    ['index them (optimize)', (client) => client.optimize(COLLECTION)],
    [
      `${SEARCHES} searches, each awaited`,
      async (client) => {
        for (const query of queries) await search(client, query)
      },
    ],
    [
      `${SEARCHES} searches, ${AT_A_TIME} at a time`,
      async (client) => {
        for (let i = 0; i < queries.length; i += AT_A_TIME)
          await Promise.all(queries.slice(i, i + AT_A_TIME).map((query) => search(client, query)))
      },
    ],
    [
      `${single.length} single deletes, each awaited`,
      async (client) => {
        for (const id of single) await client.deleteVector(COLLECTION, id)
      },
    ],
    [`delete ${matches} by filter`, (client) => client.deleteByFilter(COLLECTION, filter)],
    [`batch delete of ${batch.length}`, (client) => client.batchDelete(COLLECTION, batch)],
    ['clean up (optimize)', (client) => client.optimize(COLLECTION)],
  ]
}

/** Gaps of the timer while the work runs, how long it took, and the longest garbage collection, in ms. */
async function watch(work) {
  const gaps = []
  let collection = 0
  const collector = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) collection = Math.max(collection, entry.duration)
  })
  // What earlier phases left behind shall not count here.
  await pause(50)
  collector.observe({ entryTypes: ['gc'] })
  let last = performance.now()
  let ticked
  const timer = setInterval(() => {
    const now = performance.now()
    gaps.push(now - last)
    last = now
    ticked?.()
  }, 1)
  const tick = () =>
    new Promise((resolve) => {
      ticked = resolve
    })
  // The work begins right after a tick and one more tick is awaited at its end: no gap is cut short.
  await tick()
  gaps.length = 0
  const start = last
  await work()
  const ms = performance.now() - start
  await tick()
  clearInterval(timer)
  await pause(5)
  collector.disconnect()
  return { ms, gaps, collection }
}

function cells({ ms, gaps, collection }) {
  return [
    digits(ms / 1e3),
    String(gaps.length),
    digits(Math.max(...gaps)),
    digits(quantile(gaps, 0.99)),
    String(gaps.filter((gap) => gap > LATE).length),
    digits(collection),
  ]
}

/** What the operating system's scheduling alone does to the timer. */
async function busyCores() {
  const code = 'setInterval(() => { const end = Date.now() + 50; while (Date.now() < end); }, 0)'
  const threads = cpus().map(() => new Worker(code, { eval: true }))
  await pause(3_000)
  await Promise.all(threads.map((thread) => thread.terminate()))
}

function report({ dim, seed }, { n, description }, rows) {
  return [
    `Gaps between the ticks of a 1 ms interval timer, in ms. ${machine()}. ` +
      `n ${n}, dim ${dim}, seed ${seed}. Data: ${description}.`,
    '',
    table(
      [
        'phase',
        's',
        'ticks',
        'worst',
        'p99',
        `> ${LATE} ms`,
        'longest GC',
        'same loop without the calls: worst',
        'idle as long: worst',
        'p99',
        `> ${LATE} ms`,
      ],
      rows,
    ),
    '',
    'The idle control runs right after each phase in the same process, for as long (at least ' +
      `${SHORTEST / 1e3} s, at most ${LONGEST / 1e3} s); the loop without the calls awaits a resolved promise ` +
      'in place of each. The last row shows what the operating system does to the timer when threads that ' +
      'have nothing to do with it want all the cores.',
  ].join('\n')
}
