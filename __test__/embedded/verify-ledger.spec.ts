// Ledgers and receipts are verified by what is documented alone: these are written by the test, and
// tampered with in every way.
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type LedgerReport, StorageError, ValidationError, verifyLedger, verifyReceipt } from '../..'
import { directory } from '../support/disk'
import { part, receiptOf, signer, small, Written } from '../support/ledger'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

const problemsOf = ({ problems }: LedgerReport) => problems.map(({ line, problem }) => `${line}: ${problem}`)
const withLines = (lines: string[]) => lines.map((line) => `${line}\n`).join('')

describe('a ledger', () => {
  test('that is as it was written has no problems, and is told in numbers', async () => {
    const { written, publicKey, receipts } = small()
    const options = { publicKey, receipts, head: written.head }
    expect(await verifyLedger(written.file(), options)).toStrictEqual({
      verified: true,
      problems: [],
      store: written.store,
      entries: written.lines.length - 1,
      erasures: 4,
      deleted: 2 + 1 + 3 + 1,
      unfinished: 0,
      undone: 1,
      signatures: 2,
      signedEntry: JSON.parse(receipts[3].entry).entry,
      head: written.head,
      firstAt: '2026-12-01T00:00:00.000Z',
      lastAt: new Date(written.at - 1).toISOString(),
    })
  })

  test('that nothing has been erased from has only its first line', async () => {
    const written = new Written()
    const report = await verifyLedger(written.file(), { receipts: [], head: written.head })
    expect(report).toMatchObject({
      verified: true,
      entries: 0,
      erasures: 0,
      signedEntry: null,
      head: { entry: 0 },
    })
    expect(report.lastAt).toBe(report.firstAt)
  })

  test('may be named by the directory of its store', async () => {
    const { written } = small()
    const path = join(written.file(), '..')
    expect(await verifyLedger(path)).toStrictEqual(await verifyLedger(join(path, 'LEDGER')))
  })

  test('may have erasures that are unfinished, which the next opening ends', async () => {
    const written = new Written()
    const first = written.begin('forget', [part('docs', ['a'])])
    written.begin('batchDelete', [part('docs', ['b'])])
    written.end(first)
    expect(await verifyLedger(written.file())).toMatchObject({ verified: true, erasures: 1, unfinished: 1 })
  })

  test('may have one that is signed later, and more than once, by keys that followed each other', async () => {
    const written = new Written()
    const [old, other] = [signer(), signer()]
    const lines = Array.from({ length: 200 }, (_, i) =>
      written.erase('deleteVector', [part('docs', [`${i}`])]),
    )
    for (const line of [lines[150], lines[2], lines[199]]) written.sign(line, old.sign(Buffer.from(line)))
    written.sign(lines[2], other.sign(Buffer.from(lines[2])))
    const file = written.file()
    const publicKey = [old.publicKey, other.publicKey]
    expect(await verifyLedger(file, { publicKey })).toMatchObject({
      verified: true,
      signatures: 4,
      signedEntry: 400,
    })
    expect(problemsOf(await verifyLedger(file, { publicKey: old.publicKey }))).toStrictEqual([
      `${written.lines.length}: its signature is not one of entry 6 by the key that was given`,
    ])
  })

  test('has the entries that were appended by hand after the last signature, and says so', async () => {
    const { written, publicKey } = small()
    const { signedEntry } = await verifyLedger(written.file(), { publicKey })
    written.erase('batchDelete', [part('docs', ['x'])])
    const report = await verifyLedger(written.file(), { publicKey })
    expect(report).toMatchObject({ verified: true, signedEntry, erasures: 5 })
    expect(report.head?.entry).toBeGreaterThan(report.signedEntry as number)
  })

  test('of which nothing is signed is not verified with a key', async () => {
    const written = new Written()
    const { publicKey } = signer()
    expect(await verifyLedger(written.file(), { publicKey })).toMatchObject({ verified: true })
    written.erase('batchDelete', [part('docs', ['x'])])
    expect(await verifyLedger(written.file())).toMatchObject({ verified: true })
    expect(problemsOf(await verifyLedger(written.file(), { publicKey }))).toStrictEqual([
      '0: nothing in it is signed: it may have been written anew by anybody',
    ])
  })

  test('of one erasure of 400,000 vectors is verified', async () => {
    const written = new Written()
    const line = written.erase('batchDelete', [
      part(
        'docs',
        Array.from({ length: 400_000 }, (_, i) => `${i}`),
      ),
    ])
    expect(JSON.parse(line).deleted).toBe(400_000)
    expect(await verifyLedger(written.file())).toMatchObject({ verified: true, deleted: 400_000 })
  })

  test('of 100,000 entries, a third of them signed, is verified', async () => {
    const written = new Written()
    const { publicKey, sign } = signer()
    for (let i = 0; i < 33_333; i++) {
      const line = written.erase('deleteVector', [part('docs', [`vector ${i}`], '1', i)])
      written.sign(line, i % 3 === 0 ? sign(Buffer.from(line)) : Buffer.of(1))
    }
    const file = written.file()
    const report = await verifyLedger(file)
    expect(report).toMatchObject({ verified: true, entries: 99_999, erasures: 33_333 })
    expect((await verifyLedger(file, { publicKey })).problems).toHaveLength(100)
  })

  test('may have lines of many megabytes', async () => {
    const written = new Written()
    const many = Array.from({ length: 100_000 }, (_, i) => `vector ${i}`)
    const line = written.erase('deleteByFilter', [part('docs', many)])
    written.erase('deleteByFilter', [part('docs', ['a'], '1', 2)])
    const receipts = [receiptOf(line, written.store)]
    expect(await verifyLedger(written.file(), { receipts })).toMatchObject({
      verified: true,
      deleted: 100_001,
    })
  })

  test('that is being written is waited for', async () => {
    const { written } = small()
    const { text } = written
    const file = written.file(text.slice(0, -100))
    const verifying = verifyLedger(file)
    setTimeout(() => appendFileSync(file, text.slice(-100)), 50)
    expect(await verifying).toMatchObject({ verified: true, head: written.head })
  })
})

describe('what was done to a ledger is found:', () => {
  const { written, lines, publicKey, receipts } = small()
  const { head } = written
  const places = written.lines.map((_, i) => i)
  const check = (text: string | Uint8Array, options = {}) => verifyLedger(written.file(text), options)

  test('any byte changed, but of the last line only with its receipt, its signature or the head', async () => {
    const bytes = Buffer.from(written.text)
    const last = bytes.length - 1 - Buffer.byteLength(written.lines.at(-1) as string)
    const file = written.file()
    for (let at = 0; at < bytes.length; at++) {
      bytes[at] ^= 1 << (at % 8)
      writeFileSync(file, bytes)
      const report = await verifyLedger(file, at < last ? {} : { head })
      if (report.verified) throw new Error(`not found at ${at}`)
      const line = bytes.subarray(0, at).filter((byte) => byte === 10).length + 1
      const near = report.problems.some((problem) => Math.abs(problem.line - line) <= 1)
      if (!near) throw new Error(`at ${at} in line ${line}, found ${problemsOf(report)}`)
      bytes[at] ^= 1 << (at % 8)
    }
  })

  test('any byte of a last entry, by its receipt', async () => {
    const other = new Written()
    const receipt = receiptOf(other.erase('batchDelete', [part('docs', ['a'])]), other.store)
    const bytes = Buffer.from(other.text)
    const file = other.file()
    for (let at = bytes.lastIndexOf(10, -2) + 1; at < bytes.length; at++) {
      bytes[at] ^= 1
      writeFileSync(file, bytes)
      if ((await verifyLedger(file, { receipts: [receipt] })).verified) throw new Error(`not found at ${at}`)
      bytes[at] ^= 1
    }
  })

  test.each(places.slice(0, -1))('line %i removed', async (at) => {
    const report = await check(withLines(written.lines.toSpliced(at, 1)))
    expect(report.verified).toBe(false)
    expect(report.problems[0].line).toBe(at + 1)
  })

  test.each(places.slice(0, -1))('line %i swapped with the next', async (at) => {
    const swapped = written.lines.toSpliced(at, 2, written.lines[at + 1], written.lines[at])
    expect((await check(withLines(swapped))).problems[0].line).toBe(at + 1)
  })

  test.each(places)('line %i repeated', async (at) => {
    const report = await check(withLines(written.lines.toSpliced(at, 0, written.lines[at])))
    expect(report.problems[0].line).toBe(at + 2)
  })

  test.each(places)('a line of another ledger before line %i', async (at) => {
    const [other] = small().written.lines.slice(Math.max(1, at))
    expect((await check(withLines(written.lines.toSpliced(at, 0, other)))).verified).toBe(false)
  })

  test.each(places)('a cut before line %i, by the head or a receipt, and not without', async (at) => {
    const text = withLines(written.lines.slice(0, at))
    expect((await check(text)).verified).toBe(at > 0)
    const [byHead, byReceipt] = [await check(text, { head }), await check(text, { receipts })]
    expect(problemsOf(byHead).at(-1)).toMatch(
      new RegExp(
        `^${written.lines.length}: the head that was given, entry ${head.entry}, is not in the ledger`,
      ),
    )
    const gone = lines.filter((line) => JSON.parse(line).entry >= at)
    expect(byReceipt.problems.filter(({ problem }) => problem.startsWith('receipts['))).toHaveLength(
      gone.length,
    )
  })

  test.each(places)('a cut in the middle of line %i', async (at) => {
    const line = written.lines[at]
    const text = withLines(written.lines.slice(0, at)) + line.slice(0, line.length / 2)
    expect(problemsOf(await check(text))).toStrictEqual([
      `${at + 1}: the last line is not complete: the process was ended while it wrote it, or it was cut`,
    ])
  })

  test('a head that is not of it', async () => {
    const wrong = { ...head, hash: head.hash.replace(/./, (digit) => (digit === '0' ? '1' : '0')) }
    expect((await check(written.text, { head: wrong })).verified).toBe(false)
    expect((await check(written.text, { head: { ...head, entry: head.entry - 1 } })).verified).toBe(false)
  })

  test('a signature by another key', async () => {
    const report = await check(written.text, { publicKey: signer().publicKey })
    expect(problemsOf(report)).toStrictEqual([
      '4: its signature is not one of entry 2 by the key that was given',
      `${written.lines.length}: its signature is not one of entry ${head.entry - 1} by the key that was given`,
    ])
  })

  test('a signature of another entry, in a chain that is right', async () => {
    const forged = new Written()
    const { publicKey, sign } = signer()
    const [a, b] = ['a', 'b'].map((id) => forged.erase('deleteVector', [part('docs', [id])]))
    forged.sign(b, sign(Buffer.from(a)))
    expect((await verifyLedger(forged.file(), { publicKey })).verified).toBe(false)
    expect((await verifyLedger(forged.file())).verified).toBe(true)
  })

  test('all of it written anew, by its signatures, a receipt or a head', async () => {
    const anew = small().written.file()
    expect((await verifyLedger(anew)).verified).toBe(true)
    for (const options of [{ publicKey }, { receipts }, { head }])
      expect((await verifyLedger(anew, options)).verified).toBe(false)
  })

  test.each<[string, (written: Written) => unknown, RegExp]>([
    [
      'an erasure that did not begin',
      (one) => one.entry('erased', { ...one.begin('batchDelete', [part('docs', ['b'])]).end, begin: 1 }),
      /ends the erasure that began with entry 1, which is not one that is unfinished/,
    ],
    [
      'one that ends twice',
      (one) => {
        const begun = one.begin('batchDelete', [part('docs', ['b'])])
        one.end(begun)
        one.end(begun)
      },
      /which is not one that is unfinished/,
    ],
    [
      'one that is undone after it has happened',
      (one) => {
        const begun = one.begin('batchDelete', [part('docs', ['b'])])
        one.end(begun)
        one.undo(begun)
      },
      /which is not one that is unfinished/,
    ],
    [
      'one that ends otherwise than it began',
      (one) => {
        const begun = one.begin('batchDelete', [part('docs', ['b'])])
        one.end({ ...begun, end: { ...begun.end, call: 'forget' } })
      },
      /differs from entry 3, with which this erasure began/,
    ],
    [
      'a signature of nothing',
      (one) => one.sign('{"entry":1}', Buffer.of(1)),
      /signs entry 1, which is no erasure before it/,
    ],
    [
      'one that is empty',
      (one) => one.sign('{"entry":2}', Buffer.of()),
      /its member signature is not what it must be/,
    ],
    ['a kind that is unknown', (one) => one.entry('changed', {}), /is not an entry of a kind that is known/],
    [
      'a member that is unknown',
      (one) => one.entry('undone', { begin: 1, more: 1 }),
      /its member more is unknown/,
    ],
    ['a member that is missing', (one) => one.entry('undone', {}), /its member begin is missing/],
    [
      'members in another order',
      (one) => one.entry('renamed', { to: 'a', collection: 'b', id: '1'.repeat(32) }),
      /another place/,
    ],
    [
      'fewer ids than were deleted',
      (one) => one.entry('begin', { ...badly({ ids: '' }) }),
      /not as many ids/,
    ],
    [
      'ids in another order',
      (one) => one.entry('begin', badly({ ids: 'ba'.repeat(16) + 'ab'.repeat(16) })),
      /not sorted/,
    ],
    [
      'a sum that is wrong',
      (one) => one.entry('begin', { ...badly({}), deleted: 3 }),
      /it deleted 3 vectors, but 2 in its collections/,
    ],
    [
      'blanks',
      (one) => one.lines.push(JSON.stringify({ entry: 3 }, null, 1).replaceAll('\n', ' ')),
      /not as a ledger is written/,
    ],
    ['a member twice', (one) => one.lines.push('{"entry":3,"entry":3}'), /not as a ledger is written/],
    ['a list', (one) => one.lines.push('[]'), /is not a JSON object/],
    ['no JSON', (one) => one.lines.push('{'), /is not JSON/],
    ['an empty line', (one) => one.lines.push(''), /is not JSON/],
    [
      'unfinished erasures that are not named',
      (one) => {
        one.begin('batchDelete', [part('docs', ['b'])])
        Reflect.apply(one.entry, Object.assign(new Written(), { lines: one.lines, at: one.at }), [
          'renamed',
          renaming,
        ])
      },
      /does not name the erasures that are unfinished/,
    ],
  ])('%s', async (_, write, problem) => {
    const one = new Written()
    one.erase('batchDelete', [part('docs', ['a'])])
    write(one)
    const report = await verifyLedger(one.file())
    expect(report.verified).toBe(false)
    expect(problemsOf(report).join('\n')).toMatch(problem)
  })
  const renaming = { collection: 'a', to: 'b', id: '1'.repeat(32) }
  const badly = (own: object) => ({
    call: 'batchDelete',
    collections: [
      {
        collection: 'docs',
        id: '1'.repeat(32),
        sequence: 1,
        deleted: 2,
        numbers: '0-1',
        ids: '0'.repeat(32) + '1'.repeat(32),
        ...own,
      },
    ],
    deleted: 2,
    bytes: 1,
    digest: '0'.repeat(64),
  })

  test.each([
    ['nothing', '', '1: the file is empty'],
    [
      'another version',
      written.lines[0].replace('"version":1', '"version":2'),
      '1: is of version 2, where 1 is the one that is known',
    ],
    [
      'another file',
      '{"a":1}',
      '1: is not the first line of a ledger: its member ledger is missing, or in another place',
    ],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), '1: is not UTF-8'],
  ])('%s in the place of the first line', async (_, line, problem) => {
    const text = line.length > 0 ? Buffer.concat([Buffer.from(line), Buffer.from('\n')]) : line
    expect(problemsOf(await check(text))).toStrictEqual([problem])
  })

  test('a file of something else altogether has at most 100 problems', async () => {
    const report = await check('something else\n'.repeat(1000))
    expect(report).toMatchObject({ verified: false, store: null, firstAt: null, entries: 999 })
    expect(report.problems).toHaveLength(100)
  })
})

describe('a receipt', () => {
  const { written, publicKey, receipts } = small()
  const [first, , forgotten, all] = receipts
  let ledger: string
  beforeEach(() => {
    ledger = written.file()
  })
  const signature = JSON.parse(written.lines[3]).signature
  const signed = { ...first, signature }

  test('is what its entry says, is signed, and is in the ledger', async () => {
    const fine = { verified: true, problems: [] }
    for (const receipt of receipts) expect(await verifyReceipt(receipt, { ledger })).toStrictEqual(fine)
    expect(await verifyReceipt(signed, { publicKey, ledger })).toStrictEqual(fine)
    // What is not in the entry may be left out where it is filed, and text is for people.
    expect(await verifyReceipt({ entry: first.entry })).toStrictEqual(fine)
    expect(await verifyReceipt({ ...signed, text: 'whatever', requested: 7 })).toStrictEqual(fine)
  })

  test.each<[string, object]>([
    ['call', { ...first, call: 'deleteByFilter' }],
    ['reason', { ...first, reason: 'another' }],
    ['reason', { ...all, reason: 'one that was not given' }],
    ['collection', { ...first, collection: 'other' }],
    ['deleted', { ...first, deleted: 3 }],
    ['bytesErased', { ...first, bytesErased: 0 }],
    ['logSequence', { ...first, logSequence: 2 }],
    ['digest', { ...first, digest: '0'.repeat(64) }],
    ['deleted', { ...forgotten, deleted: 4 }],
    ['collections', { ...forgotten, collections: [] }],
  ])('that says another %s than its entry does not hold', async (name, receipt) => {
    const problems = [`its ${name} is not what its entry says`]
    expect(await verifyReceipt(receipt)).toStrictEqual({ verified: false, problems })
    expect(problemsOf(await verifyLedger(ledger, { receipts: [receipt] }))).toStrictEqual([
      expect.stringMatching(new RegExp(`^\\d+: receipts\\[0\\]: ${problems[0]}$`)),
    ])
  })

  test('of a replace is also of the former versions of what it updated', async () => {
    const other = new Written()
    const receipt = receiptOf(other.erase('replace', [part('docs', ['a'])]), other.store)
    expect(await verifyReceipt({ ...receipt, deleted: 5 })).toMatchObject({ verified: true })
  })

  test.each<[string, string | undefined, string]>([
    ['none', undefined, 'has no entry: there was no ledger, or nothing was erased'],
    ['no JSON', 'a', 'its entry is not JSON'],
    ['another kind', written.lines[1], 'its entry is not that of an erasure'],
    ['one with a line feed', `${first.entry}\n`, 'its entry is JSON, but not as a ledger is written'],
  ])('whose entry is %s does not hold', async (_, entry, problem) => {
    const receipt = { ...first, entry }
    expect(await verifyReceipt(receipt, { ledger })).toStrictEqual({ verified: false, problems: [problem] })
    expect(problemsOf(await verifyLedger(ledger, { receipts: [receipt] }))).toStrictEqual([
      `0: receipts[0]: ${problem}`,
    ])
  })

  test('whose signature is missing, of another entry, or by another key does not hold', async () => {
    const wrong = 'its signature is not one of its entry by this key'
    for (const [receipt, by, problem] of [
      [first, publicKey, 'has no signature'],
      [{ ...forgotten, signature }, publicKey, wrong],
      [{ ...first, signature: 'AAAA' }, publicKey, wrong],
      [{ ...first, signature: '' }, publicKey, wrong],
      [signed, signer().publicKey, wrong],
    ] as [object, KeyObject, string][]) {
      expect(await verifyReceipt(receipt, { publicKey: by })).toStrictEqual({
        verified: false,
        problems: [problem],
      })
    }
    expect(
      problemsOf(await verifyLedger(ledger, { publicKey, receipts: [signed, forgotten] })),
    ).toStrictEqual([])
    const forged = { ...first, signature: 'AAAA' }
    expect(problemsOf(await verifyLedger(ledger, { publicKey, receipts: [forged] }))).toStrictEqual([
      `3: receipts[0]: ${wrong}`,
    ])
  })

  test('whose entry is not in the ledger, or of another store, does not hold', async () => {
    const other = small()
    const gone = await verifyReceipt(other.receipts[0], { ledger })
    expect(gone.problems).toStrictEqual([
      'the ledger, line 3: the receipt: its entry 2 is not in the ledger: it was cut, or written anew',
      `the ledger, line 3: the receipt: is of the store ${other.written.store}`,
    ])
    const moved = await verifyReceipt({ ...first, store: other.written.store }, { ledger })
    expect(moved.problems).toHaveLength(1)
  })

  test('in a ledger that is not as it was written does not hold', async () => {
    const cut = written.file(withLines(written.lines.toSpliced(4, 1)))
    const { verified, problems } = await verifyReceipt(first, { ledger: cut })
    expect(verified).toBe(false)
    expect(problems[0]).toMatch(/^the ledger, line 5: is entry 5, where entry 4 belongs/)
  })
})

describe('a public key', () => {
  const { written, publicKey } = small()
  const file = () => written.file()
  const pem = publicKey.export({ format: 'pem', type: 'spki' })
  const der = publicKey.export({ format: 'der', type: 'spki' })

  test.each<[string, unknown]>([
    ['a KeyObject', publicKey],
    ['PEM text', pem],
    ['the bytes of PEM text', Buffer.from(pem)],
    ['DER bytes', der],
    ['DER bytes in a Uint8Array', new Uint8Array(der)],
    ['one of several', [signer().publicKey, pem]],
  ])('may be %s', async (_, key) => {
    expect(await verifyLedger(file(), { publicKey: untyped(key) })).toMatchObject({
      verified: true,
      signatures: 2,
    })
  })

  test.each([
    ['ec', { namedCurve: 'P-256' }],
    ['rsa', { modulusLength: 2048 }],
  ])('may be of the kind %s', async (kind, options) => {
    const pair = generateKeyPairSync(kind as 'rsa', options as never)
    const other = new Written()
    const line = other.erase('deleteVector', [part('docs', ['a'])])
    other.sign(line, sign('sha256', Buffer.from(line), pair.privateKey))
    expect(await verifyLedger(other.file(), { publicKey: pair.publicKey })).toMatchObject({ verified: true })
    expect(await verifyLedger(other.file(), { publicKey })).toMatchObject({ verified: false })
  })

  test.each<[string, unknown, RegExp]>([
    ['text', 'no key', /^options\.publicKey: is no public key: /],
    ['bytes', Buffer.of(1, 2), /^options\.publicKey: is no public key: /],
    ['a number', 5, /^options\.publicKey: expected PEM text, DER bytes or a KeyObject, got 5$/],
    ['null', null, /^options\.publicKey: expected PEM text/],
    ['an empty list', [], /^options\.publicKey: is empty$/],
    ['a list with none', [pem, 'no key'], /^options\.publicKey\[1\]: is no public key: /],
  ])('that is %s is refused', async (_, key, message) => {
    const calls = [
      verifyLedger(file(), { publicKey: untyped(key) }),
      verifyReceipt({}, { publicKey: untyped(key) }),
    ]
    for (const call of calls) {
      const error = await rejection(call)
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toMatch(message)
    }
  })

  test('may be given as its private key, which has it', async () => {
    const pair = generateKeyPairSync('ed25519')
    const other = new Written()
    const line = other.erase('deleteVector', [part('docs', ['a'])])
    other.sign(line, sign(null, Buffer.from(line), pair.privateKey))
    expect(await verifyLedger(other.file(), { publicKey: pair.privateKey })).toMatchObject({ verified: true })
    expect(createPublicKey(pair.privateKey).equals(pair.publicKey)).toBe(true)
  })
})

describe('what cannot be verified is refused:', () => {
  const { written, receipts } = small()
  const file = 'LEDGER'
  const hash = '0'.repeat(64)

  test.each<[string, unknown[], string]>([
    ['no file', [], 'file: expected a string, got undefined'],
    ['an empty file', [''], 'file: is empty'],
    ['a number', [5], 'file: expected a string, got 5'],
    ['options that are none', [file, 5], 'options: expected a plain object, got 5'],
    [
      'an option that is unknown',
      [file, { key: 1 }],
      'options.key: unknown; use publicKey, receipts, head, signal',
    ],
    [
      'a receipt that is no list',
      [file, { receipts: receipts[0] }],
      'options.receipts: expected an array, got object',
    ],
    ['no receipt', [file, { receipts: ['a'] }], 'options.receipts[0]: expected a receipt, got string'],
    [
      'an entry that is no text',
      [file, { receipts: [{ entry: 1 }] }],
      'options.receipts[0].entry: expected a string, got 1',
    ],
    ['a head that is none', [file, { head: 'a' }], 'options.head: expected a plain object, got string'],
    [
      'a head without an entry',
      [file, { head: { hash } }],
      'options.head.entry: expected a whole number from 0, got undefined',
    ],
    [
      'a head without a hash',
      [file, { head: { entry: 1 } }],
      'options.head.hash: expected a string, got undefined',
    ],
    [
      'another hash',
      [file, { head: { entry: 1, hash: 'A' } }],
      'options.head.hash: is not SHA-256 in lower-case hexadecimal',
    ],
    ['no signal', [file, { signal: 1 }], 'options.signal: expected an AbortSignal, got 1'],
  ])('%s', async (_, args, message) => {
    const error = await rejection((verifyLedger as (...args: unknown[]) => Promise<unknown>)(...args))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toBe(message)
  })

  test.each<[string, unknown[], string]>([
    ['no receipt', [], 'receipt: expected a receipt, got undefined'],
    ['text', ['a'], 'receipt: expected a receipt, got string'],
    ['an option that is unknown', [{}, { key: 1 }], 'options.key: unknown; use publicKey, ledger, signal'],
    ['an empty ledger', [{}, { ledger: '' }], 'options.ledger: is empty'],
    ['a signature that is no text', [{ signature: 1 }], 'receipt.signature: expected a string, got 1'],
  ])('of a receipt, %s', async (_, args, message) => {
    const error = await rejection((verifyReceipt as (...args: unknown[]) => Promise<unknown>)(...args))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toBe(message)
  })

  test('what is not there, and what is no file', async () => {
    const file = written.file()
    const path = directory()
    const gone = join(path, 'gone')
    const within = join(path, 'LEDGER')
    const refused: [string, string][] = [
      [gone, `there is no ledger at ${gone}`],
      [join(file, 'x'), `there is no ledger at ${join(file, 'x')}`],
      [path, `the store in ${path} has no ledger`],
    ]
    const check = async ([file, message]: [string, string]) => {
      for (const call of [verifyLedger(file), verifyReceipt(receipts[0], { ledger: file })]) {
        const error = await rejection(call)
        expect(error).toBeInstanceOf(StorageError)
        expect(error.message).toBe(message)
      }
    }
    for (const one of refused) await check(one)
    mkdirSync(within)
    await check([path, `${within} is not a file`])
    rmSync(within, { recursive: true })
  })

  test('a signal stops it, with its reason', async () => {
    const file = written.file()
    const reason = new Error('enough')
    const calls = (signal: AbortSignal) => [
      verifyLedger(file, { signal }),
      verifyReceipt(receipts[0], { ledger: file, signal }),
      verifyReceipt(receipts[0], { signal }),
    ]
    for (const call of calls(AbortSignal.abort(reason))) await expect(call).rejects.toBe(reason)
    const controller = new AbortController()
    const [first, second] = calls(controller.signal)
    controller.abort(reason)
    await expect(first).rejects.toBe(reason)
    await expect(second).rejects.toBe(reason)
    const { signal } = new AbortController()
    expect(await verifyLedger(file, { signal })).toMatchObject({ verified: true })
  })
})
