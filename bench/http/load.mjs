// Load over HTTP by wrk: a separate program, so that generating the load does not count as the server's time.
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { weightedQuantile } from '../shared/statistics.mjs'

const SCRIPT = join(import.meta.dirname, 'load.lua')
/** wrk ends when every request is answered, or after this many seconds if that never happens. */
const MOST_SECONDS = 600

/** The version that wrk reports. */
export function findWrk() {
  // It exits with an error after printing its version.
  const { error, stdout } = spawnSync('wrk', ['--version'], { encoding: 'utf8' })
  const version = stdout?.match(/^wrk (\S+)/)?.[1]
  if (version) return `wrk ${version.replace(/^debian\//, '')}`
  throw new Error(
    `--http makes its load with wrk, which ${error ? 'is not on the PATH' : 'does not tell its version'}. ` +
      'Install it: apt-get install wrk (Debian, Ubuntu), brew install wrk (macOS), ' +
      'or build it from https://github.com/wg/wrk',
  )
}

/**
 * Sends requests from a file to a server, each one when the previous request on its connection has been
 * answered, until `requests` have been answered. Latencies are in ms; `generator` and `cores` are the number
 * of processors that wrk and the server used, and `processor` is the server's processor time per request in
 * µs, null if the system does not report it.
 */
export async function load({ url, pid, file, requests, connections }) {
  const output = await runWrk([url, '--', file, requests, connections, clockOf(pid)], connections)
  const told = JSON.parse(output.split('\n').find((text) => text.startsWith('{')))
  const { answered, seconds, busy, server, errors } = told
  if (answered !== requests) {
    const which = JSON.stringify(errors)
    throw new Error(`of ${requests} requests ${answered} were answered; errors: ${which}`)
  }
  const latencies = asMeasured(told, connections)
  const counted = latencies.reduce((sum, [, count]) => sum + count, 0)
  if (counted !== answered - errors.timeout)
    throw new Error(`wrk tells the latencies of ${counted} answers, not of ${answered}`)
  return {
    perSecond: answered / seconds,
    p50: weightedQuantile(latencies, 0.5) / 1e3,
    p99: weightedQuantile(latencies, 0.99) / 1e3,
    processor: server === null ? null : (server * 1e6) / answered,
    cores: server === null ? null : server / seconds,
    generator: busy / seconds,
    failed: Object.values(errors).reduce((sum, count) => sum + count, 0),
    errors,
  }
}

/**
 * The clock of another process's processor time, in user mode and in the kernel, of all its threads,
 * including those that have ended. Linux derives the clock's number from the process's id
 * (`MAKE_PROCESS_CPUCLOCK` in its source); /proc reports the same, but in steps of 10 ms. Other systems have
 * no clock with this number.
 */
const clockOf = (pid) => (~pid << 3) | 2

function runWrk(args, connections) {
  const options = ['--threads', 1, '--connections', connections, '--duration', `${MOST_SECONDS}s`]
  const all = [...options, '--latency', '--script', SCRIPT, ...args].map(String)
  return new Promise((resolve, reject) => {
    const child = spawn('wrk', all, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let complaints = ''
    let ending
    child.stdout.on('data', (text) => {
      output += text
    })
    child.stderr.on('data', (text) => {
      complaints += text
      if (ending || !complaints.includes('all answered')) return
      // Its main thread sleeps until the time is over or a signal wakes it; right after its start it ignores
      // the signal.
      ending = setInterval(() => child.kill('SIGINT'), 20)
      child.kill('SIGINT')
    })
    child.on('error', reject)
    child.on('close', (code) => {
      clearInterval(ending)
      if (output.includes('\n{')) resolve(output)
      else reject(new Error(`wrk ended with code ${code} and no figures: ${complaints.trim() || output}`))
    })
  })
}

/**
 * The latencies as they were measured. wrk assumes that it should have sent at a steady rate, and adds to
 * each latency of at least twice the mean interval those of the requests that, at that rate, would have
 * waited in the meantime (`stats_correct` in its source). Here no client would have sent them, and the calls
 * in process have none, so they are removed again, beginning with the longest latency, because what was added
 * to a latency comes only from longer ones.
 */
function asMeasured({ latencies, answered, microseconds }, connections) {
  const counts = new Map(latencies)
  const each = Math.floor(answered / connections)
  if (each === 0) return latencies
  const interval = Math.floor(microseconds / each)
  for (const latency of [...counts.keys()].sort((a, b) => b - a)) {
    if (latency < 2 * interval) break
    const count = counts.get(latency)
    for (let added = latency - interval; count > 0 && added > interval; added -= interval)
      counts.set(added, counts.get(added) - count)
  }
  return [...counts].filter(([, count]) => count !== 0).sort((a, b) => a[0] - b[0])
}
