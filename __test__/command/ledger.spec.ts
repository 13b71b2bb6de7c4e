// The commands for those who have a ledger or a receipt, and perhaps no store.
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { printed, refused, run } from '../support/command'
import { directory } from '../support/disk'
import { part, receiptOf, signer, small, Written } from '../support/ledger'

/** A new file that holds this. */
function holding(content: unknown) {
  const file = join(directory(), 'file')
  writeFileSync(
    file,
    typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content),
  )
  return file
}

/** What a command prints that exits with 1. */
async function wrong(args: string[]) {
  const { stdout, ...rest } = await run(args)
  expect(rest).toStrictEqual({ code: 1, stderr: '' })
  return stdout
}

const pem = (key: ReturnType<typeof signer>['publicKey']) =>
  key.export({ format: 'pem', type: 'spki' }) as string
const withLines = (lines: string[]) => lines.map((line) => `${line}\n`).join('')

describe('ledger', () => {
  test('prints what is in it, and that no problems were found', async () => {
    const { written, publicKey, receipts } = small()
    const file = written.file()
    const { entry, hash } = written.head
    const lines = (signed: string) => [
      `store      ${written.store}`,
      `entries    ${entry}, from 2026-12-01T00:00:00.000Z to ${new Date(written.at - 1).toISOString()}`,
      'erasures   4, of 7 vectors',
      'undone     1',
      `signed     up to entry ${entry - 1}: 2 signatures${signed}`,
      `head       ${entry}:${hash}`,
      'no problems found',
      '',
    ]
    expect(await printed(['ledger', file])).toBe(lines(', not verified without --public-key').join('\n'))
    expect(await printed(['ledger', join(file, '..')])).toBe(await printed(['ledger', file]))
    const der = publicKey.export({ format: 'der', type: 'spki' })
    for (const key of [pem(publicKey), der]) {
      const more = receipts.flatMap((receipt) => ['--receipt', holding(receipt)])
      const args = ['--public-key', holding(key), '--head', `${entry}:${hash}`, ...more]
      expect(await printed(['ledger', file, ...args])).toBe(lines('').join('\n'))
    }
  })

  test('prints little of one that is new, or has none of these', async () => {
    const written = new Written()
    expect(await printed(['ledger', written.file()])).toBe(
      `store      ${written.store}\nentries    0\nerasures   0, of 0 vectors\nsigned     no\n` +
        `head       0:${written.head.hash}\nno problems found\n`,
    )
    written.begin('forget', [part('docs', ['a'])])
    expect(await printed(['ledger', written.file()])).toContain(
      '\nunfinished 1: the next opening of the store tells\n',
    )
  })

  test('exits with 1 where something is wrong, with a line for each problem', async () => {
    const { written, publicKey, receipts } = small()
    const cut = written.file(withLines(written.lines.slice(0, 3)))
    const { entry, hash } = written.head
    const [first, gone] = [holding(receipts[0]), holding({ applied: true, receipt: receipts[2] })]
    const args = ['--head', `${entry}:${hash}`, '--receipt', first, '--receipt', gone]
    const stdout = await wrong(['ledger', cut, ...args])
    const number = JSON.parse(receipts[2].entry).entry
    expect(stdout.split('\n').slice(-3)).toStrictEqual([
      `line ${number + 1}: ${gone}: its entry ${number} is not in the ledger: it was cut, or written anew`,
      `line ${entry + 1}: the head that was given, entry ${entry}, is not in the ledger: it was cut, or written anew`,
      '',
    ])
    const other = holding(pem(signer().publicKey))
    const signed = await wrong(['ledger', written.file(), '--public-key', other])
    expect(signed).toContain('\nline 4: its signature is not one of entry 2 by the key that was given\n')
    expect(signed).not.toContain('no problems found')
    // One of several keys is enough.
    await printed(['ledger', written.file(), '--public-key', other, '--public-key', holding(pem(publicKey))])
  })

  test('prints JSON', async () => {
    const { written } = small()
    const report = JSON.parse(await printed(['ledger', written.file(), '--json']))
    expect(report).toMatchObject({ verified: true, problems: [], head: written.head, erasures: 4 })
    const bad = JSON.parse(await wrong(['ledger', holding('{}\n'), '--json']))
    expect(bad).toMatchObject({ verified: false, store: null, problems: [{ line: 1 }] })
  })

  test('prints nothing that a terminal would interpret', async () => {
    const { written } = small()
    const lines = written.lines.with(3, '{"entry":3,"\\u001b[31m":1}')
    const file = written.file(withLines(lines))
    expect(await wrong(['ledger', file])).not.toContain('\u001b')
    const entry = small().receipts[0].entry
    const given = holding({ entry, store: '\u001b[31m' })
    const stdout = await wrong(['ledger', written.file(), '--receipt', given])
    expect(stdout).toContain('is of the store \\u001b[31m')
  })

  test('of what is not there, or cannot be read, says so', async () => {
    const path = directory()
    expect(await refused(1, ['ledger', path])).toBe(`the store in ${path} has no ledger`)
    const gone = join(path, 'gone')
    expect(await refused(1, ['ledger', gone])).toBe(`there is no ledger at ${gone}`)
    const { written } = small()
    const file = written.file()
    expect(await refused(1, ['ledger', file, '--receipt', gone])).toMatch(
      /^--receipt: .*gone cannot be read: /,
    )
    expect(await refused(1, ['ledger', file, '--receipt', path])).toContain('it is not a file')
    expect(await refused(1, ['ledger', file, '--receipt', holding('{')])).toMatch(/ is not JSON$/)
    for (const content of ['{}', '[]', 'null', '{"receipt":5}', '{"receipt":{}}'])
      expect(await refused(1, ['ledger', file, '--receipt', holding(content)])).toContain(
        ' is neither a receipt nor a report with one',
      )
    expect(await refused(2, ['ledger', file, '--public-key', holding('no key')])).toMatch(
      /^--public-key\[0\]: is no public key: .*\nTry 'vectorizer-native ledger --help'\.$/s,
    )
  })
})

describe('receipt', () => {
  const text = 'Receipt of an erasure\n\n2 vectors were deleted from docs.\n'
  const indented = '  Receipt of an erasure\n\n  2 vectors were deleted from docs.\n'

  test('prints its text, and what of it is verified', async () => {
    const { written, publicKey, receipts } = small()
    const signature = JSON.parse(written.lines[3]).signature
    const receipt = holding({ deleted: 2, receipt: { ...receipts[0], text, signature } })
    const file = written.file()
    const { at } = JSON.parse(receipts[0].entry)
    const said = [
      '  Receipt of an erasure',
      '',
      '  2 vectors were deleted from docs.',
      '',
      `verified: the receipt is what entry 2 says: batchDelete, 2 deleted, at ${at}`,
      'not verified: the text above, which is for people',
      'not verified: a signature, without --public-key',
      'not verified: that the entry is in a ledger, without --ledger',
      '',
    ]
    expect(await printed(['receipt', receipt])).toBe(said.join('\n'))
    const args = ['--ledger', file, '--public-key', holding(pem(publicKey))]
    expect(await printed(['receipt', receipt, ...args])).toBe(
      [
        ...said.slice(0, 6),
        'verified: the entry is signed by this key',
        `verified: the entry is in ${file}, in which no problems were found`,
        '',
      ].join('\n'),
    )
  })

  test('that has been filed without its text is printed as it is', async () => {
    const { receipts } = small()
    const stdout = await printed(['receipt', holding({ entry: receipts[0].entry })])
    const shown = JSON.stringify({ entry: receipts[0].entry }, null, 2).replaceAll('\\', '\\\\')
    expect(stdout.startsWith(`  ${shown.replaceAll('\n', '\n  ')}\n`)).toBe(true)
  })

  test('exits with 1 where something does not hold, and prints it all the same', async () => {
    const { written, receipts } = small()
    const { publicKey } = generateKeyPairSync('ed25519')
    const receipt = holding({ ...receipts[0], deleted: 500, text })
    const args = ['--ledger', new Written().file(), '--public-key', holding(pem(publicKey))]
    expect(await wrong(['receipt', receipt, ...args])).toBe(
      [
        indented,
        'wrong: its deleted is not what its entry says',
        'wrong: has no signature',
        'wrong: the ledger, line 3: the receipt: its entry 2 is not in the ledger: it was cut, or written anew',
        `wrong: the ledger, line 3: the receipt: is of the store ${written.store}`,
        '',
      ].join('\n'),
    )
    const none = holding({ digest: 'a', text })
    expect(await wrong(['receipt', none])).toBe(
      `${indented}\nwrong: has no entry: there was no ledger, or nothing was erased\n`,
    )
  })

  test('prints nothing that a terminal would interpret', async () => {
    const written = new Written()
    const receipt = receiptOf(written.erase('deleteVector', [part('\u001b[31m', ['a'])]), written.store)
    const stdout = await printed(['receipt', holding({ ...receipt, text: 'from \u001b[31m\u202e' })])
    for (const one of ['\u001b', '\u202e']) expect(stdout).not.toContain(one)
    expect(stdout).toContain('from \\u001b[31m\\u202e\n')
  })

  test('of what is not there says so', async () => {
    const gone = join(directory(), 'gone')
    expect(await refused(1, ['receipt', gone])).toMatch(/^FILE: .*gone cannot be read: /)
    const receipt = holding(small().receipts[0])
    expect(await refused(1, ['receipt', receipt, '--ledger', gone])).toBe(`there is no ledger at ${gone}`)
  })
})
