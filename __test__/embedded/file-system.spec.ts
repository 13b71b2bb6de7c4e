// Whoever keeps a store where zeros are written to another place is told.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { directory } from '../support/disk'
import { packagePath } from '../support/processes'

/** What a process prints to its error output that opens a store twice, on a system of this kind. */
function told(type: number | 'no such call', environment: Record<string, string> = {}) {
  const folder = directory()
  const script = join(folder, 'script.cjs')
  const path = join(folder, 'not', 'there', 'yet')
  writeFileSync(
    script,
    `const fs = require('node:fs')
    const real = fs.statfs
    const type = ${JSON.stringify(type)}
    fs.statfs = typeof type === 'string' ? undefined : (path, done) =>
      real(path, (error, system) => (error ? done(error) : done(null, { ...system, type })))
    const { VectorizerClient } = require(${JSON.stringify(packagePath)})
    Object.defineProperty(process, 'platform', { value: ${JSON.stringify(environment.PLATFORM ?? 'linux')} })
    async function main() {
      for (let i = 0; i < 2; i++) {
        const client = new VectorizerClient({ path: ${JSON.stringify(path)} })
        await client.ready()
        await client.close()
      }
    }
    main()`,
  )
  const env = { ...process.env, NODE_ENV: '', ...environment }
  const { status, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8', env })
  expect({ status, stderr }).toMatchObject({ status: 0 })
  return { stderr, path }
}

const EXT4 = 0xef53
const BTRFS = 0x9123683e

test.each([
  [BTRFS, 'btrfs'],
  [0x2fc12fc1, 'ZFS'],
  [0xca451a4e, 'bcachefs'],
])('a store on a file system of the kind %i is warned of once', (type, name) => {
  const { stderr, path } = told(type)
  const warnings = stderr.split('\n').filter((line) => line.includes('VectorizerWarning'))
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toContain(
    `[VECTORIZER_COPY_ON_WRITE] VectorizerWarning: ${path} is on ${name}, which copies on write: `,
  )
})

/** Windows removes no directory that a process works in. */
const posix = process.platform === 'win32' ? test.skip : test

posix('what is wrong with a path is told by the first call, and not by this', () => {
  const script = `
    const { mkdtempSync, rmdirSync } = require('node:fs')
    const { VectorizerClient } = require(${JSON.stringify(packagePath)})
    async function main() {
      const codes = []
      const told = (path) => new VectorizerClient({ path }).ready().catch(({ code }) => codes.push(code))
      await told('a\\0b')
      process.chdir(mkdtempSync(${JSON.stringify(join(directory(), 'gone-'))}))
      rmdirSync(process.cwd())
      await told('store')
      console.log(codes.join())
    }
    main()`
  const env = { ...process.env, NODE_ENV: '' }
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', env })
  expect({ stdout, stderr }).toStrictEqual({ stdout: 'STORAGE_ERROR,STORAGE_ERROR\n', stderr: '' })
})

test('elsewhere, in tests, on other systems and where it cannot be told nothing is said', () => {
  for (const { stderr } of [
    told(EXT4),
    told('no such call'),
    told(BTRFS, { NODE_ENV: 'test' }),
    told(BTRFS, { PLATFORM: 'darwin' }),
  ]) {
    expect(stderr).toBe('')
  }
})
