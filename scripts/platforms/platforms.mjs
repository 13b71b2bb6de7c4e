// The platforms that can be built and tried on one Linux machine with x64, and what is run there.

/** The specs of Jest that meet the system: files, locks, threads, processes, the network; and the calls. */
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
/** As the workflow leaves them out on Windows. */
const NOT_WINDOWS = {
  ...{ 'embedded/backup': LOCKED, 'embedded/disk': LOCKED },
  ...{ 'embedded/erasure': LOCKED, 'embedded/locking': LOCKED },
  ...{ 'command/serve': SIGNALS, 'http/ending': SIGNALS, 'http/load': SIGNALS, 'http/log': SIGNALS },
  ...{ 'http/metrics': SIGNALS, 'http/documented': 'runs bash' },
}

/**
 * - `libraries`: packages of Debian whose libraries are put in the place of the machine's
 * - `processor`: whose Zig of .github/zig.txt compiles for it
 * - `wheels`: what PyPI calls the platform, for each version of Node.js
 * - `npm`: with which npm installs for it
 * - `without`: what cannot pass there, and why
 */
export const platforms = {
  'linux-arm64-gnu': {
    target: 'aarch64-unknown-linux-gnu',
    // As the workflow does: Node.js 20 needs glibc 2.28 itself.
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
    // In the place of msvc, whose linker and libraries no package registry has.
    target: 'x86_64-pc-windows-gnu',
    processor: 'x86_64',
    libraries: [],
    wheels: { 20: 'win_amd64', 22: 'win_amd64', 24: 'win_amd64' },
    npm: ['--os=win32', '--cpu=x64'],
    specs: SPECS,
    without: NOT_WINDOWS,
  },
}

/** A platform as the package with its binary is called. */
export const packageOf = (name) => (name === 'win32-x64' ? 'win32-x64-msvc' : name)
