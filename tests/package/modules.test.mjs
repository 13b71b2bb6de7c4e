// The package as a module: for Node.js's two loaders, for package linters, and for TypeScript in the versions
// and settings that its users have.
import assert from 'node:assert/strict'
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import ts from 'typescript'
import { fixture, here, node, temporaryFolder } from './support.mjs'

const require = createRequire(import.meta.url)
const manifest = require('vectorizer-native/package.json')
const packed = readFileSync(join(here, 'tarballs', `${manifest.name}-${manifest.version}.tgz`))

/** What can be imported, as written in an import, without data files. */
const entries = Object.keys(manifest.exports)
  .filter((path) => !path.endsWith('.json'))
  .map((path) => path.replace('.', manifest.name))

/** The names of values that TypeScript sees in a module that a file requires or imports. */
function declared(entry, file, statement) {
  const path = join(temporaryFolder('names'), file)
  writeFileSync(path, statement)
  const options = {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    noEmit: true,
  }
  const program = ts.createProgram([path], options)
  const errors = ts.getPreEmitDiagnostics(program)
  assert.deepEqual(
    errors.map(({ messageText }) => messageText),
    [],
  )
  const checker = program.getTypeChecker()
  let specifier
  const visit = (at) => {
    if (ts.isStringLiteral(at) && at.text === entry) specifier = at
    else at.forEachChild(visit)
  }
  visit(program.getSourceFile(path))
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(specifier))
  const target = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol)
  return exported.filter((symbol) => target(symbol).flags & ts.SymbolFlags.Value).map(({ name }) => name)
}

/** Without the names that Node.js gives to the whole of what a CommonJS module exports. */
const named = (names) =>
  names.filter((name) => !['default', 'module.exports', '__esModule'].includes(name)).sort()

for (const entry of entries) {
  test(`an import of ${entry} has the names that its typings promise, and no others`, async () => {
    const promised = declared(entry, 'program.mts', `import * as entry from '${entry}'; void entry`)
    assert.ok(promised.length > 0)
    assert.deepEqual(named(Object.keys(await import(entry))), named(promised))
  })

  test(`a require of ${entry} has the names that its typings promise, and no others`, () => {
    const promised = declared(entry, 'program.cts', `import entry = require('${entry}'); void entry`)
    assert.ok(promised.length > 0)
    assert.deepEqual(named(Object.keys(require(entry))), named(promised))
  })
}

test('import and require give the same objects', async () => {
  const required = require('vectorizer-native')
  const { default: whole, ...imported } = await import('vectorizer-native')
  assert.equal(whole, required)
  for (const name of Object.keys(required)) assert.equal(imported[name], required[name], name)
  assert.ok(new imported.ValidationError('') instanceof required.VectorizerError)
})

test('what is not documented cannot be imported', async () => {
  const inner = ['lib/errors.js', 'binding.js', 'index.js', 'main.js', 'bin/vectorizer-native.js']
  for (const path of inner.map((path) => `vectorizer-native/${path}`)) {
    await assert.rejects(import(path), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' })
    assert.throws(() => require(path), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' })
  }
})

test('tools find the manifest of the package', () => {
  assert.equal(require(require.resolve('vectorizer-native/package.json')).name, 'vectorizer-native')
})

test('publint has no error, warning or suggestion', async () => {
  const tarball = new Uint8Array(packed).buffer
  const { messages } = await publint({ strict: true, pack: { tarball } })
  assert.deepEqual(messages, [])
})

test('the types are right for every entry point, under every way to resolve modules', async () => {
  const { entrypoints, problems } = await checkPackage(createPackageFromTarballData(new Uint8Array(packed)))
  assert.deepEqual(problems, [])
  assert.deepEqual(Object.keys(entrypoints).sort(), Object.keys(manifest.exports).sort())
  for (const { resolutions } of Object.values(entrypoints)) {
    assert.deepEqual(Object.keys(resolutions).sort(), ['bundler', 'node10', 'node16-cjs', 'node16-esm'])
    for (const { resolution } of Object.values(resolutions)) assert.ok(resolution)
  }
})

/** Programs of the fixture, by the kind of module as which the compiler treats them. */
const body = readFileSync(join(here, 'fixtures', 'types', 'client.ts'), 'utf8')
const programs = {
  'client.mts': `import * as vectorizer from 'vectorizer-native'\n${body}`,
  'client.cts': `import vectorizer = require('vectorizer-native')\n${body}`,
}
const both = ['client.mts', 'client.cts', 'named.mts']
const node16 = { module: 'node16', moduleResolution: 'node16', files: both }
const nodenext = { module: 'nodenext', moduleResolution: 'nodenext', files: both }
const bundler = { module: 'preserve', moduleResolution: 'bundler', files: both }
const bundled = { module: 'esnext', moduleResolution: 'bundler', files: ['client.mts', 'named.mts'] }
const node10 = { module: 'commonjs', moduleResolution: 'node10', files: ['client.cts'] }

/** The strictest settings that a project may have, and the laxest. */
const strictest = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  esModuleInterop: true,
  target: 'es2020',
  lib: ['es2020'],
  types: [],
}
const laxest = { strict: false, strictNullChecks: true, target: 'es2022', types: ['node'] }

/** The settings with which each compiler is tried, by name. */
const all = { node16, nodenext, bundler, 'bundler, to ES modules': bundled }
const withoutInterop = { ...laxest, esModuleInterop: false }
const compilers = {
  'typescript-5': { strict: { ...all, node10 }, lax: { nodenext, node10 }, laxest: withoutInterop },
  typescript: { strict: all, lax: { nodenext }, laxest: { ...withoutInterop, ignoreDeprecations: '6.0' } },
  // This version has no interoperation to switch off.
  'typescript-7': { strict: all, lax: { nodenext }, laxest },
}

/** The places in a folder that a compiler rejects, as `file:line`, each once, and the messages. */
async function refusals(compiler, { files, ...resolution }, settings, folder = fixture('types')) {
  for (const [name, text] of Object.entries(programs)) writeFileSync(join(folder, name), text)
  const compilerOptions = { ...settings, ...resolution, skipLibCheck: false, noEmit: true }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  const tsc = join(here, 'node_modules', compiler, 'bin', 'tsc')
  const { stdout } = await node([tsc, '--pretty', 'false', '--project', folder], { cwd: folder })
  const places = stdout.replaceAll(/^(\S+?)\((\d+),\d+\): error.*$/gm, '$1:$2').match(/^(\S.*)$/gm)
  return { places: [...new Set(places)].sort(), stdout }
}

/** The places in the programs that are marked as mistakes. */
const mistakes = (files) =>
  files
    .filter((name) => name in programs)
    .flatMap((name) =>
      programs[name].split('\n').map((line, i) => (line.endsWith('// refused') ? `${name}:${i + 1}` : null)),
    )
    .filter(Boolean)
    .sort()

/** Tests that a compiler accepts the programs, except for their mistakes. */
function checks(compiler, name, resolution, settings) {
  const { version } = require(`${compiler}/package.json`)
  test(`TypeScript ${version} accepts the calls and refuses mistakes: ${name}`, async () => {
    const expected = mistakes(resolution.files)
    assert.ok(expected.length >= 17)
    const { places, stdout } = await refusals(compiler, resolution, settings)
    assert.deepEqual(places, expected, stdout)
  })
}

for (const [compiler, { strict, lax, laxest }] of Object.entries(compilers)) {
  for (const [name, resolution] of Object.entries(strict)) {
    checks(compiler, `${name}, strictest`, resolution, strictest)
  }
  for (const [name, resolution] of Object.entries(lax)) {
    // `verbatimModuleSyntax` does not allow `import` in a CommonJS module.
    const files = [...resolution.files, 'named.cts']
    checks(compiler, `${name}, laxest`, { ...resolution, files }, laxest)
  }
}

/** What must compile, and what must not, each with a directive that is an error if it is unused. */
const claims = join(here, '..', '..', '__test__', 'types')
const files = readdirSync(claims).filter((name) => name.endsWith('.ts'))
const usual = { ...strictest, verbatimModuleSyntax: false, target: 'es2022', lib: ['es2022'] }
for (const compiler of ['typescript-5.4', ...Object.keys(compilers)]) {
  const { version } = require(`${compiler}/package.json`)
  const ways = { nodenext, bundler: bundled, ...(version.startsWith('5') && { node10 }) }
  for (const [name, way] of Object.entries(ways)) {
    test(`TypeScript ${version} takes what the run time takes, and no filter that it refuses by shape: ${name}`, async () => {
      const folder = fixture('types')
      for (const file of files) copyFileSync(join(claims, file), join(folder, file))
      const { places, stdout } = await refusals(compiler, { ...way, files }, usual, folder)
      assert.deepEqual(places, [], stdout)
    })
  }
}

/** What an editor offers at `|` in a filter for metadata of a type. */
function offered(filter, meta = 'any') {
  const text = `import type { Filter } from 'vectorizer-native'\nexport const filter: Filter<${meta}> = ${filter}\n`
  const path = join(temporaryFolder('editor'), 'program.mts')
  const options = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, strict: true }
  const source = text.replace('|', '')
  writeFileSync(path, source)
  const service = ts.createLanguageService({
    ...ts.sys,
    getCompilationSettings: () => options,
    getScriptFileNames: () => [path],
    getScriptVersion: () => '1',
    getScriptSnapshot: (file) => {
      const content = ts.sys.readFile(file)
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content)
    },
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    getCurrentDirectory: () => dirname(path),
    useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
  })
  const completions = service.getCompletionsAtPosition(path, text.indexOf('|'), {})
  return completions.entries.map(({ name }) => name).sort()
}

test('an editor offers the operators in a condition on a field, and nothing else', () => {
  const operators = ['$eq', '$exists', '$gt', '$gte', '$in', '$lt', '$lte', '$ne', '$nin']
  assert.deepEqual(offered('{ year: { | } }'), operators)
  assert.deepEqual(offered('{ $or: [{ year: { $gt: 1, | } }] }'), operators.toSpliced(2, 1))
})

test('an editor offers what combines filters at their top', () => {
  const top = ['$and', '$not', '$or', 'must', 'must_not', 'should']
  assert.deepEqual(offered('{ | }'), top)
  assert.deepEqual(offered('{ $and: [{ | }] }'), top)
})

test('an editor offers the paths of typed metadata, and the operators for their types', () => {
  const meta = '{ year: number; open: boolean; author: { name: string } }'
  const top = ['$and', '$not', '$or', 'must', 'must_not', 'should']
  const paths = ['author', 'author.name', 'open', 'year']
  const unquoted = (filter) => offered(filter, meta).map((name) => name.replaceAll(/["']/g, ''))
  assert.deepEqual(unquoted('{ | }').sort(), [...top, ...paths].sort())
  assert.deepEqual(offered('{ year: { | } }', meta), offered('{ year: { | } }'))
  assert.deepEqual(offered('{ open: { | } }', meta), ['$eq', '$exists', '$in', '$ne', '$nin'])
})
