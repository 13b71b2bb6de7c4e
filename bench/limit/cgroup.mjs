// A memory cgroup of Linux, version 1 or 2: its limit counts what its processes allocate and what of files is
// in the page cache because of them.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** The files of a cgroup; `cache` frees what is in the page cache, and `swap` forbids to swap. */
const FILES = {
  cgroup: {
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    events: 'memory.oom_control',
    cache: 'memory.force_empty',
    swap: 'memory.swappiness',
  },
  cgroup2: {
    limit: 'memory.max',
    peak: 'memory.peak',
    events: 'memory.events',
    cache: 'memory.reclaim',
    swap: 'memory.swap.max',
  },
}
const REMOVALS = 20

let created = 0

/**
 * Runs the work with a new cgroup, given as the file of its members, and removes it afterwards. Returns what
 * the work returns or, in `error`, with what it fails; the most memory that was in use at once, and how many
 * processes the kernel killed for lack of memory.
 */
export async function withLimit(limit, work) {
  const { folder, files } = create(limit)
  // Also if the benchmark is interrupted.
  const atExit = () => remove(folder)
  process.once('exit', atExit)
  const read = (name) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '')
  try {
    const outcome = await work(join(folder, 'cgroup.procs')).catch(({ message }) => ({ error: message }))
    const kills = Number(/^oom_kill (\d+)/m.exec(read(files.events))?.[1] ?? 0)
    return { ...outcome, peak: Number(read(files.peak)) || null, kills }
  } finally {
    // So that the next process reads files from the disk: otherwise their pages would belong to the parent.
    set(join(folder, files.cache), limit)
    process.off('exit', atExit)
    remove(folder)
  }
}

/** A cgroup can be removed when its processes have ended, which they may not have if there is an interruption. */
function remove(folder) {
  const pids = () => readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)
  for (let attempt = 1; existsSync(folder); attempt++) {
    try {
      for (const pid of pids()) process.kill(Number(pid), 'SIGKILL')
      rmdirSync(folder)
    } catch (error) {
      if (attempt === REMOVALS) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
    }
  }
}

/**
 * In the cgroup of this process. Version 2 allows no limit beside the processes of a cgroup, except at its root;
 * then in the nearest cgroup around it that has limits.
 */
function create(limit) {
  if (process.platform !== 'linux') throw new Error('--limit needs a memory cgroup, which only Linux has')
  const { type, mount, own } = mounted()
  const files = FILES[type]
  for (let parent = own; ; parent = dirname(parent)) {
    const folder = join(parent, `vectorizer-bench-${process.pid}-${created++}`)
    try {
      mkdirSync(folder)
      if (existsSync(join(folder, files.limit))) {
        set(join(folder, files.swap), 0)
        writeFileSync(join(folder, files.limit), String(limit), { flag: 'r+' })
        return { folder, files }
      }
    } catch ({ message }) {
      if (existsSync(folder)) rmdirSync(folder)
      throw new Error(`--limit cannot create a memory cgroup, which may need root: ${message}`)
    }
    rmdirSync(folder)
    if (parent === mount)
      throw new Error(`--limit cannot create a memory cgroup: ${mount} has none with ${files.limit}`)
  }
}

/** Where cgroups that limit memory are mounted, and the folder of the one that this process is in. */
function mounted() {
  const lines = (path) => readFileSync(path, 'utf8').trim().split('\n')
  const mounts = lines('/proc/self/mountinfo').map((line) => {
    const [, , , root, mount, ...more] = line.split(' ')
    const [type, , options] = more.slice(more.indexOf('-') + 1)
    return { type, root, mount, options: options.split(',') }
  })
  const found =
    mounts.find(({ type, options }) => type === 'cgroup' && options.includes('memory')) ??
    mounts.find(({ type }) => type === 'cgroup2')
  if (!found) throw new Error('--limit needs a memory cgroup, and none is mounted')
  const member = lines('/proc/self/cgroup')
    .map((line) => /^\d+:([^:]*):(.*)$/.exec(line))
    .find(([, names]) => (found.type === 'cgroup' ? names.split(',').includes('memory') : names === ''))
  const path = relative(found.root, member?.[2] ?? found.root)
  const own = path.startsWith('..') ? found.mount : join(found.mount, path)
  return { ...found, own: existsSync(own) ? own : found.mount }
}

/** Does nothing if the kernel has no such file, or cannot do more than it has done. */
function set(path, value) {
  try {
    writeFileSync(path, String(value), { flag: 'r+' })
  } catch {}
}
