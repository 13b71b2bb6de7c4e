import { packagePath, packageUrl, run } from '../support/processes'

const clean = { code: 0, signal: null, stderr: '' }

test('every name can be imported by an ES module', async () => {
  const names = Object.keys(require('../..')).filter((name) => !name.startsWith('__'))
  expect(names).toContain('deleteByFilter')
  const script = `
    import { ${names.join(', ')} } from ${JSON.stringify(packageUrl)}
    console.log(JSON.stringify([${names.join(', ')}].map((value) => typeof value)))
  `
  const { stdout, ...rest } = await run(script, 'module')
  expect(rest).toStrictEqual(clean)
  expect(JSON.parse(stdout)).toStrictEqual(names.map(() => 'function'))
})

test('the documented calls run in an ES module', async () => {
  const script = `
    import { createCollection, insertVectors, deleteVector, batchDelete, count } from ${JSON.stringify(packageUrl)}
    await createCollection('my_collection', { dimension: 2 })
    await insertVectors('my_collection', ['vec_001', 'vec_002', 'vec_003'].map((id) => ({ id, data: [1, 2] })))
    await deleteVector('my_collection', 'vec_001')
    const report = await batchDelete('my_collection', ['vec_001', 'vec_002'])
    console.log(JSON.stringify([report.deleted, report.failed, await count('my_collection')]))
  `
  expect(await run(script, 'module')).toStrictEqual({ ...clean, stdout: '[1,1,1]\n' })
})

test('require and import of the same process share the default client', async () => {
  const script = `
    import { createRequire } from 'node:module'
    import { createCollection } from ${JSON.stringify(packageUrl)}
    const required = createRequire(${JSON.stringify(packageUrl)})(${JSON.stringify(packagePath)})
    await createCollection('things', { dimension: 2 })
    console.log((await required.listCollections()).length)
  `
  expect(await run(script, 'module')).toStrictEqual({ ...clean, stdout: '1\n' })
})

test('a client is disposed of as "await using" does it', async () => {
  const script = `
    const { VectorizerClient, ClientClosedError } = require(${JSON.stringify(packagePath)})
    ;(async () => {
      const client = new VectorizerClient()
      await client.createCollection('things', { dimension: 2 })
      const disposed = client[Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]()
      console.log(disposed instanceof Promise, await disposed)
      await client.ready().catch((error) => console.log(error instanceof ClientClosedError))
    })()
  `
  expect(await run(script)).toStrictEqual({ ...clean, stdout: 'true undefined\ntrue\n' })
})

test('an error that nobody handles is printed with its name, and ends the process with code 1', async () => {
  const script = `
    import { deleteVector } from ${JSON.stringify(packageUrl)}
    await deleteVector('nowhere', 'a')
  `
  const { code, signal, stderr } = await run(script, 'module')
  expect({ code, signal }).toStrictEqual({ code: 1, signal: null })
  expect(stderr).toContain("CollectionNotFoundError: collection 'nowhere' does not exist")
  expect(stderr).toContain("code: 'COLLECTION_NOT_FOUND'")
})
