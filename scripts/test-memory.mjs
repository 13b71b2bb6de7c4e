// Tests of the memory that JavaScript and the addon share: `leak` for memory that is not released,
// `exit` for processes that end in the middle of work, `asan` for the addon built with
// AddressSanitizer. `npm run test:memory -- leak` runs a single one, and `-- asan index recall`
// runs those specs instead of the chosen ones.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { available, build, canFail, exitsPass, specsPass } from '../tests/memory/asan.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const here = join(root, 'tests', 'memory')
const addon = join(root, 'index.js')
const isGlibc = Boolean(process.report.getReport().header.glibcVersionRuntime)
/** In CI nothing may be skipped. */
const isWhole = process.env.CI && process.platform === 'linux' && process.arch === 'x64' && isGlibc

const summary = []
function note(name, outcome, remark = '') {
  summary.push([outcome, name, remark])
  if (outcome === 'FAIL') process.exitCode = 1
}
const skip = (name, why) => note(name, isWhole ? 'FAIL' : 'skip', why)

/** Builds the addon that reports allocated memory. */
function probe() {
  if (!isGlibc) return undefined
  const made = join(root, 'target', 'memory', 'probe.node')
  mkdirSync(join(made, '..'), { recursive: true })
  const { status } = spawnSync('cc', ['-O1', '-shared', '-fPIC', '-o', made, join(here, 'probe.c')])
  return status === 0 ? made : undefined
}

const node = (args, env = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } })
    child.on('error', reject)
    child.on('close', (code) => resolve(code === 0))
  })

async function leak() {
  console.log('\nleak: what the process holds after a million inserts, searches and deletes')
  const made = probe()
  if (made === undefined) skip('leaks of native memory, to the byte', 'they need glibc and a C compiler')
  const args = ['--expose-gc', join(here, 'leak.mjs'), addon, ...(made ? [made] : [])]
  // A single arena, and no thread caches: glibc counts cached blocks as allocated, and for hundreds
  // of thousands of calls they grow with the threads that have worked.
  const env = { MALLOC_ARENA_MAX: '1', GLIBC_TUNABLES: 'glibc.malloc.tcache_count=0' }
  note('leak', (await node(args, env)) ? 'ok' : 'FAIL')
}

async function exit() {
  console.log('\nexit: processes that end in the middle of work')
  note('exit', (await node([join(here, 'exit.mjs'), addon])) ? 'ok' : 'FAIL')
}

async function asan(building, specs) {
  console.log('\nasan: the addon built with AddressSanitizer')
  const built = await building
  if (built.missing) return skip('asan', built.missing)
  if (built.error) {
    console.log(built.error.message)
    return note('asan', 'FAIL', 'it could not be built')
  }
  console.log(`${canFail()} bugs made on purpose are found`)
  if (specs.length === 0) note('asan: exit', exitsPass() ? 'ok' : 'FAIL')
  note('asan: specs', specsPass(specs.length > 0 ? specs : undefined) ? 'ok' : 'FAIL')
}

/** Builds for `asan` while the other tests run: they leave the second core to the compiler. */
async function beginBuild() {
  const found = available()
  if (found.missing) return found
  return build(found).then(
    () => ({}),
    (error) => ({ error }),
  )
}

const [only, ...specs] = process.argv.slice(2)
const parts = { leak, exit, asan }
if (only !== undefined && !(only in parts)) {
  console.error(`Usage: node scripts/test-memory.mjs [${Object.keys(parts).join(' | ')} [spec …]]`)
  process.exit(2)
}
const wants = (name) => only === undefined || only === name
const building = wants('asan') ? beginBuild() : undefined
if (wants('leak')) await leak()
if (wants('exit')) await exit()
if (wants('asan')) await asan(building, specs)

console.log('\nMemory:')
for (const [outcome, name, remark] of summary)
  console.log(`  ${outcome.padEnd(4)} ${name} ${remark}`.trimEnd())
