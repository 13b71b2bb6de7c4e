// Builds the addon with AddressSanitizer, in a separate copy of the package, and runs tests with it. The
// addon that `npm run build` makes is not touched.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const here = join(root, 'tests', 'memory')
const folder = join(root, 'target', 'asan')
const runtime = join(folder, 'runtime.so')
const broken = join(folder, 'broken.node')
const reports = join(folder, 'reports')
const copy = join(folder, 'package')
/** The copy's entry point. */
export const packagePath = join(copy, 'index.js')
/** The exit code of a process that AddressSanitizer stops. */
const EXIT = 86

const C_FLAGS = ['-fsanitize=address', '-fno-omit-frame-pointer', '-O0', '-g0']
const RUST_FLAGS = ['-Zsanitizer=address', '-Cforce-frame-pointers=yes']
/**
 * The distance kernels for these processors are left out because they take minutes to build. Those for AVX2
 * stay.
 */
const LEFT_OUT = [
  ...['SKYLAKE', 'ICELAKE', 'GENOA', 'SAPPHIRE', 'SAPPHIREAMX', 'GRANITEAMX'],
  ...['DIAMOND', 'TURIN', 'ALDER', 'SIERRA'],
]

/**
 * Specs that cross the boundary in every way and are quick: the whole suite takes ten minutes here, most of
 * it in distances between vectors.
 */
const SPECS = {
  'arguments: values, ids, metadata, texts, views and detached buffers':
    'conformance/inserting conformance/refused conformance/texts embedded/input embedded/metadata',
  'results: lists, rows in portions, vectors':
    'conformance/searching conformance/reading conformance/filters embedded/search embedded/filters',
  // Without `erasure`, which reads whole stores hundreds of times.
  deletes: 'conformance/deletes embedded/unknown-fields embedded/receipt',
  'errors and realms':
    'conformance/errors conformance/collections embedded/errors embedded/realm embedded/realm-other',
  'callbacks: embedders and listeners': 'embedded/embedder http/embedder embedded/progress',
  'files, from several clients': 'embedded/disk embedded/backup embedded/locking',
  'threads and processes that end': 'embedded/threads http/ending',
  'the server': 'http/serve http/vectors http/search http/limits http/connections',
}

const rustc = (...args) => execFileSync('rustc', args, { encoding: 'utf8', cwd: root }).trim()

/** The runtime that comes with the compiler, and its platform, or the reason why there is none. */
export function available() {
  if (process.platform !== 'linux' || !process.report.getReport().header.glibcVersionRuntime)
    return { missing: 'it is for Linux with glibc' }
  try {
    const libraries = rustc('--print', 'target-libdir')
    const name = readdirSync(libraries).find((one) => /^librustc-.*_rt\.asan\.a$/.test(one))
    if (name === undefined) return { missing: `the Rust toolchain has no runtime of it in ${libraries}` }
    const target = /^host: (.*)$/m.exec(rustc('-vV'))[1]
    return { archive: join(libraries, name), target }
  } catch (error) {
    return { missing: error.message }
  }
}

const environment = (target) => ({
  ...process.env,
  CARGO_TARGET_DIR: folder,
  // Sanitizers are not stable yet.
  RUSTC_BOOTSTRAP: '1',
  RUSTFLAGS: RUST_FLAGS.join(' '),
  [`CFLAGS_${target.replaceAll('-', '_')}`]: C_FLAGS.join(' '),
  ...Object.fromEntries(LEFT_OUT.map((name) => [`NK_TARGET_${name}`, '0'])),
  CARGO_PROFILE_RELEASE_LTO: 'off',
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
  CARGO_PROFILE_RELEASE_OPT_LEVEL: '1',
  CARGO_PROFILE_RELEASE_STRIP: 'none',
  CARGO_PROFILE_RELEASE_DEBUG: 'line-tables-only',
  // Makes the standard library check the preconditions of unsafe code.
  CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS: 'true',
})

/**
 * Turns the runtime into a library that can be loaded before Node.js, by removing what only programs may
 * contain.
 */
function buildRuntime(archive) {
  const work = join(folder, 'runtime.a')
  cpSync(archive, work)
  const members = execFileSync('ar', ['t', work], { encoding: 'utf8' }).split('\n')
  execFileSync('ar', ['d', work, ...members.filter((name) => name.includes('preinit'))])
  const whole = ['-Wl,--whole-archive', work, '-Wl,--no-whole-archive']
  execFileSync('cc', ['-shared', '-o', runtime, ...whole, '-lpthread', '-ldl', '-lm'])
}

function buildBroken(target) {
  const object = join(folder, 'broken.o')
  execFileSync('cc', [...C_FLAGS, '-fPIC', '-c', '-o', object, join(here, 'broken.c')])
  const flags = ['--crate-type=cdylib', '--edition=2024', '--target', target, '-Copt-level=1', ...RUST_FLAGS]
  const args = [...flags, `-Clink-arg=${object}`, '-o', broken, join(here, 'broken.rs')]
  execFileSync('rustc', args, { env: environment(target), stdio: ['ignore', 'inherit', 'inherit'] })
}

/** Runs cargo, and resolves when it is done; its output is shown only if it fails. */
function buildAddon(target) {
  // Dependencies need no line numbers: function names are enough.
  const others = ['--config', 'profile.release.package."*".debug=false']
  const args = ['build', '--release', '--lib', '--locked', '--target', target, ...others]
  const cargo = spawn('cargo', args, {
    cwd: root,
    env: environment(target),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [cargo.stdout, cargo.stderr]) {
    stream.on('data', (part) => {
      said += part
    })
  }
  return new Promise((resolve, reject) => {
    cargo.on('error', reject)
    cargo.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`cargo build failed:\n${said}`))))
  })
}

/** A copy of what Jest and the package need, with the built addon. */
function makeCopy(target) {
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(copy, { recursive: true })
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const wanted = [...files, 'package.json', 'README.md', 'jest.config.js', '__test__', 'examples', 'scripts']
  for (const name of wanted.filter((one) => existsSync(join(root, one))))
    cpSync(join(root, name), join(copy, name), { recursive: true })
  const { arch } = process
  const addon = join(copy, `vectorizer-native.linux-${arch}-gnu.node`)
  cpSync(join(folder, target, 'release', 'libvectorizer_native.so'), addon)
}

/** Builds everything that the other functions need. */
export async function build({ archive, target }) {
  mkdirSync(folder, { recursive: true })
  buildRuntime(archive)
  buildBroken(target)
  await buildAddon(target)
  makeCopy(target)
}

/** Runs Node.js, with the runtime loaded into it and into every process that it starts. */
function run(args, options) {
  const env = {
    ...process.env,
    LD_PRELOAD: runtime,
    ASAN_OPTIONS: [
      // Node.js frees little when it ends. tests/memory/leak.mjs looks for leaks.
      'detect_leaks=0',
      `exitcode=${EXIT}`,
      `log_path=${join(reports, 'report')}`,
      'allow_addr2line=1',
      'quarantine_size_mb=64',
    ].join(':'),
  }
  return spawnSync(process.execPath, args, { cwd: copy, env, ...options })
}

/** The reports since the last call, from all processes. */
function takeReports() {
  const names = existsSync(reports) ? readdirSync(reports) : []
  const texts = names.map((name) => readFileSync(join(reports, name), 'utf8'))
  rmSync(reports, { recursive: true, force: true })
  mkdirSync(reports)
  return texts
}

/** Fails unless each of the bugs in broken.rs is found and sound code passes. */
export function canFail() {
  const bugs = {
    sound: undefined,
    readBeyondAnArray: 'heap-buffer-overflow',
    writeBeyondAnArray: 'heap-buffer-overflow',
    readBeyondAnArrayInC: 'heap-buffer-overflow',
    readWhatIsFreed: 'heap-use-after-free',
    freeTwiceOnAnotherThread: 'attempting double-free',
  }
  takeReports()
  for (const [name, bug] of Object.entries(bugs)) {
    const script = `require(${JSON.stringify(broken)}).${name}(new Float32Array(100))`
    const { status, stderr } = run(['-e', script], { encoding: 'utf8' })
    const found = takeReports().join('')
    const isRight = bug ? status === EXIT && found.includes(bug) : status === 0 && found === ''
    if (!isRight)
      throw new Error(`${name}: ended with ${status} and reported ${found || 'nothing'} ${stderr}`)
  }
  const { sharedObjects } = JSON.parse(
    run(
      [
        '-e',
        `require(${JSON.stringify(packagePath)}); console.log(JSON.stringify(process.report.getReport()))`,
      ],
      {
        encoding: 'utf8',
      },
    ).stdout,
  )
  for (const wanted of [runtime, join(copy, 'vectorizer-native.')])
    if (!sharedObjects.some((one) => one.startsWith(wanted))) throw new Error(`${wanted} is not loaded`)
  return Object.keys(bugs).length - 1
}

/**
 * A report without the frames that only show how calls come about: the first of each stack and our own
 * remain.
 */
function shortened(report) {
  const isFrame = /^ +#(\d+) /
  const lines = report.split('\n').slice(
    0,
    report.split('\n').findIndex((line) => line.startsWith('Shadow bytes')),
  )
  const kept = lines.filter((line) => {
    const frame = isFrame.exec(line)
    return !frame || Number(frame[1]) < 10 || line.includes(join(root, 'src'))
  })
  return kept.map((line) => line.slice(0, 160)).join('\n')
}

/** Runs a program, and returns whether it succeeded without a report. Reports are printed. */
function passes(args) {
  takeReports()
  const { status } = run(args, { stdio: 'inherit' })
  const found = takeReports()
  for (const text of found) console.log(shortened(text))
  console.log(
    `${basename(args[0], '.js')}: ended with ${status}; ${found.length} reports of AddressSanitizer`,
  )
  return status === 0 && found.length === 0
}

/**
 * The paths of specs by name. A name may include the folder, as in `http/search`; without it, all specs with
 * that name are meant.
 */
function pathsOf(names) {
  const all = readdirSync(join(root, '__test__'), { recursive: true })
  return names.flatMap((name) => {
    const found = all.filter((one) => `/${one}`.endsWith(`/${name}.spec.ts`))
    if (found.length === 0) throw new Error(`there is no spec ${name}`)
    return found.map((one) => `__test__/${one}`)
  })
}

/** Runs the chosen specs, or the given ones. */
export function specsPass(names = Object.values(SPECS).flatMap((some) => some.split(' '))) {
  const jest = createRequire(import.meta.url).resolve('jest/bin/jest')
  const paths = pathsOf(names)
  // In separate processes, so that a report ends only one spec.
  const workers = `--maxWorkers=${Math.max(2, availableParallelism())}`
  return passes([jest, workers, '--testTimeout=600000', '--runTestsByPath', ...paths])
}

/** Runs tests/memory/exit.mjs, at other moments than without AddressSanitizer. */
export const exitsPass = () => passes([join(here, 'exit.mjs'), packagePath, '2'])
