// Helpers for the tests of the package.
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'

/** This folder: its node_modules contains the installed package and the packages that the tests need. */
export const here = fileURLToPath(new URL('.', import.meta.url))

/** A new folder in which packages resolve as here; it is removed when the file's tests have ended. */
export function temporaryFolder(name = 'test') {
  mkdirSync(join(here, '.work'), { recursive: true })
  const folder = mkdtempSync(join(here, '.work', `${name}-`))
  after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}

/** A copy of a fixture project, in a temporary folder. */
export function fixture(name) {
  const folder = temporaryFolder(basename(name))
  cpSync(join(here, 'fixtures', name), folder, { recursive: true })
  return folder
}

/** A folder elsewhere, in which only the package is installed. */
export function projectWithoutPeers() {
  const folder = mkdtempSync(join(tmpdir(), 'vectorizer-native-alone-'))
  after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  const modules = join(folder, 'node_modules')
  const installed = join(here, 'node_modules')
  cpSync(join(installed, 'vectorizer-native'), join(modules, 'vectorizer-native'), { recursive: true })
  for (const name of readdirSync(installed)) {
    if (name.startsWith('vectorizer-native-'))
      symlinkSync(join(installed, name), join(modules, name), 'junction')
  }
  return folder
}

/** The path of an installed command's script, to be run with Node.js. */
export function bin(name) {
  return join(here, 'node_modules', '.bin', name)
}

/**
 * Runs a program to its end, and resolves with `{ code, signal, stdout, stderr }`. A program that has not
 * ended after `timeout` milliseconds is killed, which is visible in its `signal`.
 */
export function run(file, args = [], { cwd = here, env = process.env, timeout = 120_000, input } = {}) {
  const child = spawn(file, args, { cwd, env, timeout, killSignal: 'SIGKILL' })
  const output = { stdout: '', stderr: '' }
  for (const name of Object.keys(output)) {
    child[name].setEncoding('utf8').on('data', (part) => {
      output[name] += part
    })
  }
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, ...output }))
  })
}

/** Runs a script with the current version of Node.js. */
export function node(args, options) {
  return run(process.execPath, args, options)
}
