// The ledger of a store: what is in it can be verified by anybody, and what it says was erased does
// not come back. conformance/ledger.spec.ts has what every engine promises.
import { generateKeyPairSync, sign as signed } from 'node:crypto'
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  ClientClosedError,
  type ErasureReceipt,
  getLedger,
  type LedgerSigning,
  migrate,
  SigningError,
  StorageError,
  ValidationError,
  VectorizerClient,
  type VectorizerClientOptions,
  verifyLedger,
  verifyReceipt,
} from '../..'
import { idsOf, client as opened } from '../support/collections'
import { directory, present, store } from '../support/disk'
import { signer } from '../support/ledger'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

const IDS = ['a', 'b', 'c', 'd', 'e']

/** A client of a new store with a ledger, whose collection `docs` holds a vector for each id. */
async function ledgered(ledger: VectorizerClientOptions['ledger'] = true, ids = IDS, open = opened) {
  const path = join(directory(), 'store')
  const made = { path, client: open({ path, ledger }) }
  await made.client.createCollection('docs', { dimension: 2 })
  await made.client.insertVectors(
    'docs',
    ids.map((id, i) => ({ id, data: [1, i], metadata: { i, id } })),
  )
  return { ...made, file: join(made.path, 'LEDGER') }
}

const linesOf = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
const kindsOf = (file: string) =>
  linesOf(file).map(({ kind, call }) => [kind, call].filter(Boolean).join(' '))
const fine = { verified: true, problems: [] }

/** Resolves when the time in a ledger is another. */
const later = () => new Promise((resolve) => setTimeout(resolve, 3))

describe('a ledger', () => {
  test('of everything that erases is verified, and so is each receipt', async () => {
    const { client, path, file } = await ledgered()
    await client.createCollection('archive', { dimension: 2 })
    await client.createCollection('empty', { dimension: 2 })
    const receipt = true
    const docs = (id: string) => ({ id, data: [1, 7], metadata: { id } })
    const reports = [
      await client.deleteVector('docs', 'a', { receipt, reason: 'request "4711"\n\u0007 ü 😀' }),
      await client.batchDelete('docs', ['b', 'nobody'], { receipt }),
      await client.replace('docs', { i: { $gte: 2 } }, [{ ...docs('c'), metadata: { i: 2 } }], { receipt }),
    ]
    await client.insertVectors('docs', IDS.map(docs))
    reports.push(
      await client.moveToCollection('docs', 'archive', ['a', 'b'], { receipt }),
      await client.deleteByFilter('docs', { id: 'c' }, { receipt }),
      (await client.forget({ filter: { id: { $in: ['b', 'd'] } } }, { reason: 'request 12' })) as never,
      await client.deleteCollection('docs', { receipt, reason: 'the end' }),
    )
    await client.renameCollection('archive', 'others')
    await client.setVectorExpiry('others', 'a', 0)
    while ((await client.getCollectionInfo('others')).expired > 0);
    await client.cleanupEmptyCollections()

    const receipts = reports.map(({ receipt }) => receipt as ErasureReceipt)
    for (const one of receipts) expect(await verifyReceipt(one, { ledger: path })).toStrictEqual(fine)
    const info = await client.getLedger()
    const report = await verifyLedger(path, { receipts, ...(info && { head: info.head }) })
    expect(report).toMatchObject({ ...fine, unfinished: 0, undone: 0, signatures: 0, signedEntry: null })
    expect(info).toStrictEqual({
      path: file,
      store: report.store,
      entries: report.entries,
      head: report.head,
    })
    const calls = ['deleteVector', 'batchDelete', 'replace', 'moveToCollection', 'deleteByFilter', 'forget']
    const after = ['expiry', 'cleanupEmptyCollections', 'cleanupEmptyCollections']
    const kinds = kindsOf(file)
    for (const call of [...calls, 'deleteCollection', ...after])
      expect(kinds).toEqual(expect.arrayContaining([`begin ${call}`, `erased ${call}`]))
    expect(kinds).toContain('renamed')
    await client.close()
    expect(await verifyLedger(path, { receipts })).toStrictEqual(report)
  })

  test('has nothing in it that was erased', async () => {
    const secret = 'what nobody may read again'
    const { client, path } = await ledgered(true, [secret, 'b'])
    await client.insertVectors('docs', [{ id: 'other', data: [1, 2], text: secret, metadata: { secret } }])
    await client.forget({ ids: [secret] }, { reason: 'request 4711' })
    await client.deleteByFilter('docs', { secret }, { receipt: true })
    await client.createCollection('another', { dimension: 2 })
    await client.insertVectors('another', [{ id: `${secret} either`, data: [1, 2] }])
    await client.deleteCollection('another')
    await client.close()
    expect(readFileSync(join(path, 'LEDGER'), 'utf8')).not.toContain('nobody')
    expect(present(path, [Buffer.from(secret)])).toStrictEqual([])
  })

  test('is kept by every later opening, whatever its options are', async () => {
    const { client, path, file } = await ledgered()
    await client.deleteVector('docs', 'a')
    await client.close()
    for (const [i, options] of [
      {},
      { ledger: false },
      { ledger: true },
      { fsync: 'no' as const },
    ].entries()) {
      const again = opened({ path, ...options })
      await again.deleteVector('docs', IDS[i + 1])
      await again.close()
    }
    expect(kindsOf(file).filter((kind) => kind === 'erased deleteVector')).toHaveLength(5)
    expect(await verifyLedger(path)).toMatchObject({ ...fine, erasures: 5, deleted: 5 })
  })

  test.each<[string, VectorizerClientOptions | undefined]>([
    ['in memory', undefined],
    ['in memory, shared', { shared: 'of ledger.spec' }],
    ['without one', { path: '' }],
    ['with the option false', { path: '', ledger: false }],
  ])('is none in a store %s', async (_, options) => {
    const client = opened(options?.path === '' ? { ...options, path: directory() } : options)
    expect(await client.getLedger()).toBeNull()
  })

  test('is none of the module’s own client', async () => {
    expect(await getLedger()).toBeNull()
  })

  test('of a client that is closed cannot be asked for', async () => {
    const { client } = await ledgered()
    await client.close()
    expect(await rejection(client.getLedger())).toBeInstanceOf(ClientClosedError)
  })

  test('begins in a store that had none, for what is erased from then on', async () => {
    const { client, path } = store()
    await client.createCollection('docs', { dimension: 2 })
    await client.insertVectors(
      'docs',
      IDS.map((id) => ({ id, data: [1, 2] })),
    )
    await client.deleteVector('docs', 'a')
    await client.close()
    const again = opened({ path, ledger: true })
    await again.deleteVector('docs', 'b')
    await again.close()
    expect(await verifyLedger(path)).toMatchObject({ ...fine, erasures: 1 })
  })

  test('that is damaged at its end is refused, and the store is left as it is', async () => {
    const { client, path, file } = await ledgered()
    await client.deleteVector('docs', 'a')
    await client.close()
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace(/"kind":"erased"/, '"kind":"ersaed"'))
    const error = await rejection(opened({ path }).ready())
    expect(error).toBeInstanceOf(StorageError)
    expect(error.message).toContain('LEDGER')
    writeFileSync(file, text)
    expect(await opened({ path }).count('docs')).toBe(IDS.length - 1)
  })

  test('whose last line was cut short is completed by the next opening', async () => {
    const { client, path, file } = await ledgered()
    const { receipt } = await client.deleteVector('docs', 'a', { receipt: true })
    await client.close()
    const text = readFileSync(file, 'utf8')
    // As if the process had ended while it wrote it.
    writeFileSync(file, text.slice(0, -20))
    expect(await verifyLedger(path)).toMatchObject({ verified: false, unfinished: 1, erasures: 0 })
    await opened({ path }).ready()
    const report = await verifyLedger(path)
    expect(report).toMatchObject({ ...fine, unfinished: 0, erasures: 1 })
    const entry = linesOf(file).at(-1)
    expect(entry).toMatchObject({ kind: 'erased', digest: receipt.digest, call: 'deleteVector' })
  })
})

describe('the filter of a receipt', () => {
  const big = 1234567890123456789n

  test('has its integers as they were given', async () => {
    const { client } = await ledgered()
    await client.createCollection('archive', { dimension: 2 })
    await client.insertVectors(
      'docs',
      IDS.map((id, i) => ({ id, data: [1, i], metadata: { user: big, id } })),
    )
    const of = (id: string) => ({ user: big, id })
    const receipt = true
    const receipts = [
      (await client.deleteByFilter('docs', of('a'), { receipt })).receipt,
      (await client.replace('docs', of('b'), [], { receipt })).receipt,
      (await client.moveToCollection('docs', 'archive', { filter: of('c') }, { receipt })).receipt,
      (await client.forget({ filter: of('d') })).receipt,
    ]
    expect(receipts.map((one) => one?.filter)).toStrictEqual(['a', 'b', 'c', 'd'].map(of))
    for (const one of receipts) expect(one?.text).toContain(String(big))
  })
})

describe('a client that signs', () => {
  /** How each entry is signed, and what was. */
  function signing(act?: (entry: Uint8Array) => unknown) {
    const { publicKey, sign } = signer()
    const entries: string[] = []
    const ledger: LedgerSigning = {
      sign: (entry) => {
        entries.push(Buffer.from(entry).toString())
        return (act ? act(entry) : sign(entry)) as Uint8Array
      },
    }
    return { publicKey, sign, entries, ledger }
  }

  test('signs the entry of each receipt, and nothing else', async () => {
    const { publicKey, entries, ledger } = signing()
    const { client, path, file } = await ledgered(ledger)
    const { receipt } = await client.deleteVector('docs', 'a', { receipt: true })
    await client.deleteVector('docs', 'b')
    const { receipt: none } = await client.batchDelete('docs', ['nobody'], { receipt: true })
    const { receipt: forgotten } = await client.forget({ ids: ['c'] })
    expect(entries).toStrictEqual([receipt.entry, forgotten?.entry])
    expect(none).not.toHaveProperty('signature')
    for (const one of [receipt, forgotten]) {
      expect(Object.keys(one as object).at(-1)).toBe('signature')
      expect(await verifyReceipt(one ?? {}, { publicKey, ledger: path })).toStrictEqual(fine)
    }
    const written = linesOf(file).filter(({ kind }) => kind === 'signed')
    expect(written).toMatchObject([{ signature: receipt.signature }, { signature: forgotten?.signature }])
    const { signedEntry, entries: count } = await verifyLedger(path, { publicKey })
    expect(signedEntry).toBe(JSON.parse(forgotten?.entry as string).entry)
    expect(count).toBe(linesOf(file).length - 1)
  })

  const pair = signer()
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  test.each<[string, () => LedgerSigning['sign'], () => object]>([
    [
      'an async function',
      () => async (entry) => {
        await later()
        return pair.sign(entry)
      },
      () => pair.publicKey,
    ],
    [
      'what returns a view of more',
      () => (entry) => new Uint8Array([0, ...pair.sign(entry), 0]).subarray(1, -1),
      () => pair.publicKey,
    ],
    ['RSA', () => (entry) => signed('sha256', entry, rsa.privateKey), () => rsa.publicKey],
  ])('may use %s', async (_, sign, publicKey) => {
    const { client, path } = await ledgered({ sign: sign() })
    const { receipt } = await client.deleteVector('docs', 'a', { receipt: true })
    const key = untyped(publicKey())
    expect(await verifyReceipt(receipt, { publicKey: key, ledger: path })).toStrictEqual(fine)
  })

  test('signs calls at the same time each by itself', async () => {
    const { publicKey, sign, entries, ledger } = signing(async (entry) => {
      // The first waits for the last.
      while (entries.length < IDS.length) await later()
      return sign(entry)
    })
    const { client, path } = await ledgered(ledger)
    const reports = await Promise.all(IDS.map((id) => client.deleteVector('docs', id, { receipt: true })))
    const receipts = reports.map(({ receipt }) => receipt)
    expect(new Set(receipts.map(({ signature }) => signature)).size).toBe(IDS.length)
    expect(await verifyLedger(path, { publicKey, receipts })).toMatchObject({
      ...fine,
      signatures: IDS.length,
    })
  })

  test('signs the last erasure when it is closed, and only if it is not signed', async () => {
    const { publicKey, entries, ledger } = signing()
    const { client, path, file } = await ledgered(ledger)
    await client.deleteVector('docs', 'a')
    await client.deleteVector('docs', 'b')
    expect(entries).toStrictEqual([])
    await client.close()
    expect(entries).toHaveLength(1)
    expect(JSON.parse(entries[0])).toMatchObject({ kind: 'erased', call: 'deleteVector' })
    expect(await verifyLedger(path, { publicKey })).toMatchObject({ ...fine, erasures: 2, signatures: 1 })
    const before = readFileSync(file)
    for (let i = 0; i < 2; i++) {
      const again = opened({ path, ledger })
      await again.ready()
      await again.close()
    }
    expect(entries).toHaveLength(1)
    expect(readFileSync(file).equals(before)).toBe(true)
  })

  test('waits for calls in progress when it is closed, and signs them', async () => {
    const { publicKey, sign, entries, ledger } = signing(async (entry) => {
      await later()
      return sign(entry)
    })
    const { client, path } = await ledgered(ledger)
    const calls = [
      client.deleteVector('docs', 'a', { receipt: true }),
      client.batchDelete('docs', ['b'], { receipt: true }),
      client.deleteVector('docs', 'c'),
    ] as const
    await client.close()
    const [{ receipt: one }, { receipt: other }] = await Promise.all(calls)
    const last = await verifyLedger(path, { publicKey, receipts: [one, other] })
    expect(last).toMatchObject({ ...fine, erasures: 3 })
    expect(last.signedEntry).toBe(Math.max(...entries.map((entry) => JSON.parse(entry).entry)))
    expect(linesOf(join(path, 'LEDGER')).findLast(({ kind }) => kind === 'erased').entry).toBe(
      last.signedEntry,
    )
  })

  test('signs nothing when it is closed if nothing was erased, or it never was open', async () => {
    const { entries, ledger } = signing()
    const { client } = await ledgered(ledger)
    await client.close()
    await opened({ path: __filename, ledger }).close()
    await opened({ path: join(directory(), 'new'), ledger }).close()
    expect(entries).toStrictEqual([])
  })

  describe('and fails', () => {
    const bytes = (length: number) => new Uint8Array(length)
    const cause = new Error('no key')
    const fail = (...thrown: unknown[]): never => {
      throw thrown.length > 0 ? thrown[0] : cause
    }
    test.each<[string, (entry: Uint8Array) => unknown, string, unknown]>([
      ['by throwing', () => fail(), 'options.ledger.sign failed: no key', cause],
      ['by rejecting', async () => fail(), 'options.ledger.sign failed: no key', cause],
      ['by throwing nothing', () => fail(undefined), 'options.ledger.sign failed: undefined', undefined],
      ['by returning nothing', () => undefined, 'it returned undefined; return a Uint8Array', undefined],
      ['by returning text', () => 'AAAA', 'it returned string; return a Uint8Array', undefined],
      ['by returning a list', () => [1], 'it returned an array; return a Uint8Array', undefined],
      ['by returning no bytes', () => bytes(0), 'it returned 0 bytes; a signature has 1 to 12288', undefined],
      [
        'by returning too many',
        () => bytes(12_289),
        'it returned 12289 bytes; a signature has 1 to 12288',
        undefined,
      ],
    ])('%s, has erased all the same, and says so', async (_, sign, why, of) => {
      let isBroken = true
      const {
        publicKey,
        sign: right,
        entries,
        ledger,
      } = signing((entry) => (isBroken ? sign(entry) : right(entry)))
      const { client, path } = await ledgered(ledger)
      const error = (await rejection(
        client.batchDelete('docs', ['a', 'nobody'], { receipt: true }),
      )) as SigningError
      expect(error).toBeInstanceOf(SigningError)
      expect(error).toMatchObject({ name: 'SigningError', code: 'SIGNING_ERROR', errorCode: 'SIGNING_ERROR' })
      const entry = JSON.parse(entries[0]).entry
      expect(error.message).toContain(
        `the erasure has happened, and is entry ${entry} of the ledger, but it is not signed`,
      )
      expect(error.message).toContain(why)
      expect(error.message).toMatch(/\. The next signature covers it as well$/)
      if (of) expect(error.cause).toBe(of)
      expect(error.report).toMatchObject({
        deleted: 1,
        failed: 1,
        receipt: { deleted: 1, entry: entries[0] },
      })
      expect(error.report?.receipt).not.toHaveProperty('signature')
      expect(await idsOf(client, 'docs')).toStrictEqual(['b', 'c', 'd', 'e'])
      isBroken = false
      const { receipt } = await client.deleteVector('docs', 'b', { receipt: true })
      const receipts = [receipt, error.report?.receipt ?? {}]
      expect(await verifyLedger(path, { publicKey, receipts })).toMatchObject({
        ...fine,
        erasures: 2,
        signatures: 1,
      })
    })

    test('a signature of the most bytes is written', async () => {
      const { ledger } = signing(() => bytes(12_288))
      const { client, path } = await ledgered(ledger)
      const { receipt } = await client.deleteVector('docs', 'a', { receipt: true })
      expect(Buffer.from(receipt.signature ?? '', 'base64')).toHaveLength(12_288)
      expect(await verifyLedger(path)).toMatchObject({ ...fine, signatures: 1 })
    })

    /** A store as above, whose client the test closes, because closing fails. */
    const unclosed = (ledger: LedgerSigning) =>
      ledgered(ledger, IDS, (options) => new VectorizerClient(options))

    test('of each call that has a receipt, the error has what it would have resolved with', async () => {
      const { ledger } = signing(() => fail())
      const { client } = await unclosed(ledger)
      await client.createCollection('archive', { dimension: 2 })
      const receipt = true
      const calls: [() => Promise<unknown>, object][] = [
        [() => client.deleteVector('docs', 'a', { receipt }), {}],
        [() => client.deleteByFilter('docs', { id: 'b' }, { receipt }), { matched: 1, deleted: 1 }],
        [
          () => client.replace('docs', { id: 'c' }, [], { receipt }),
          { applied: true, ids: { deleted: ['c'] } },
        ],
        [() => client.moveToCollection('docs', 'archive', ['d'], { receipt }), { applied: true, moved: 1 }],
        [() => client.forget({ ids: ['e'] }), { applied: true, deleted: 1 }],
        [() => client.deleteCollection('archive', { receipt }), {}],
      ]
      for (const [call, report] of calls) {
        const error = (await rejection(call())) as SigningError
        expect(error).toBeInstanceOf(SigningError)
        expect(error.report).toMatchObject({ ...report, receipt: { entry: expect.any(String) } })
      }
      expect(await rejection(client.close())).toBeInstanceOf(SigningError)
    })

    test('when it is closed, it is closed even so', async () => {
      const { ledger } = signing(() => fail())
      const { client, path } = await unclosed(ledger)
      await client.deleteVector('docs', 'a')
      for (let i = 0; i < 2; i++) {
        const error = await rejection(client.close())
        expect(error).toBeInstanceOf(SigningError)
        expect(error).not.toHaveProperty('report')
        expect(error.cause).toBe(cause)
      }
      expect(await rejection(client.count('docs'))).toBeInstanceOf(ClientClosedError)
      // Nobody has it open any more.
      await opened({ path, ledger: signing().ledger }).close()
      expect(await verifyLedger(path)).toMatchObject({ ...fine, signatures: 1 })
    })

    test('never, by not ending: closing waits for it', async () => {
      let end = (_: Uint8Array) => {}
      const { ledger } = signing(
        () =>
          new Promise((resolve) => {
            end = resolve
          }),
      )
      const { client, path } = await ledgered(ledger)
      const deleting = client.deleteVector('docs', 'a', { receipt: true })
      while (!existsSync(join(path, 'LEDGER')) || (await verifyLedger(path)).erasures === 0) await later()
      // Reads and other deletes go on.
      expect(await client.count('docs')).toBe(4)
      await client.deleteVector('docs', 'b')
      let isClosed = false
      const closing = client.close().then(() => {
        isClosed = true
      })
      await later()
      expect(isClosed).toBe(false)
      end(bytes(1))
      expect((await deleting).receipt.signature).toBe('AA==')
      // The last erasure is another, which is signed by closing.
      while (!isClosed) {
        end(bytes(2))
        await later()
      }
      await closing
    })
  })

  test('does not sign what was refused, cancelled, or only tried', async () => {
    const { entries, ledger } = signing()
    const { client } = await ledgered(ledger)
    await rejection(client.batchDelete('docs', ['a'], { receipt: true, expect: 2 }))
    await rejection(client.deleteVector('docs', 'nobody', { receipt: true }))
    await client.forget({ ids: ['a'] }, { dryRun: true })
    await client.deleteVector('docs', 'a', { receipt: true, signal: AbortSignal.abort(1) }).catch(() => {})
    expect(entries).toStrictEqual([])
    const { signal } = new AbortController()
    const { receipt } = await client.deleteVector('docs', 'a', { receipt: true, signal })
    expect(receipt.signature).toBeDefined()
  })

  test('a listener that throws does not keep the receipt from being signed', async () => {
    const { publicKey, entries, ledger } = signing()
    const { client, path } = await ledgered(ledger)
    const cause = new Error('of the listener')
    const onProgress = () => {
      throw cause
    }
    await expect(client.forget({ ids: IDS }, { onProgress })).rejects.toMatchObject({ cause })
    expect(entries).toHaveLength(1)
    expect(await verifyLedger(path, { publicKey })).toMatchObject({ ...fine, signatures: 1 })
  })
})

describe('the reason of an erasure', () => {
  test('is in its receipt and in the ledger, and in no other file', async () => {
    const reason = 'request 4711 of the twelfth'
    const { client, path, file } = await ledgered()
    const { receipt } = await client.batchDelete('docs', ['a'], { receipt: true, reason })
    expect(receipt).toMatchObject({ reason, text: expect.stringContaining(reason) })
    expect(linesOf(file).map((line) => line.reason)).toStrictEqual([undefined, reason, reason])
    await client.deleteVector('docs', 'b', { reason })
    await client.deleteByFilter('docs', { id: 'c' }, { reason })
    await client.close()
    expect(linesOf(file).filter((line) => line.reason === reason)).toHaveLength(6)
    expect(present(path, [Buffer.from(reason)])).toHaveLength(1)
    writeFileSync(file, '')
    expect(present(path, [Buffer.from(reason)])).toStrictEqual([])
  })

  test('is no use to a dry run, and is accepted', async () => {
    const { client, file } = await ledgered()
    await client.deleteByFilter('docs', { id: 'a' }, { dryRun: true, reason: 'a' })
    await client.forget({ ids: ['a'] }, { dryRun: true, reason: 'a' })
    expect(linesOf(file)).toHaveLength(1)
  })
})

describe('a backup that is restored with the ledger', () => {
  test.each(['within', 'apart'] as const)('has nothing that was erased since, its keys %s', async (keys) => {
    const { client, path } = await ledgered()
    await client.createCollection('gone', { dimension: 2 })
    await client.insertVectors('gone', [{ data: [1, 2] }, { data: [1, 3] }])
    await client.deleteVector('docs', 'e')
    await client.insertVectors('docs', [{ id: 'e', data: [1, 5] }])
    const folder = directory()
    const backup = await client.createBackup(join(folder, 'backup'), { keys })
    await client.batchDelete('docs', ['a', 'b'])
    await client.deleteCollection('gone')
    await client.close()
    const kept = join(folder, 'kept ledger')
    copyFileSync(join(path, 'LEDGER'), kept)
    for (const [i, ledger] of [path, kept].entries()) {
      const restored = join(folder, `restored ${i}`)
      const options = { ledger, ...(backup.keys !== undefined && { keys: backup.keys }) }
      expect(await VectorizerClient.restoreBackup(backup.file, restored, options)).toMatchObject({
        collections: 1,
        vectors: 3,
        leftOut: 4,
      })
      const again = opened({ path: restored })
      expect(await idsOf(again, 'docs')).toStrictEqual(['c', 'd', 'e'])
      expect((await again.listCollections()).map(({ name }) => name)).toStrictEqual(['docs'])
      await again.close()
    }
    const plain = { ...(backup.keys !== undefined && { keys: backup.keys }) }
    const report = await VectorizerClient.restoreBackup(backup.file, join(folder, 'all'), plain)
    expect(report).toMatchObject({ vectors: 7 })
    expect(report).not.toHaveProperty('leftOut')
  })

  test.each<[string, unknown, string]>([
    ['an empty path', '', 'options.ledger: is empty'],
    ['no path', 5, 'options.ledger: expected a string, got 5'],
  ])('is not, if that is %s', async (_, ledger, message) => {
    const { client } = await ledgered()
    const folder = directory()
    const { file } = await client.createBackup(join(folder, 'backup'))
    const restoring = VectorizerClient.restoreBackup(file, join(folder, 'new'), { ledger: untyped(ledger) })
    const error = await rejection(restoring)
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toBe(message)
  })

  test('is not, if the ledger is not as it was written', async () => {
    const { client, file } = await ledgered()
    const folder = directory()
    const backup = await client.createBackup(join(folder, 'backup'))
    await client.deleteVector('docs', 'a')
    await client.deleteVector('docs', 'b')
    const ledger = join(folder, 'LEDGER')
    writeFileSync(ledger, readFileSync(file, 'utf8').replace('"deleteVector"', '"batchDelete"'))
    const restored = join(folder, 'restored')
    const error = await rejection(VectorizerClient.restoreBackup(backup.file, restored, { ledger }))
    expect(error).toBeInstanceOf(StorageError)
    expect(existsSync(restored)).toBe(false)
    const none = { ledger: join(folder, 'nowhere') }
    expect(await rejection(VectorizerClient.restoreBackup(backup.file, restored, none))).toBeInstanceOf(
      StorageError,
    )
  })
})

test('an older copy that is migrated with the ledger of the store has nothing that was erased since', async () => {
  const { client, path } = await ledgered()
  const folder = directory()
  const { file } = await client.createBackup(join(folder, 'backup'))
  await client.renameCollection('docs', 'papers')
  await client.deleteByFilter('papers', { i: { $lt: 2 } })
  const old = join(folder, 'old')
  await VectorizerClient.restoreBackup(file, old)
  const [from, to] = [opened({ path: old }), opened()]
  expect(await migrate(from, to, { ledger: path })).toMatchObject({ leftOut: 2 })
  expect(await idsOf(to, 'docs')).toStrictEqual(['c', 'd', 'e'])
})
