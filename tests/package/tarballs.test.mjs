// The contents of the tarballs: what the package needs to run and to be understood, and no more.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { here, run } from './support.mjs'

const root = join(here, '..', '..')
const readJson = (...path) => JSON.parse(readFileSync(join(...path), 'utf8'))
const { version } = readJson(root, 'package.json')
const tarballs = join(here, 'tarballs')
const path = (name) => join(tarballs, `${name}-${version}.tgz`)
const platforms = readdirSync(join(root, 'npm'))
const built = platforms.filter((name) =>
  readdirSync(tarballs).includes(`vectorizer-native-${name}-${version}.tgz`),
)

async function contents(name) {
  const { stdout, code } = await run('tar', ['-tzf', path(name)])
  assert.equal(code, 0)
  return stdout.trimEnd().split('\n').sort()
}
async function manifest(name) {
  const { stdout } = await run('tar', ['-xzOf', path(name), 'package/package.json'])
  return JSON.parse(stdout)
}
/** Files of the repository in a folder, or below it. */
const inFolder = (folder, pattern, recursive) =>
  readdirSync(join(root, folder), { recursive })
    .filter((name) => pattern.test(name))
    .map((name) => `package/${folder}/${name}`)

test('the main package holds its scripts, typings and documents', async () => {
  const expected = [
    ...['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'package.json'],
    ...['binding.js', 'index.d.ts', 'index.js', 'main.js'],
    ...['langchain.d.mts', 'langchain.d.ts', 'langchain.js', 'langchain.mjs'],
    ...['milvus.d.ts', 'milvus.js'],
  ].map((name) => `package/${name}`)
  // docs/api is left out: the typings say the same.
  const folders = [
    ...inFolder('bin', /\.js$/),
    ...inFolder('lib', /\.js$/, true),
    ...inFolder('docs', /\.md$/),
  ]
  assert.deepEqual(await contents('vectorizer-native'), [...expected, ...folders].sort())
})

test('it names each platform package as optional, in its own version', async () => {
  const {
    optionalDependencies,
    scripts,
    devDependencies,
    private: hidden,
  } = await manifest('vectorizer-native')
  const expected = Object.fromEntries(platforms.map((name) => [`vectorizer-native-${name}`, version]))
  assert.deepEqual(optionalDependencies, expected)
  assert.deepEqual(
    { scripts, devDependencies, hidden },
    { scripts: undefined, devDependencies: undefined, hidden: undefined },
  )
})

test('a platform package holds its binary and the licences of what is in it', async () => {
  assert.ok(built.length > 0)
  for (const name of built) {
    const { main, version: own, os, cpu, libc } = await manifest(`vectorizer-native-${name}`)
    const files = ['LICENSE', 'README.md', 'THIRD-PARTY-LICENSES.txt', main, 'package.json'].map(
      (file) => `package/${file}`,
    )
    assert.deepEqual(await contents(`vectorizer-native-${name}`), files.sort())
    assert.equal(own, version)
    const libcs = { gnu: ['glibc'], musl: ['musl'] }
    const [system, processor, abi] = name.split('-')
    assert.deepEqual({ os, cpu, libc }, { os: [system], cpu: [processor], libc: libcs[abi] })
  }
})

test('sizes are what a download may take', () => {
  const megabytes = (name) => statSync(path(name)).size / 1e6
  assert.ok(megabytes('vectorizer-native') < 0.3)
  for (const name of built) assert.ok(megabytes(`vectorizer-native-${name}`) < 8)
})
