// A relative path is one of the working directory in which the call was made, whatever that is
// when the work is done.
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { directory } from '../support/disk'
import { packagePath, run } from '../support/processes'

/** Runs a script in a process of its own that is in `here`, and can go `there`. */
async function moving(script: string) {
  const root = directory()
  const [here, there] = [join(root, 'here'), join(root, 'there')]
  mkdirSync(here)
  mkdirSync(there)
  const result = await run(`
    const { VectorizerClient } = require(${JSON.stringify(packagePath)})
    const [here, there] = ${JSON.stringify([here, there])}
    /** Makes the call here, and goes there before anything else happens. */
    const call = async (make) => {
      process.chdir(here)
      const promise = make()
      process.chdir(there)
      return promise
    }
    ;(async () => {
      ${script}
      process.chdir('/')
    })().catch((error) => console.log(error))
  `)
  expect(result).toMatchObject({ code: 0, stderr: '' })
  return { here, there, stdout: result.stdout }
}

test('stores, backups of all kinds and restored stores are where they were called for', async () => {
  const { here, there, stdout } = await moving(`
    const client = await call(() => new VectorizerClient({ path: 'data' }))
    await client.ready()
    await client.createCollection('things', { dimension: 2 })
    await client.insertVectors('things', ['a', 'b', 'c', 'd'].map((id, i) => ({ id, data: [1, i] })))
    const { file } = await call(() => client.createBackup('all.vecbak'))
    console.log(file === require('node:path').join(require('node:fs').realpathSync(here), 'all.vecbak'))
    await call(() => client.createBackup('.'))
    await call(() => client.deleteVector('things', 'a', { backup: 'one.vecbak' }))
    await call(() => client.batchDelete('things', ['b'], { backup: './many.vecbak' }))
    await call(() => client.deleteByFilter('things', { must: [{ has_id: ['c'] }] }, { backup: '../here/filter.vecbak' }))
    await call(() => VectorizerClient.restoreBackup('all.vecbak', 'restored'))
    process.chdir(here)
    let moved = false
    const onProgress = () => {
      if (!moved) process.chdir(there)
      moved = true
    }
    await client.createBackup('progress.vecbak', { onProgress })
    console.log(moved)
    await client.close()
    const restored = await call(() => new VectorizerClient({ path: './restored' }))
    console.log(await restored.count('things'))
    await restored.close()
  `)
  expect(stdout).toBe('true\ntrue\n4\n')
  const names = readdirSync(here).filter((name) => !name.startsWith('backup-'))
  const backups = ['all', 'filter', 'many', 'one', 'progress'].map((name) => `${name}.vecbak`)
  expect(names.sort()).toStrictEqual([...backups, 'data', 'restored'].sort())
  expect(readdirSync(here)).toHaveLength(names.length + 1)
  expect(readdirSync(there)).toStrictEqual([])
  expect(existsSync(join(here, 'data', 'STORE'))).toBe(true)
})

// Elsewhere the working directory cannot be removed.
const posix = process.platform === 'win32' ? test.skip : test
posix('a relative path without a working directory is refused, and an absolute one is not', async () => {
  const { stdout } = await moving(`
    process.chdir(there)
    require('node:fs').rmdirSync(there)
    const client = new VectorizerClient({ path: require('node:path').join(here, 'data') })
    await client.createCollection('things', { dimension: 2 })
    const refused = ({ code, message }) => console.log(code, message.includes('working directory'))
    await client.createBackup('all.vecbak').catch(refused)
    await new VectorizerClient({ path: 'data' }).ready().catch(refused)
    await VectorizerClient.restoreBackup('all.vecbak', 'data').catch(refused)
    await client.createBackup(here)
    await client.close()
  `)
  expect(stdout).toBe('STORAGE_ERROR true\n'.repeat(3))
})
