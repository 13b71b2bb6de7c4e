// Compiles and runs the code of a documentation page as its reader would: the page is a small
// project in a separate folder in which the installed package resolves.
//
// - All of its `js` and `ts` is compiled together as strict TypeScript, whether or not it contains
//   types. Only `.cjs` files and configurations, which tools read as JavaScript, are checked as
//   JavaScript.
// - A block whose first line is a comment with a file name is written to that file. Any other block
//   is a program: it is run, and must print exactly the comments that follow its `console.log`
//   calls.
// - To be run, a program in `ts` and an `.mts` file are stripped of their types: others import
//   `lists.mts` as `./lists.mjs`, and commands use that name. A `.ts` file is for tools that read
//   TypeScript, such as bundlers and Jest. If there are specs, Jest runs them, with the page's own
//   configuration if it has one, otherwise with ts-jest.
// - Of a `sh` block, the commands that begin with `node` or `npx` are run if they have a comment
//   `# prints …`, or name a file of the page, or a folder of such files as `folder/`. `# prints …`
//   is what the command prints to standard output, with further lines as comments below it. Every
//   other `node` or `npx` command must either start a server, which would not end, or be Jest or
//   tsc, which run as described above. Requests to that server with `curl` are sent to a new one in
//   memory, in the order of the page, and must succeed. Everything else, such as `npm`, is not run.
// - `json` is parsed; `text` and `python` are not checked. There are no other languages.
//
// Programs and commands run in the order of the page, after all files have been written. A page
// that names an ES module `.js` is a project with `"type": "module"`.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { VectorizerClient } from 'vectorizer-native'
import { bin, node } from './support.mjs'
import { TSCONFIG, typeErrors, withoutTypes } from './types.mjs'

const LANGUAGES = ['js', 'ts', 'sh', 'json', 'text', 'python']
const FENCE = /^\s*(?:```|~~~)/
const FILE_NAME = /^\/\/ ((?:[\w-]+\/)*[\w.-]+\.[cm]?[jt]s)$/
const SPEC = /\.(?:spec|test)\.[jt]s$/
const JEST_CONFIG = /^jest\.config\.[cm]?[jt]s$/
/** Files that tools read as JavaScript. */
const PLAIN = /\.cjs$|\.config\.\w+$/
/** Commands that are not run although they begin with `node` or `npx`. */
const LEFT_OUT = /^npx (?:vectorizer-native serve|jest|tsc)\b/
const SHELL_SYNTAX = /[|&;<>$`]/
/** The server that `npx vectorizer-native serve` starts. */
const SERVER = 'http://localhost:15002'
const JEST = `module.exports = {
  moduleNameMapper: { '^(\\\\.{1,2}/.*)\\\\.js$': '$1' },
  transform: { '\\\\.ts$': 'ts-jest' },
}
`

/** A page: its lines outside code, its code blocks, and the anchors of its headings. */
export function readPage(path) {
  const blocks = []
  const prose = []
  let block
  readFileSync(path, 'utf8')
    .split('\n')
    .forEach((text, index) => {
      const line = index + 1
      if (!FENCE.test(text)) (block?.lines ?? prose).push(block ? text : { line, text })
      else if (block) block = undefined
      else {
        block = { line, language: text.slice(3), fence: text.slice(0, 3), lines: [] }
        blocks.push(block)
      }
    })
  for (const one of blocks) {
    one.code = one.lines.map((text) => `${text}\n`).join('')
    if (!['js', 'ts'].includes(one.language)) continue
    one.file = FILE_NAME.exec(one.lines[0])?.[1]
    one.source = sourceOf(one)
    one.script = scriptOf(one)
  }
  return { path, prose, blocks, open: block !== undefined, anchors: anchorsOf(prose) }
}

/** What is compiled of a block: its code, under its TypeScript file name. */
function sourceOf({ line, code, file = `program-${line}.mts` }) {
  return { file: PLAIN.test(file) ? file : file.replace(/js$/, 'ts'), code }
}

/** What is run of a block; undefined if a tool has to read its TypeScript. */
function scriptOf({ line, language, code, file = `program-${line}.mts` }) {
  const script = file.replace(/\.mts$/, '.mjs')
  if (language === 'js') return { file: script, code }
  return script === file ? undefined : { file: script, code: withoutTypes(code, file) }
}

/** The anchors that GitHub gives to headings. */
function anchorsOf(prose) {
  const anchors = new Set()
  for (const { text } of prose) {
    const heading = /^#+ (.*)$/.exec(text)?.[1]
    if (heading === undefined) continue
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = words.replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-')
    let unique = anchor
    for (let i = 1; anchors.has(unique); i++) unique = `${anchor}-${i}`
    anchors.add(unique)
  }
  return anchors
}

const linesOf = (blocks) =>
  `${blocks.length > 1 ? 'lines' : 'line'} ${blocks.map(({ line }) => line).join(', ')}`
const typed = (page) => page.blocks.filter(({ source }) => source !== undefined)
const filesOf = (page) => typed(page).filter(({ file }) => file !== undefined)
const programsOf = (page) => typed(page).filter(({ file }) => file === undefined)

/** The commands of a block, joined if they extend over several lines. */
function commandsOf(block) {
  const commands = []
  let continues = false
  block.lines.forEach((text, index) => {
    const last = commands.at(-1)
    const printed = /^# (.*)$/.exec(text)?.[1]
    const begun = continues
    continues = text.endsWith('\\')
    if (begun) last.command += ` ${text.replace(/\\$/, '').trim()}`
    else if (printed !== undefined && last?.prints !== undefined) last.prints += `\n${printed}`
    else {
      const [, command, comment = ''] = /^(.*?)(?:\s+# (.*))?$/.exec(text.replace(/\\$/, '').trim())
      const prints = /^prints (.*)$/.exec(comment)?.[1]
      commands.push({ line: block.line + 1 + index, command, prints })
    }
  })
  return commands
}

const wordsOf = (command) =>
  Array.from(command.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [], (word) => word.replace(/["']/g, ''))

/** The commands of the page that are run, or should be. */
function runnable(page) {
  const files = filesOf(page).flatMap(({ file, script }) => [file, script?.file ?? file])
  const names = new Set(files.flatMap((file) => [file, `${dirname(file)}/`]))
  const commands = page.blocks.filter(({ language }) => language === 'sh').flatMap(commandsOf)
  return commands
    .filter(({ command }) => /^(?:node|npx) /.test(command))
    .map((one) => ({
      ...one,
      runs: one.prints !== undefined || wordsOf(one.command).some((word) => names.has(word)),
    }))
}

/** The page's requests to the server with `curl`. */
function requestsOf(page) {
  const commands = page.blocks.filter(({ language }) => language === 'sh').flatMap(commandsOf)
  return commands.filter(({ command }) => command.startsWith('curl ') && command.includes(SERVER))
}

/** What is wrong with the form of a page, found without running it: `line: what`. */
export function faultsOf(page) {
  const faults = []
  const fault = (line, what) => faults.push(`${line}: ${what}`)
  if (page.open) fault(page.blocks.at(-1).line, 'the block has no end')
  for (const block of page.blocks) {
    for (const what of faultsOfBlock(block, page)) fault(block.line, what)
  }
  for (const { line, command, prints, runs } of runnable(page)) {
    if (!runs && !LEFT_OUT.test(command)) fault(line, 'not run: it names no file, and not what it prints')
    if (runs && SHELL_SYNTAX.test(command)) fault(line, 'needs a shell')
    if (prints === '') fault(line, 'prints nothing')
  }
  page.prose.forEach(({ line, text }, i) => {
    const before = page.prose[i - 1]
    const apart = before === undefined || before.text.trim() === '' || before.line < line - 1
    if (/^(?: {4}|\t)/.test(text) && text.trim() !== '' && apart) fault(line, 'code without a fence')
  })
  return [...faults, ...brokenLinks(page)]
}

function faultsOfBlock({ fence, language, code, file, script, lines }, page) {
  if (fence !== '```' || !LANGUAGES.includes(language)) {
    return [`a block must begin with \`\`\` and one of ${LANGUAGES.join(', ')}`]
  }
  if (language === 'json') return isJson(code) ? [] : ['is no JSON']
  if (!script) return []
  if (!file) return promised(code).length > 0 ? [] : ['a program must print something']
  const stem = basename(file).replace(/\.\w+$/, '')
  const others = page.blocks.filter((block) => block.lines !== lines)
  const used = SPEC.test(file) || /\.config\.\w+$/.test(file) || others.some((b) => b.code.includes(stem))
  return used ? [] : [`nothing uses ${file}`]
}

function isJson(text) {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Links to files of the project that do not exist. */
export function brokenLinks(page) {
  const broken = []
  for (const { line, text } of page.prose) {
    for (const [, target] of text.replace(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
      if (!/^[a-z]+:/.test(target) && !leads(page, target)) broken.push(`${line}: ${target} leads nowhere`)
    }
  }
  return broken
}

function leads(page, target) {
  const [path, anchor] = target.split('#')
  const file = path === '' ? page.path : join(dirname(page.path), path)
  if (!existsSync(file)) return false
  return anchor === undefined || (file === page.path ? page : readPage(file)).anchors.has(anchor)
}

/** The output that a program promises in its comments. */
const promised = (code) =>
  Array.from(code.matchAll(/^\s*console\.log\(.*\) \/\/ (.*)$/gm), ([, text]) => text)

/**
 * Writes the files of a page to a folder, and returns the steps to run there, in this order: each
 * has a `title` that names the line, and a `run` that rejects if the page is wrong.
 */
export function stepsOf(page, folder) {
  const files = filesOf(page)
  for (const { file, code } of typed(page).flatMap(({ source, script }) => script ?? source)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), code)
  }
  const isModule = ({ file, code }) => file.endsWith('.js') && /^(?:import|export) /m.test(code)
  const type = files.some(isModule) ? 'module' : 'commonjs'
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type }))
  // For tools that read TypeScript.
  const left = files.filter(({ script }) => !script).map(({ file }) => file)
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ ...TSCONFIG, files: left }))
  let found
  const errors = () => (found ??= errorsOf(page, folder))
  const steps = [
    ...typed(page).map((block) => ({
      line: block.line,
      title: `line ${block.line}: the types are sound`,
      run: async () => assert.deepEqual(errors().get(block) ?? [], []),
    })),
    ...programsOf(page).map(({ line, code, script }) => ({
      line,
      title: `line ${line}: the program prints what it says`,
      run: async () => assertRan(await runScript(folder, [script.file]), promised(code)),
    })),
    ...runnable(page)
      .filter(({ runs }) => runs)
      .map(({ line, command, prints }) => ({
        line,
        title: `line ${line}: ${command}`,
        run: () => runCommand(folder, command, prints),
      })),
    ...requestsOf(page)
      .slice(0, 1)
      .map(({ line }) => ({ line, title: `line ${line}: the requests succeed`, run: () => ask(page) })),
  ].sort((a, b) => a.line - b.line)
  const specs = files.filter(({ file }) => SPEC.test(file))
  if (specs.length > 0) {
    if (!files.some(({ file }) => JEST_CONFIG.test(file)))
      writeFileSync(join(folder, 'jest.config.cjs'), JEST)
    steps.push({ title: `${linesOf(specs)}: the specs pass`, run: () => runSpecs(folder) })
  }
  return steps
}

/** The compiler's errors in the blocks of a page, with the page's line numbers. */
function errorsOf(page, folder) {
  const blocks = new Map(typed(page).map((block) => [block.source.file, block]))
  const sources = [...blocks.values()].map(({ source }) => source)
  const errors = new Map()
  for (const { file, line, message } of typeErrors(folder, sources)) {
    const block = blocks.get(file)
    if (!block) throw new Error(`${file}: ${message}`)
    errors.set(block, [...(errors.get(block) ?? []), `line ${block.line + line}: ${message}`])
  }
  return errors
}

/** Runs a script as if it were not run by a test. */
function runScript(folder, args) {
  const { NODE_TEST_CONTEXT, FORCE_COLOR, ...env } = process.env
  return node(args, { cwd: folder, env: { ...env, NO_COLOR: '1' } })
}

const printedLines = (text) => text.trimEnd().split(/\r?\n/)

/** Asserts that a script succeeded, and printed these lines if they are known. */
function assertRan({ code, signal, stdout, stderr }, lines) {
  assert.deepEqual({ code, signal }, { code: 0, signal: null }, `${stderr}\n${stdout}`)
  if (lines) assert.deepEqual(printedLines(stdout), lines, stderr || undefined)
}

async function runCommand(folder, command, prints) {
  const [program, ...words] = wordsOf(command)
  // As npx does if the package is installed.
  const args = program === 'npx' ? [bin(words[0]), ...words.slice(1)] : words
  assertRan(await runScript(folder, args), prints?.split('\n'))
}

/** The arguments of `fetch` for a `curl` command. */
function requestOf(command) {
  const words = command.match(/'[^']*'|"[^"]*"|[^\s'"]+/g).map((word) => word.replace(/^(['"])(.*)\1$/, '$2'))
  const request = { headers: {} }
  let url
  for (let i = 1; i < words.length; i++) {
    if (words[i].startsWith(SERVER)) url = words[i]
    else if (words[i] === '-X') request.method = words[++i]
    else if (words[i] === '-d') request.body = words[++i]
    else if (words[i] === '-H') {
      const [name, value] = words[++i].split(': ')
      request.headers[name] = value
    } else throw new Error(`not understood: ${words[i]}`)
  }
  return [url, request]
}

/** Sends a page's requests to a server, one after another. */
async function ask(page) {
  const client = new VectorizerClient()
  try {
    const server = await client.serve({ port: 0 })
    for (const { command } of requestsOf(page)) {
      const [url, request] = requestOf(command)
      const answer = await fetch(url.replace(SERVER, server.url), request)
      assert.ok(answer.ok, `${command}: ${answer.status} ${await answer.text()}`)
    }
  } finally {
    await client.close()
  }
}

async function runSpecs(folder) {
  assertRan(await runScript(folder, [bin('jest'), '--ci', '--no-cache']))
}
