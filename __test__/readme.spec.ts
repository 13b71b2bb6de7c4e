import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(__dirname, '..')
const blocksOf = (file: string) =>
  [...readFileSync(join(root, file), 'utf8').matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(
    ([, language, code]) => ({ language, code: code ?? '' }),
  )
const blocks = blocksOf('README.md')
const programs = [...blocks, ...blocksOf('docs/http.md')].filter(({ language }) => language === 'js')

test('the README has no code that is not run here', () => {
  expect(programs.length).toBeGreaterThan(4)
  expect(blocks.filter(({ language }) => language !== 'js' && language !== 'sh')).toEqual([])
})

test.each(programs.map(({ code }) => [code.split('\n').find((line) => line.includes('await')), code]))(
  'the documentation’s code prints what it says: %s',
  (_, code = '') => {
    const promised = [...code.matchAll(/^\s*console\.log\(.*\) \/\/ (.*)$/gm)].map(([, text]) => text)
    // As in a project that has installed the package.
    const project = mkdtempSync(join(tmpdir(), 'readme-'))
    mkdirSync(join(project, 'node_modules'))
    symlinkSync(root, join(project, 'node_modules', 'vectorizer-native'), 'junction')
    const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: project,
      encoding: 'utf8',
    })
    rmSync(project, { recursive: true })
    expect(promised.length).toBeGreaterThan(0)
    expect(printed.trimEnd().split('\n')).toEqual(promised)
  },
)
