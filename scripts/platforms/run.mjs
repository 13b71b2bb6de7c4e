// Runs Node.js as on another platform: with its libraries in place of this machine's, in a separate
// mount namespace; programs for arm64 with qemu, and for Windows with Wine. Needs root.
import { spawn } from 'node:child_process'
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { librariesOf, nodeOf, qemu, root, wine, work } from './prepare.mjs'

const binfmt = '/proc/sys/fs/binfmt_misc'
const handler = join(binfmt, 'vectorizer-native-arm64')

/** Makes the kernel run arm64 programs with qemu, until this process ends. */
async function emulate() {
  if (!existsSync(join(binfmt, 'register'))) {
    const mounting = spawn('mount', ['-t', 'binfmt_misc', 'none', binfmt], { stdio: 'inherit' })
    await new Promise((resolve) => mounting.on('close', resolve))
  }
  if (existsSync(handler)) return
  // The beginning of an ELF file for arm64, and the mask of its relevant bits.
  const magic = '\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00'
  const mask =
    '\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff'
  writeFileSync(join(binfmt, 'register'), `:vectorizer-native-arm64:M::${magic}:${mask}:${qemu}:OCF`)
  process.on('exit', () => writeFileSync(handler, '-1'))
}

const LINUX = `
  mount -t overlay overlay -o "lowerdir=$LIBRARIES/usr/lib:/usr/lib" /usr/lib
  if [ -n "$MUSL" ]; then
    mount -t overlay overlay -o "lowerdir=$LIBRARIES/etc:/etc" /etc
    mount --bind "$MUSL" /usr/bin/ldd
  fi
  exec "$@"`

const WINDOWS = `
  for folder in proc sys dev dev/shm dev/pts; do
    mkdir -p "$WINE/$folder"
    mount --rbind "/$folder" "$WINE/$folder" 2>/dev/null || true
  done
  mkdir -p "$WINE$PROJECT"
  mount --bind "$PROJECT" "$WINE$PROJECT"
  exec chroot "$WINE" env -i LANG=C.UTF-8 LC_ALL=C.UTF-8 XDG_RUNTIME_DIR=/tmp HOME=/root \\
    PATH=/usr/bin:/bin:/usr/lib/wine WINEPREFIX=/root/.wine WINEDEBUG=-all \\
    WINEDLLOVERRIDES="mscoree,mshtml=" \\
    sh -c 'cd "$0" && exec wine "$@"' "$FOLDER" "$@"`

/** What to run for a platform: a bash script, its variables, and the Node.js executable. */
function prepared(name, version, cwd) {
  const node = nodeOf(name, version)
  if (name === 'win32-x64')
    return {
      script: WINDOWS,
      node: join(node, 'node.exe'),
      env: { WINE: wine, PROJECT: root.replace(/\/$/, ''), FOLDER: cwd },
    }
  const env = { LIBRARIES: librariesOf(name), MUSL: '' }
  if (name.endsWith('-musl')) {
    // The loader uses this to detect which libc is present.
    env.MUSL = join(work, 'ldd-musl')
    writeFileSync(env.MUSL, '#!/bin/sh\necho musl libc\n')
    chmodSync(env.MUSL, 0o755)
  }
  const program = join(node, 'bin', 'node')
  return { script: LINUX, node: program, env: { ...env, PATH: `${dirname(program)}:${process.env.PATH}` } }
}

/**
 * Runs a platform's Node.js, and resolves with its exit code, or with the name of the signal that
 * ended it. Its output goes to a file.
 */
export async function run(name, version, args, { cwd, log, timeout }) {
  if (name.startsWith('linux-arm64')) await emulate()
  const { script, node, env } = prepared(name, version, cwd)
  mkdirSync(dirname(log), { recursive: true })
  const output = openSync(log, 'w')
  const child = spawn('unshare', ['--mount', '--kill-child', 'bash', '-euc', script, 'bash', node, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
    timeout,
    killSignal: 'SIGKILL',
  })
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, signal) => resolve(code ?? signal))
    })
  } finally {
    closeSync(output)
  }
}
