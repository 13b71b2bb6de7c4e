// The platforms that can be built and tried on a single Linux machine with x64, and what is run on them.

/**
 * The Jest specs that depend on the system (files, locks, threads, processes, the network), and those of the
 * calls.
 */
const SPECS = [
  ...['conformance/deletes', 'conformance/errors', 'conformance/filters', 'conformance/inserting'],
  ...['conformance/searching', 'conformance/texts'],
  ...['embedded/backup', 'embedded/concurrency', 'embedded/disk', 'embedded/embedder', 'embedded/erasure'],
  ...['embedded/errors', 'embedded/esm', 'embedded/filters', 'embedded/locking', 'embedded/receipt'],
  ...['embedded/search', 'embedded/threads'],
  ...['http/deletes', 'http/serve'],
]

const LOCKED = 'reads a file of a store that is open, which Windows locks'
const SIGNALS = 'ends programs by signals, which Windows has not'
/** The specs that the workflow also leaves out on Windows. */
const NOT_WINDOWS = {
  ...{ 'embedded/backup': LOCKED, 'embedded/disk': LOCKED },
  ...{ 'embedded/erasure': LOCKED, 'embedded/locking': LOCKED },
  ...{ 'command/serve': SIGNALS, 'http/ending': SIGNALS, 'http/load': SIGNALS, 'http/log': SIGNALS },
  ...{ 'http/metrics': SIGNALS, 'http/documented': 'runs bash' },
}

/**
 * - `libraries`: Debian packages whose libraries replace the machine's
 * - `processor`: the processor whose Zig in .github/zig.txt compiles for the platform
 * - `wheels`: PyPI's name for the platform, for each version of Node.js
 * - `npm`: the options with which npm installs for it
 * - `without`: the specs that cannot pass there, and why
 */
export const platforms = {
  'linux-arm64-gnu': {
    target: 'aarch64-unknown-linux-gnu',
    // As in the workflow: Node.js 20 itself needs glibc 2.28.
    zigTarget: 'aarch64-unknown-linux-gnu.2.28',
    processor: 'aarch64',
    libraries: ['libc6:arm64', 'libgcc-s1:arm64', 'libstdc++6:arm64'],
    wheels: { 20: 'manylinux_2_17_aarch64', 22: 'manylinux_2_17_aarch64', 24: 'manylinux_2_28_aarch64' },
    npm: ['--os=linux', '--cpu=arm64', '--libc=glibc'],
    specs: SPECS,
    without: {},
  },
  'linux-arm64-musl': {
    target: 'aarch64-unknown-linux-musl',
    processor: 'aarch64',
    libraries: ['musl:arm64'],
    // There is no wheel of Node.js 20.
    wheels: { 22: 'musllinux_1_2_aarch64', 24: 'musllinux_1_2_aarch64' },
    npm: ['--os=linux', '--cpu=arm64', '--libc=musl'],
    specs: SPECS,
    without: {},
  },
  'linux-x64-musl': {
    target: 'x86_64-unknown-linux-musl',
    processor: 'x86_64',
    libraries: ['musl:amd64'],
    wheels: { 20: 'musllinux_1_2_x86_64', 22: 'musllinux_1_2_x86_64', 24: 'musllinux_1_2_x86_64' },
    npm: ['--os=linux', '--cpu=x64', '--libc=musl'],
    specs: SPECS,
    without: {},
  },
  'win32-x64': {
    // Instead of msvc, whose linker and libraries are in no package registry.
    target: 'x86_64-pc-windows-gnu',
    processor: 'x86_64',
    libraries: [],
    wheels: { 20: 'win_amd64', 22: 'win_amd64', 24: 'win_amd64' },
    npm: ['--os=win32', '--cpu=x64'],
    specs: SPECS,
    without: NOT_WINDOWS,
  },
}

/** The platform's name in the name of the package with its binary. */
export const packageOf = (name) => (name === 'win32-x64' ? 'win32-x64-msvc' : name)
