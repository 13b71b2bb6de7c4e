// A million inserts, searches and deletes, and everything else repeatedly: at the end, the process has the
// same memory, files and threads as half-way. Then it leaks on purpose, to show that a leak would have been
// detected.
//
// Run it with `node scripts/test-memory.mjs leak`, which exposes garbage collection and runs glibc's
// allocator with a single arena and without thread caches: otherwise their fragmentation, and the memory they
// keep, would look like a slow leak. The addon's blocks of 256 KiB and more are not glibc's
// (`src/allocator.rs`): they count as resident memory.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { begin, ROUND, SINGLE } from './workload.mjs'

const ROUNDS = 1_000_000 / ROUND
/** Where the second half and the last quarter begin. */
const [HALF, LAST] = [ROUNDS / 2, (ROUNDS * 3) / 4]
const LEAKING = 6
const LEAKED = 16
const KIB = 1 << 10
const MIB = 1 << 20

/** How much the medians of the last quarter may exceed those of the quarter before it, in bytes or counts. */
const bounds = {
  rss: 8 * MIB,
  native: 256 * KIB,
  heap: 256 * KIB,
  external: 64 * KIB,
  files: 0,
  threads: 4,
}
/** Where the deliberate leaks must be visible. */
const seen = { native: 'of native memory', heap: 'of the JavaScript heap' }

const require = createRequire(import.meta.url)
const [packagePath, probePath] = process.argv.slice(2)
const probe = probePath ? require(probePath) : undefined

/** A field of what Linux reports about this process; undefined on other systems. */
function told(name) {
  try {
    return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1])
  } catch {
    return undefined
  }
}

function openFiles() {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return undefined
  }
}

/** What the process holds when nothing is in progress and there is no more garbage to collect. */
async function sample() {
  for (let i = 0; i < 3; i++) {
    await turn()
    globalThis.gc()
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  return {
    rss,
    native: probe?.inUse(),
    heap: heapUsed,
    external,
    files: openFiles(),
    threads: told('Threads'),
  }
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]
const shown = (name, value) =>
  name === 'files' || name === 'threads' ? String(value) : `${(value / KIB).toFixed(0)} KiB`

/** How much more there was in the later samples. Figures that the platform does not report are left out. */
function growth(earlier, later) {
  const names = Object.keys(bounds).filter((name) => earlier[0][name] !== undefined)
  return names.map((name) => {
    const [before, after] = [earlier, later].map((samples) => median(samples.map((one) => one[name])))
    return { name, before, after, more: after - before }
  })
}

const leaked = []
let isLeaking = false
function each() {
  if (!isLeaking) return
  probe?.leak(LEAKED)
  leaked.push(leaked.length, leaked.length) // two numbers of 8 bytes each
}

const folder = mkdtempSync(join(tmpdir(), 'vectorizer-leak-'))
const work = await begin({ package: require(packagePath), packagePath, folder, each })
const rounds = async (count) => {
  const samples = []
  for (let i = 0; i < count; i++) {
    await work.round()
    samples.push(await sample())
  }
  return samples
}

const samples = await rounds(ROUNDS)
const flat = growth(samples.slice(HALF, LAST), samples.slice(LAST))
isLeaking = true
const leaking = growth(samples.slice(LAST), (await rounds(LEAKING)).slice(LEAKING / 2))
await work.end()
rmSync(folder, { recursive: true })

const operations = (LAST - HALF) * ROUND
const calls = (LAST - HALF) * SINGLE
console.log(
  `${ROUNDS * ROUND} inserts, as many searches, as many deletes; the last quarter beside the one before:`,
)
let failed = false
for (const { name, before, after, more } of flat) {
  const isFlat = more <= bounds[name]
  failed ||= !isFlat
  const bound = bounds[name]
  const means = bound >= KIB ? `, ${(bound / operations).toFixed(1)} bytes per insert` : ''
  console.log(
    `${isFlat ? 'ok  ' : 'FAIL'} ${name}: ${shown(name, before)}, then ${shown(name, after)}; ` +
      `the bound is ${shown(name, bound)} more${means}`,
  )
}
for (const [name, what] of Object.entries(seen)) {
  const found = leaking.find((one) => one.name === name)
  if (!found) continue
  const isSeen = found.more > bounds[name]
  failed ||= !isSeen
  console.log(
    `${isSeen ? 'ok  ' : 'FAIL'} a leak of ${LEAKED} bytes ${what} for each single insert is seen: ` +
      `${shown(name, found.more)} more after ${(LEAKING * SINGLE).toLocaleString('en')} of them`,
  )
}
console.log(
  `A leak in each of ${calls.toLocaleString('en')} single calls of a kind is seen from ` +
    `${(bounds.heap / calls).toFixed(1)} bytes on.`,
)
if (failed) console.log(samples.map((one, i) => `${i + 1}\t${JSON.stringify(one)}`).join('\n'))
process.exitCode = failed ? 1 : 0
