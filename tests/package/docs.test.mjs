// Checks that all code in the documentation runs and does what it says, and that its links are
// valid. pages.mjs says what is run of a page, and how.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { describe, test } from 'node:test'
import { brokenLinks, faultsOf, readPage, stepsOf } from './pages.mjs'
import { here, temporaryFolder } from './support.mjs'

const root = join(here, '..', '..')
const fixtures = join(here, 'fixtures', 'docs')
const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
const pages = [join(root, 'README.md'), ...docs.map((name) => join(root, 'docs', name))]
/** Pages of facts and figures, and the index. */
const WITHOUT_PROGRAMS = ['docs/README.md', 'docs/durability.md', 'docs/performance.md']

const nameOf = (path) => relative(root, path).replaceAll('\\', '/')

describe('the pages', { concurrency: 2 }, () => {
  for (const path of pages) {
    const name = nameOf(path)
    describe(name, { concurrency: 1 }, () => {
      const page = readPage(path)
      const steps = stepsOf(page, temporaryFolder(basename(path, '.md')))

      test('its form is right', () => {
        assert.deepEqual(faultsOf(page), [])
      })

      test('it has code that is run, or needs none', () => {
        assert.ok(steps.length > 0 || WITHOUT_PROGRAMS.includes(name))
      })

      for (const { title, run } of steps) test(title, run)
    })
  }
})

test('the index of the documentation has every page', () => {
  const index = readPage(join(root, 'docs', 'README.md'))
  const linked = index.prose.flatMap(({ text }) => Array.from(text.matchAll(/\]\(([\w-]+\.md)\)/g)))
  const others = docs.filter((name) => name !== 'README.md')
  assert.deepEqual(linked.map(([, name]) => name).sort(), others.sort())
})

for (const name of ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md']) {
  test(`the links of ${name} lead somewhere`, () => {
    assert.deepEqual(brokenLinks(readPage(join(root, name))), [])
  })
}

describe('what runs the pages', { concurrency: 2 }, () => {
  const pageOf = (name) => readPage(join(fixtures, `${name}.md`))

  /** The titles of the steps of a page that fail, each with its error. */
  async function failures(name) {
    const failed = []
    for (const { title, run } of stepsOf(pageOf(name), temporaryFolder(name))) {
      await run().catch(({ message }) => failed.push([title, message]))
    }
    return failed
  }

  test('a page that is right passes, in every language', async () => {
    const steps = stepsOf(pageOf('right'), temporaryFolder('right'))
    assert.deepEqual(
      steps.map(({ title }) => title),
      [
        'line 5: the types are sound',
        'line 5: the program prints what it says',
        'line 16: the types are sound',
        'line 23: the types are sound',
        'line 37: the requests succeed',
        'line 39: node src/count.mjs 3 "a b"',
        'line 42: node src/count.mjs 2',
        'line 46: npx esbuild lists.ts --outfile=dist/lists.js',
        'line 52: the types are sound',
        'line 61: the types are sound',
        'line 70: the types are sound',
        'line 70: the program prints what it says',
        'line 79: the types are sound',
        'line 89: node check.cjs',
        'line 61: the specs pass',
      ],
    )
    assert.deepEqual(faultsOf(pageOf('right')), [])
    for (const { run } of steps) await run()
  })

  test('a page with a Jest configuration of its own is run with it', async () => {
    assert.deepEqual(faultsOf(pageOf('own-jest')), [])
    assert.deepEqual(await failures('own-jest'), [])
  })

  test('a page whose code does not do what it says fails, at each line', async () => {
    const failed = await failures('wrong')
    assert.deepEqual(
      failed.map(([title]) => title),
      [
        'line 5: the program prints what it says',
        'line 14: the program prints what it says',
        'line 20: the types are sound',
        'line 20: the program prints what it says',
        'line 26: the types are sound',
        'line 31: the types are sound',
        'line 48: node fails.mjs',
        'line 49: node speaks.mjs',
        'line 52: the types are sound',
        'line 67: the requests succeed',
        'line 57: the specs pass',
      ],
    )
    const parts = [
      ...['41', 'one too many', 'line 21: TS2304', 'ReferenceError', 'line 27: TS2322', 'line 34: TS2532'],
      ...['on purpose', 'aloud', 'line 54: TS2322', 'VECTOR_NOT_FOUND', '"one"'],
    ]
    for (const [i, [, message]] of failed.entries()) assert.ok(message.includes(parts[i]), message)
    assert.match(failed[9][1], /^curl -X DELETE .*: 404 /)
    assert.match(failed[10][1], /Received: +"one"/)
  })

  test('a page that cannot be run, or leads nowhere, is of a wrong form', () => {
    assert.deepEqual(faultsOf(pageOf('form')), [
      '45: the block has no end',
      '3: a block must begin with ``` and one of js, ts, sh, json, text, python',
      '7: a block must begin with ``` and one of js, ts, sh, json, text, python',
      '11: is no JSON',
      '15: a program must print something',
      '19: a program must print something',
      '23: nothing uses unused.mjs',
      '30: not run: it names no file, and not what it prints',
      '31: needs a shell',
      '39: code without a fence',
      '41: missing.md leads nowhere',
      '43: right.md#nowhere leads nowhere',
      '43: #not-here leads nowhere',
    ])
  })
})
