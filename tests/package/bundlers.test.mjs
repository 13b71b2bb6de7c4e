// Services that a bundler has built into a single file, run as separate processes, and what happens
// if the bundler is not told to leave the package out.
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { build } from 'esbuild'
import { createServer, build as viteBuild } from 'vite'
import webpack from 'webpack'
import { bin, fixture, node } from './support.mjs'

const binary = /vectorizer-native\.[\w-]+\.node/

/** Runs the built file, and expects the service's output. */
async function serves(file, printed = '1 true') {
  const { code, stdout, stderr } = await node([file], { cwd: tmpdir() })
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: `${printed}\n`, stderr: '' })
}

/** A copy of a folder in a place where no package is installed. */
function elsewhere(folder) {
  const copy = mkdtempSync(join(tmpdir(), 'vectorizer-native-bundle-'))
  after(() => rmSync(copy, { recursive: true, force: true }))
  cpSync(folder, copy, { recursive: true })
  return copy
}

/** Builds the service with esbuild, and resolves with the output folder. */
async function esbuild(options, entry = 'service.ts') {
  const folder = fixture('bundlers')
  const outdir = join(folder, 'dist')
  const outExtension = { '.js': options.format === 'cjs' ? '.cjs' : '.mjs' }
  const common = { bundle: true, platform: 'node', absWorkingDir: folder, entryPoints: [entry] }
  await build({ ...common, outdir, outExtension, logLevel: 'silent', ...options })
  return outdir
}

for (const [format, file] of Object.entries({ esm: 'service.mjs', cjs: 'service.cjs' })) {
  for (const external of [{ external: ['vectorizer-native'] }, { packages: 'external' }]) {
    test(`esbuild, ${format}: a service runs with ${JSON.stringify(external)}`, async () => {
      await serves(join(await esbuild({ format, ...external }), file))
    })
  }

  test(`esbuild, ${format}: without "external" the build fails, and names the binary`, async () => {
    await assert.rejects(esbuild({ format }), ({ errors: [error] }) => {
      assert.match(error.text, /No loader is configured for "\.node" files/)
      assert.match(error.text, binary)
      return true
    })
  })
}

const copied = { loader: { '.node': 'copy' } }

test('esbuild, cjs: with a loader that copies the binary, the bundle needs no package', async () => {
  const bundle = elsewhere(await esbuild({ format: 'cjs', ...copied }))
  assert.equal(
    readdirSync(bundle).filter((name) => binary.test(name.replace(/-\w+\.node$/, '.node'))).length,
    1,
  )
  await serves(join(bundle, 'service.cjs'))
})

test('esbuild, esm: such a bundle has to be given a require', async () => {
  const script =
    "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
  const bundle = elsewhere(await esbuild({ format: 'esm', ...copied, banner: { js: script } }))
  await serves(join(bundle, 'service.mjs'))
  const without = elsewhere(await esbuild({ format: 'esm', ...copied }))
  const { code, stderr } = await node([join(without, 'service.mjs')])
  assert.equal(code, 1)
  assert.match(stderr, /The binary cannot be loaded\. Dynamic require of "\w+" is not supported/)
})

test('Vite leaves the package out of a build for the server by itself', async () => {
  const folder = fixture('bundlers')
  const { code, stderr } = await node([bin('vite'), 'build', '--ssr', 'service.ts'], { cwd: folder })
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  await serves(join(folder, 'dist', 'service.mjs'))
})

/** Vite's options for the service, together with those of the test. */
const vite = (root, ssr) => ({
  root,
  configFile: false,
  logLevel: 'silent',
  cacheDir: join(root, '.vite'),
  ssr,
})
const everything = { noExternal: true }
const exceptOurs = { noExternal: true, external: ['vectorizer-native'] }

async function viteSsr(ssr, entry = 'service.ts') {
  const root = fixture('bundlers')
  await viteBuild({ ...vite(root, ssr), build: { ssr: entry } })
  return join(root, 'dist', entry.replace(/\.\w+$/, '.mjs'))
}

test('Vite: where everything is bundled, the package has to be named as external', async () => {
  await serves(await viteSsr(exceptOurs))
  await assert.rejects(viteSsr(everything), binary)
})

test('Vite: a page for browsers cannot be built with the package', async () => {
  const root = fixture('bundlers')
  const input = join(root, 'service.ts')
  await assert.rejects(viteBuild({ ...vite(root), build: { rollupOptions: { input } } }), binary)
})

/** What a development server loads for a module of the service. */
async function loaded(ssr) {
  const root = fixture('bundlers')
  const server = await createServer({
    ...vite(root, ssr),
    appType: 'custom',
    server: { middlewareMode: true, ws: false, watch: null },
    optimizeDeps: { noDiscovery: true },
  })
  try {
    return await server.ssrLoadModule('/service.ts')
  } finally {
    await server.close()
  }
}

test('the development server of Vite loads the installed package', async (t) => {
  t.mock.method(console, 'log', () => {})
  for (const ssr of [undefined, exceptOurs]) {
    const { cleanUp } = await loaded(ssr)
    assert.equal(typeof cleanUp, 'function')
  }
  await assert.rejects(loaded(everything), { message: 'require is not defined' })
})

/** Builds an entry with webpack, and resolves with the output file, or rejects with the error. */
async function webpacked(entry, { output, ...options }) {
  const context = fixture('bundlers')
  const common = { mode: 'production', target: 'node', context, entry: `./${entry}` }
  const path = join(context, 'dist')
  const stats = await new Promise((resolve, reject) => {
    webpack(
      { ...common, ...options, output: { path, filename: 'service.cjs', ...output } },
      (error, stats) => (error ? reject(error) : resolve(stats)),
    )
  })
  if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }))
  assert.deepEqual(stats.compilation.warnings, [])
  return join(path, output?.filename ?? 'service.cjs')
}

// The package and its subpaths, such as `vectorizer-native/langchain`.
const ours = /^vectorizer-native(\/|$)/
const modules = { experiments: { outputModule: true }, output: { module: true, filename: 'service.mjs' } }

for (const entry of ['service.mjs', 'service.cjs']) {
  for (const [kind, output] of Object.entries({ CommonJS: {}, ES: modules })) {
    test(`webpack: ${entry} runs as one ${kind} module`, async () => {
      await serves(await webpacked(entry, { externals: ours, externalsType: 'node-commonjs', ...output }))
    })
  }
}

test('webpack: without "externals" the build fails, and names the binary', async () => {
  await assert.rejects(webpacked('service.mjs', {}), binary)
})

test('webpack: a name among "externals" without a type is a global variable, which there is not', async () => {
  const { stderr } = await node([await webpacked('service.mjs', { externals: ['vectorizer-native'] })])
  assert.match(stderr, /ReferenceError: vectorizer is not defined/)
})

test('what is below the name of the package stays outside with it', async () => {
  const built = await esbuild({ format: 'esm', external: ['vectorizer-native'] }, 'langchain.mjs')
  await serves(join(built, 'langchain.mjs'), 'function')
  await serves(await viteSsr(undefined, 'langchain.mjs'), 'function')
  const externals = { externals: ours, externalsType: 'node-commonjs' }
  await serves(await webpacked('langchain.mjs', externals), 'function')
})
