// Builds the addon for another platform, in the same way as the workflow where possible.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { packageOf } from './platforms.mjs'
import { hasStandardLibrary, root, rust, work, zigOf } from './prepare.mjs'

/** numkong assumes POPCNT with AVX-512; Zig has to be told. */
const POPCNT = ['x86_64_unknown_linux_musl', 'x86_64_pc_windows_gnu']

/** The environment and the arguments for cargo. */
function toolchain({ target, processor }) {
  const { RUSTUP_TOOLCHAIN, ...env } = process.env
  const path = [join(zigOf(processor), 'bin')]
  const common = {
    ...env,
    CARGO_INCREMENTAL: '0',
    CARGO_TARGET_DIR: join(work, 'cargo'),
    ...Object.fromEntries(POPCNT.map((name) => [`CFLAGS_${name}`, '-mpopcnt'])),
  }
  if (hasStandardLibrary(target)) {
    const chosen = RUSTUP_TOOLCHAIN ? { RUSTUP_TOOLCHAIN } : {}
    return { env: { ...common, ...chosen, PATH: [...path, env.PATH].join(delimiter) }, args: [] }
  }
  const own = {
    RUSTC_BOOTSTRAP: '1',
    RUSTC: join(rust, 'bin', 'rustc'),
    RUSTDOC: join(rust, 'bin', 'rustdoc'),
    CARGO: join(rust, 'bin', 'cargo'),
    LD_LIBRARY_PATH: join(rust, 'lib'),
    PATH: [...path, join(rust, 'bin'), env.PATH].join(delimiter),
  }
  return { env: { ...common, ...own }, args: ['-Z', 'build-std=std,panic_abort,panic_unwind'] }
}

/**
 * The import library of the functions that the Windows binary takes from Node.js, and its list of
 * exports.
 */
function windowsLibraries(env) {
  const folder = join(work, 'win32-x64', 'libnode')
  mkdirSync(folder, { recursive: true })
  const zig = (...args) => execFileSync('python-zig', args, { cwd: folder, env, stdio: 'inherit' })
  writeFileSync(join(folder, 'libnode.dll'), '')
  writeFileSync(join(folder, 'empty.c'), '\n')
  // cargo-zigbuild drops the list of exports that rustc passes.
  const exported = '\t.section .drectve,"yn"\n\t.ascii " -export:napi_register_module_v1"\n'
  writeFileSync(join(folder, 'exports.s'), exported)
  for (const [object, source] of [
    ['empty.o', 'empty.c'],
    ['exports.o', 'exports.s'],
  ])
    zig('cc', '-target', 'x86_64-windows-gnu', '-c', '-o', object, source)
  zig('ar', 'rcs', 'libnode.a', 'empty.o')
  return folder
}

/** The path of the built addon for a platform. */
export const binaryOf = (name) => join(work, name, 'built', `vectorizer-native.${packageOf(name)}.node`)

export function build(name, platform, file) {
  const { target } = platform
  const { env, args } = toolchain(platform)
  const built = dirname(file)
  mkdirSync(built, { recursive: true })
  const options = { cwd: root, stdio: 'inherit' }
  if (name === 'win32-x64') {
    const libraries = windowsLibraries(env)
    const cargo = ['rustc', '--release', '--lib', '--target', target, ...args]
    const link = ['--', '-C', `link-arg=${join(libraries, 'exports.o')}`]
    execFileSync('cargo-zigbuild', [...cargo, ...link], {
      ...options,
      env: { ...env, LIBNODE_PATH: libraries },
    })
    cpSync(join(work, 'cargo', target, 'release', 'vectorizer_native.dll'), file)
  } else {
    const napi = ['build', '--platform', '--release', '--no-js', '--output-dir', built]
    const cross = ['-x', '--target', platform.zigTarget ?? target, '--', ...args]
    const script = join(root, 'node_modules', '@napi-rs', 'cli', 'dist', 'cli.js')
    execFileSync(process.execPath, [script, ...napi, ...cross], { ...options, env })
  }
}
