// What a user gets: an empty project, the published tarballs, no Rust.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { transform } from 'esbuild'
import { readPage } from './pages.mjs'
import { here, node, run } from './support.mjs'

const root = join(here, '..', '..')
const readJson = (...path) => JSON.parse(readFileSync(join(...path), 'utf8'))
const { version, napi } = readJson(root, 'package.json')
const tarballs = readdirSync(join(here, 'tarballs')).map((name) => join(here, 'tarballs', name))
const main = tarballs.find((path) => basename(path) === `vectorizer-native-${version}.tgz`)
const [binary] = tarballs.filter((path) => path !== main)

/** A search path with only Node.js and the system's programs. */
const PATH = [dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter)
const env = { PATH, HOME: process.env.HOME, ...npmsOwn() }

/** The npm cache, registry and settings that the environment specifies, if any. */
function npmsOwn() {
  const named = /^npm_config_(cache|registry|userconfig|globalconfig)$/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => named.test(name)))
}

/** Installs tarballs in an empty project outside the repository. */
async function install(folder, ...packages) {
  writeFileSync(join(folder, 'package.json'), '{ "name": "project", "private": true }')
  const args = ['install', '--offline', '--no-audit', '--no-fund', ...packages]
  const { code, stdout, stderr } = await run('npm', args, { cwd: folder, env })
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, stdout)
}

const folders = mkdtempSync(join(tmpdir(), 'vectorizer-native-projects-'))
const [whole, withoutBinary, broken] = ['whole', 'without-binary', 'broken'].map((name) =>
  join(folders, name),
)
before(async () => {
  for (const folder of [whole, withoutBinary, broken]) mkdirSync(folder)
  await Promise.all([install(whole, main, binary), install(withoutBinary, main), install(broken, main)])
})
after(() => rmSync(folders, { recursive: true, force: true }))

test('there is no Rust where the installed package is tried', async () => {
  const { code } = await run('sh', ['-c', 'command -v cargo || command -v rustc'], { env })
  assert.notEqual(code, 0)
})

test('the first example of the README runs in an empty project', async () => {
  const readme = readPage(join(whole, 'node_modules/vectorizer-native/README.md'))
  const { code: example, script } = readme.blocks.find(({ language }) => language === 'ts')
  const promised = [...example.matchAll(/console\.log\(.*\) \/\/ (.*)/g)].map(([, text]) => text)
  assert.equal(promised.length, 3)
  writeFileSync(join(whole, 'first.mjs'), script.code)
  const { code, stdout, stderr } = await node(['first.mjs'], { cwd: whole, env })
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  assert.deepEqual(stdout.trimEnd().split('\n'), promised)
})

test('the command is installed with it', async () => {
  const command = ['--no-install', 'vectorizer-native', '--version']
  const { stdout } = await run('npx', command, { cwd: whole, env })
  assert.equal(stdout, `${version}\n`)
})

test('no installed package has a script, or brings a package from elsewhere', () => {
  const installed = readdirSync(join(whole, 'node_modules')).filter((name) => !name.startsWith('.'))
  assert.deepEqual(installed, ['vectorizer-native', basename(binary, `-${version}.tgz`)])
  for (const name of installed) {
    const { scripts, dependencies, devDependencies } = readJson(whole, 'node_modules', name, 'package.json')
    assert.deepEqual(
      { scripts, dependencies, devDependencies },
      {
        scripts: undefined,
        dependencies: undefined,
        devDependencies: undefined,
      },
    )
  }
})

/** What a program prints of the error if an entry point cannot be loaded. */
async function refusal(folder, disguise = '', variables = {}, entry = 'vectorizer-native') {
  const script = `${disguise}; import('${entry}').catch(({ code, message }) => console.log(code, message))`
  const { stdout } = await node(['-e', script], { cwd: folder, env: { ...env, ...variables } })
  return stdout
}
const platforms = napi.targets.length

test('where the binary is not installed, the error names its package and how to get it', async () => {
  const message = await refusal(withoutBinary)
  const name = basename(binary, `-${version}.tgz`)
  assert.match(
    message,
    new RegExp(`^ERR_NATIVE_BINDING vectorizer-native cannot be used on ${name.slice(18)}\\.`),
  )
  assert.match(message, new RegExp(`The package ${name} is not installed\\. Install on this platform`))
  assert.match(message, /To build from source: "npm install && npm run build" in a clone/)
})

test('what is printed of the error ends with its own lines, and keeps the rest for debuggers', async () => {
  const message = (await refusal(withoutBinary)).replace(/^\w+ /, '')
  writeFileSync(join(withoutBinary, 'entry.mjs'), "import 'vectorizer-native'")
  for (const args of [['entry.mjs'], ['-e', "require('vectorizer-native')"]]) {
    const { code, stderr } = await node(args, { cwd: withoutBinary, env })
    assert.equal(code, 1)
    const [before, behind] = stderr.split(message.trimEnd())
    assert.match(before, /Error: $/)
    assert.match(behind, /^\]\s+Node\.js v[\d.]+\s*$/)
  }
  const script = "import('vectorizer-native').catch((error) => console.log(error.loaderError.message))"
  const { stdout } = await node(['-e', script], { cwd: withoutBinary, env })
  assert.match(stdout, /Cannot find native binding/)
})

test('without a binary every entry says so', async () => {
  const message = await refusal(withoutBinary)
  assert.equal(await refusal(withoutBinary, '', {}, 'vectorizer-native/milvus'), message)
  assert.equal(await refusal(withoutBinary, '', {}, 'vectorizer-native/langchain'), message)
  const command = join(withoutBinary, 'node_modules/vectorizer-native/bin/vectorizer-native.js')
  const { code, stderr } = await node([command, 'serve'], { cwd: withoutBinary, env })
  assert.deepEqual({ code, stderr }, { code: 1, stderr: message.replace(/^\w+/, 'vectorizer-native:') })
})

test('an old Node.js is refused by its version, with and without a binary', async () => {
  const disguise =
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.8' } })"
  const expected =
    'ERR_NODE_VERSION vectorizer-native needs Node.js 20 or newer, and this is Node.js 18.20.8.'
  const entries = ['vectorizer-native', 'vectorizer-native/milvus', 'vectorizer-native/langchain']
  for (const folder of [whole, withoutBinary]) {
    for (const entry of entries) {
      assert.equal(await refusal(folder, disguise, {}, entry), `${expected}\n`)
      const script = `${disguise}; try { require('${entry}') } catch ({ code, message }) { console.log(code, message) }`
      const { stdout } = await node(['-e', script], { cwd: folder, env })
      assert.equal(stdout, `${expected}\n`)
    }
    const command = join(folder, 'node_modules/vectorizer-native/bin/vectorizer-native.js')
    const script = `${disguise}; require(${JSON.stringify(command)})`
    const { code, stderr } = await node(['-e', script], { cwd: folder, env })
    assert.equal(code, 1)
    assert.match(stderr, /vectorizer-native needs Node\.js 20 or newer, and this is Node\.js 18\.20\.8\./)
  }
})

test('what an old Node.js reads before that it can read', async () => {
  for (const file of ['main.js', 'lib/node-version.js']) {
    const code = readFileSync(join(whole, 'node_modules/vectorizer-native', file), 'utf8')
    await transform(code, { target: 'es5' }) // fails for what it would have to put in other words
  }
})

test('on a platform for which there is none, the error names it and those that there are', async () => {
  const message = await refusal(
    withoutBinary,
    "Object.defineProperty(process, 'platform', { value: 'sunos' })",
  )
  assert.match(message, /cannot be used on sunos-\w+\.\nThere is no package with a binary for it\./)
  const [, named] = /There are packages for (.*)\.$/m.exec(message)
  const folders = readdirSync(join(root, 'npm'))
  assert.deepEqual(named.split(', ').sort(), folders.sort())
  assert.equal(folders.length, platforms)
})

test('a binary that the system refuses is told apart from one that is missing', async () => {
  const name = basename(binary, `-${version}.tgz`)
  const { main: file } = readJson(whole, 'node_modules', name, 'package.json')
  const fake = join(broken, 'node_modules', name)
  mkdirSync(fake)
  writeFileSync(join(fake, 'package.json'), JSON.stringify({ name, version, main: file }))
  writeFileSync(join(fake, file), 'not a library')
  const message = await refusal(broken)
  assert.match(message, new RegExp(`The binary cannot be loaded\\. .*${file}`))
})

test('the file that a variable names is the one that is used', async () => {
  const path = join(whole, 'node_modules', basename(binary, `-${version}.tgz`))
  const file = join(path, readJson(path, 'package.json').main)
  const script = "console.log(typeof require('vectorizer-native').deleteVector)"
  const named = { ...env, NAPI_RS_NATIVE_LIBRARY_PATH: file }
  const { stdout } = await node(['-e', script], { cwd: withoutBinary, env: named })
  assert.equal(stdout, 'function\n')
  const absent = await refusal(whole, '', { NAPI_RS_NATIVE_LIBRARY_PATH: '/nowhere.node' })
  assert.match(absent, /NAPI_RS_NATIVE_LIBRARY_PATH=\/nowhere\.node cannot be loaded\./)
})
