import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(__dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const blocks = [...readme.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language, code]) => ({
  language,
  code: code ?? '',
}))
const programs = blocks.filter(({ language }) => language === 'js')

test('the README has no code that is not run here', () => {
  expect(programs.length).toBeGreaterThan(4)
  expect(blocks.filter(({ language }) => language !== 'js' && language !== 'sh')).toEqual([])
})

test.each(programs.map(({ code }) => [code.split('\n').find((line) => line.includes('await')), code]))(
  'the README’s code prints what it says: %s',
  (_, code = '') => {
    const promised = [...code.matchAll(/^\s*console\.log\(.*\) \/\/ (.*)$/gm)].map(([, text]) => text)
    const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: root,
      encoding: 'utf8',
    })
    expect(promised.length).toBeGreaterThan(0)
    expect(printed.trimEnd().split('\n')).toEqual(promised)
  },
)
