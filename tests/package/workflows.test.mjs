// The hosted CI and the release, as far as they can be tested here: everything that the workflows name
// exists, and the release's steps are run with stubs for npm and gh that only record their arguments.
import assert from 'node:assert/strict'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { delimiter, join, relative } from 'node:path'
import { test } from 'node:test'
import yaml from 'js-yaml'
import semver from 'semver'
import { here, run, temporaryFolder } from './support.mjs'

const root = join(here, '..', '..')
const read = (...path) => readFileSync(join(root, ...path), 'utf8')
const { version, napi, scripts, engines } = JSON.parse(read('package.json'))
const folder = '.github/workflows'
const workflows = Object.fromEntries(
  readdirSync(join(root, folder)).map((name) => [name, yaml.load(read(folder, name))]),
)
const { 'ci.yml': ci, 'release.yml': release } = workflows
const platforms = readdirSync(join(root, 'npm')).sort()
const work = temporaryFolder('workflows')

/** Every job of every workflow, with its steps. */
const jobs = Object.entries(workflows).flatMap(([file, workflow]) =>
  Object.entries(workflow.jobs).map(([id, job]) => ({
    name: `${file}, ${id}`,
    workflow,
    id,
    job,
    steps: job.steps ?? [],
  })),
)
const steps = jobs.flatMap(({ name, steps }) => steps.map((step) => ({ name, step })))
const stepOf = (workflow, job, name) => workflow.jobs[job].steps.find((step) => step.name === name)

/** A target in the form used in its package's name. */
function platformOf(target) {
  const [processor, , system, abi] = target.split('-')
  const cpu = { x86_64: 'x64', aarch64: 'arm64' }[processor]
  if (system === 'darwin') return `darwin-${cpu}`
  return system === 'windows' ? `win32-${cpu}-${abi}` : `linux-${cpu}-${abi}`
}

test('there are the two workflows, and each runs when it should', () => {
  assert.deepEqual(Object.keys(workflows).sort(), ['ci.yml', 'release.yml'])
  assert.deepEqual(Object.keys(ci.on).sort(), ['pull_request', 'push', 'schedule', 'workflow_call'])
  assert.deepEqual(release.on.push, { tags: ['v*'] })
  assert.equal(release.on.workflow_dispatch.inputs.dry_run.default, true)
  assert.equal(release.jobs.ci.uses, `./${folder}/ci.yml`)
})

test('every target is built, on a machine of its system and processor, and is a package', () => {
  const { include } = ci.jobs.build.strategy.matrix
  assert.deepEqual(
    include.map(({ target }) => target),
    napi.targets,
  )
  assert.deepEqual(napi.targets.map(platformOf).sort(), platforms)
  const tested = Object.fromEntries(
    ci.jobs.test.strategy.matrix.include.map(({ platform, runner }) => [platform, runner]),
  )
  for (const { target, runner, arguments: given } of include) {
    assert.match(given, new RegExp(`--target ${target}(\\.2\\.28)?$`))
    assert.equal(tested[platformOf(target)], runner)
    const [system] = runner.split('-')
    assert.equal({ ubuntu: 'linux', macos: 'darwin', windows: 'windows' }[system], target.split('-')[2])
    assert.equal(/-arm$|^macos-15$/.test(runner), target.startsWith('aarch64'))
  }
})

test('every platform is tested on every Node.js that is supported', () => {
  const { platform, node } = ci.jobs.test.strategy.matrix
  assert.deepEqual([...platform].sort(), platforms)
  assert.deepEqual(node, [20, 22, 24])
  assert.equal(engines.node, `>=${Math.min(...node)}`)
})

test('every binary is tried where it was built, before it is kept', () => {
  const { strategy, steps } = ci.jobs.build
  for (const { target } of strategy.matrix.include) {
    const musl = target.endsWith('-musl')
    const name = musl ? 'Try it in Alpine Linux' : 'Try it'
    const names = steps.map((step) => step.name ?? step.uses)
    const at = names.indexOf(name)
    assert.ok(at > names.indexOf('Build') && at < names.indexOf('actions/upload-artifact@v7'), target)
    assert.equal(steps[at].if, `${musl ? '' : '!'}endsWith(matrix.target, '-musl')`)
    assert.match(steps[at].run, /node --expose-gc smoke\.mjs$/m)
  }
})

test('where Milvus Lite is not installed its specs are left out, and no others', async () => {
  const clone = temporaryFolder('clone')
  for (const name of ['jest.config.js', 'package.json']) cpSync(join(root, name), join(clone, name))
  cpSync(join(root, '__test__'), join(clone, '__test__'), { recursive: true })
  const all = readdirSync(join(clone, '__test__'), { recursive: true })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.spec.ts'))
    .sort()
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js')
  const listed = async (...args) => {
    const { code, stdout, stderr } = await run(process.execPath, [jest, '--listTests', ...args], {
      cwd: clone,
    })
    assert.equal(code, 0, stderr)
    const paths = stdout.trim().split('\n')
    return paths.map((path) => relative(join(clone, '__test__'), path).replaceAll('\\', '/')).sort()
  }
  const others = all.filter((name) => !name.startsWith('milvus/'))
  assert.ok(others.includes('conformance/deletes.spec.ts') && others.length < all.length)
  assert.deepEqual(await listed(), others)
  // With the same specs left out as in test-platform.sh.
  const without = ['--testPathIgnorePatterns', 'embedded/backup\\.spec']
  assert.deepEqual(
    await listed(...without),
    others.filter((name) => name !== 'embedded/backup.spec.ts'),
  )
  mkdirSync(join(clone, 'target', 'milvus-lite'), { recursive: true })
  writeFileSync(join(clone, 'target', 'milvus-lite', 'installed.txt'), '')
  assert.deepEqual(await listed(), all)
})

for (const name of ['.', 'tests/package', 'tests/package/runtimes', 'bench']) {
  test(`what is installed in ${name} is for the oldest Node.js that is promised, too`, () => {
    const oldest = `${semver.minVersion(engines.node).major}.x`
    const { packages } = JSON.parse(read(name, 'package-lock.json'))
    const newer = Object.entries(packages).filter(
      ([, { engines }]) => engines?.node && !semver.intersects(engines.node, oldest),
    )
    assert.deepEqual(
      newer.map(([path, { engines }]) => `${path} needs ${engines.node}`),
      [],
    )
  })
}

test('the oldest Rust that is checked is the one that is promised', () => {
  const [, promised] = /^rust-version = "(.*)"$/m.exec(read('Cargo.toml'))
  assert.equal(ci.jobs.msrv.env.RUSTUP_TOOLCHAIN, promised)
  assert.deepEqual(/^targets = (\[[^\]]*\])/m.exec(read('deny.toml'))[1].match(/[\w]+-[\w-]+/g), napi.targets)
})

test('every fuzz target is run', () => {
  const targets = [...read('fuzz', 'Cargo.toml').matchAll(/^\[\[bin\]\]\nname = "(.*)"$/gm)]
  assert.deepEqual(
    ci.jobs.fuzz.strategy.matrix.input,
    targets.map(([, name]) => name),
  )
})

test('every action is one of GitHub, in a major version, and keeps no credentials', () => {
  const used = steps.filter(({ step }) => step.uses)
  assert.ok(used.length > 10)
  for (const { name, step } of used) {
    assert.match(step.uses, /^actions\/[a-z-]+@v\d+$/, name)
    if (step.uses.startsWith('actions/checkout@'))
      assert.deepEqual(step.with, { 'persist-credentials': false }, name)
  }
})

test('a job may do no more than it needs, and only the publishing one has secrets', () => {
  const allowed = {
    'release.yml, publish': { contents: 'read', 'id-token': 'write', attestations: 'write' },
    'release.yml, github': { contents: 'write' },
  }
  for (const workflow of Object.values(workflows))
    assert.deepEqual(workflow.permissions, { contents: 'read' })
  for (const { name, job } of jobs) {
    assert.deepEqual(job.permissions, allowed[name], name)
    const text = JSON.stringify(job)
    assert.equal(/\bsecrets\b/.test(text), name === 'release.yml, publish', name)
    assert.equal(/\bgithub\.token\b/.test(text), name === 'release.yml, github', name)
  }
  assert.equal(release.jobs.publish.environment, 'npm')
})

test('every job that is needed exists, and comes before', () => {
  for (const { name, workflow, id, job } of jobs) {
    const earlier = Object.keys(workflow.jobs)
    earlier.splice(earlier.indexOf(id))
    for (const needed of [job.needs ?? []].flat())
      assert.ok(earlier.includes(needed), `${name} needs ${needed}`)
  }
})

/** What a job can refer to: `context.name` and the outputs of jobs and steps. */
function defined({ workflow, job, steps }) {
  const names = new Set(['github.event_name', 'github.ref', 'github.workflow', 'github.repository'])
  for (const name of ['github.token', 'runner.os', 'secrets.NPM_TOKEN']) names.add(name)
  const { include = [], ...dimensions } = job.strategy?.matrix ?? {}
  for (const values of [dimensions, ...include])
    for (const key of Object.keys(values)) names.add(`matrix.${key}`)
  for (const { env } of [workflow, job, ...steps])
    for (const key of Object.keys(env ?? {})) names.add(`env.${key}`)
  for (const key of Object.keys(workflow.on.workflow_dispatch?.inputs ?? {})) names.add(`inputs.${key}`)
  for (const id of [job.needs ?? []].flat())
    for (const key of Object.keys(workflow.jobs[id].outputs ?? {})) names.add(`needs.${id}.outputs.${key}`)
  for (const { id, run: script = '' } of steps)
    for (const [, key] of script.matchAll(/"(\w+)=.*" >> "\$GITHUB_OUTPUT"/g))
      names.add(`steps.${id}.outputs.${key}`)
  return names
}

/** What the expressions of a job refer to. */
function references(value) {
  if (typeof value === 'string') {
    const inner = [...value.matchAll(/\$\{\{(.*?)\}\}/gs)].map(([, expression]) => expression).join(' ')
    return inner.replace(/'[^']*'/g, '').match(/\b[a-z]+\.[\w.-]+/g) ?? []
  }
  if (value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([key, part]) => {
    // An `if` condition is an expression even without braces.
    return references(
      key === 'if' && typeof part === 'string' && !part.includes('${{') ? `\${{${part}}}` : part,
    )
  })
}

test('everything that an expression refers to is there', () => {
  let count = 0
  for (const each of jobs) {
    const names = defined(each)
    for (const reference of references(each.job)) {
      assert.ok(names.has(reference), `${each.name}: ${reference}`)
      count++
    }
  }
  assert.ok(count > 20)
  const misspelt = {
    ...jobs[0],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of a workflow
    job: { if: "needs.nobody.outputs.x == 'matrix.x'", name: '${{ matrix.y }}' },
  }
  assert.deepEqual(
    references(misspelt.job).filter((name) => !defined(misspelt).has(name)),
    ['needs.nobody.outputs.x', 'matrix.y'],
  )
})

test('every script is one that bash takes, and what it names is there', async () => {
  const texts = steps.filter(({ step }) => step.run).map(({ name, step }) => [name, step.run])
  texts.push(['test-platform.sh', read('.github', 'test-platform.sh')])
  let named = 0
  for (const [name, text] of texts) {
    const { code, stderr } = await run('bash', ['-n'], { input: text.replace(/\$\{\{.*?\}\}/g, 'x') })
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, name)
    for (const [, script] of text.matchAll(/\bnpm run ([\w:]+)/g)) {
      assert.ok(script in scripts, `${name}: npm run ${script}`)
      named++
    }
    for (const [path] of text.matchAll(/(?<![\w/])(\.github|\.ci|scripts|tests)\/[\w./-]+/g)) {
      assert.ok(existsSync(join(root, path)), `${name}: ${path}`)
      named++
    }
  }
  assert.ok(named > 8)
})

/** A copy of the files that contain the version, and of the script that compares them. */
function versions() {
  const copy = mkdtempSync(join(work, 'versions-'))
  const files = ['package.json', 'package-lock.json', 'Cargo.toml', 'Cargo.lock', 'CHANGELOG.md', 'npm']
  for (const name of [...files, 'scripts/check-version.mjs'])
    cpSync(join(root, name), join(copy, name), { recursive: true })
  const edit = (name, from, to) => {
    const path = join(copy, name)
    const text = readFileSync(path, 'utf8')
    assert.ok(typeof from === 'string' ? text.includes(from) : from.test(text))
    writeFileSync(path, text.replace(from, to))
  }
  const check = (...args) => run(process.execPath, ['scripts/check-version.mjs', ...args], { cwd: copy })
  return { copy, edit, check }
}

test('all that have the version agree', async () => {
  const { code, stdout, stderr } = await versions().check()
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: `${version}\n`, stderr: '' })
})

for (const [name, from] of [
  ['package.json', `"version": "${version}"`],
  ['package-lock.json', `"version": "${version}"`],
  ['Cargo.toml', `version = "${version}"`],
  ['Cargo.lock', `name = "vectorizer-native"\nversion = "${version}"`],
  ['npm/darwin-arm64/package.json', `"version": "${version}"`],
  ['CHANGELOG.md', `## ${version}`],
]) {
  test(`another version in ${name} is found`, async () => {
    const { edit, check } = versions()
    edit(name, from, from.replace(version, '9.8.7'))
    const { code, stderr } = await check()
    assert.equal(code, 1)
    assert.match(stderr, new RegExp(name === 'package.json' ? '9\\.8\\.7' : `^${name}`, 'm'))
  })
}

test('what is tagged has the version and a dated section of the changelog, which is the notes', async () => {
  const { copy, edit, check } = versions()
  const heading = new RegExp(`^## ${version.replaceAll('.', '\\.')}.*$`, 'm')
  edit('CHANGELOG.md', heading, `## ${version} (unreleased)`)
  assert.match((await check(`v${version}`)).stderr, /is unreleased/)
  edit('CHANGELOG.md', heading, `## ${version} (2030-01-02)`)
  for (const tag of ['v9.8.7', version, 'main']) assert.equal((await check(tag)).code, 1)
  edit('CHANGELOG.md', /$/, '\n## 0.0.1 (2029-01-01)\n\n- Older.\n')
  const { code, stderr } = await check(`v${version}`, '--changes', 'changes.md')
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  const notes = readFileSync(join(copy, 'changes.md'), 'utf8')
  assert.match(notes, /^- .+\n$/s)
  assert.doesNotMatch(notes, /^##|Older/m)

  edit('CHANGELOG.md', `## ${version} (2030-01-02)`, `## ${version} (2030-01-02)\n\n## 0.0.2 (2029-02-02)`)
  assert.match((await check(`v${version}`)).stderr, /nothing on/)
})

/** Runs a step's script as GitHub does, with `env` in addition to a runner's variables. */
const runStep = (step, cwd, env) =>
  run('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', step.run], {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
  })

test('the step that tells the version tells it, and refuses to publish what has no tag', async () => {
  const { copy, edit } = versions()
  edit(
    'CHANGELOG.md',
    new RegExp(`^## ${version.replaceAll('.', '\\.')}.*$`, 'm'),
    `## ${version} (2030-01-02)`,
  )
  const output = join(copy, 'output')
  const step = stepOf(release, 'version', 'Check that all versions agree')
  const tell = (ref, dry) =>
    runStep(step, copy, { GITHUB_REF_NAME: ref, DRY_RUN: dry, GITHUB_OUTPUT: output })
  for (const [ref, dry, expected] of [
    ['main', 'true', 0],
    ['main', 'false', 1],
    [`v${version}`, 'false', 0],
    ['v9.8.7', 'false', 1],
  ]) {
    rmSync(output, { force: true })
    assert.equal((await tell(ref, dry)).code, expected, ref)
    assert.equal(existsSync(output), expected === 0)
    if (expected === 0) assert.equal(readFileSync(output, 'utf8'), `version=${version}\n`)
  }
})

const released = mkdtempSync(join(work, 'released-'))
const dist = join(released, 'dist')
const origin = { GITHUB_SERVER_URL: 'https://git.example', GITHUB_REPOSITORY: 'someone/vectorizer-native' }
const tarballOf = (name) => `${name}-${version}.tgz`
const all = ['vectorizer-native', ...platforms.map((name) => `vectorizer-native-${name}`)]

/** Runs the packing step with placeholders for the binaries of these platforms. */
function pack(built, out) {
  const binaries = mkdtempSync(join(work, 'binaries-'))
  for (const name of built) writeFileSync(join(binaries, `vectorizer-native.${name}.node`), name)
  const step = stepOf(ci, 'package', 'Pack')
  assert.match(step.run, / --binaries binaries --all$/)
  const script = `${step.run.replace(/ binaries /, ` '${binaries}' `)} --out '${out}'`
  return runStep({ run: script }, root, origin)
}
async function manifest(name) {
  const { stdout } = await run('tar', ['-xzOf', join(dist, tarballOf(name)), 'package/package.json'])
  return JSON.parse(stdout)
}

let packing
/** Packs for all platforms, once for all tests. */
async function packed() {
  packing ??= pack(platforms, dist)
  const { code, stderr } = await packing
  assert.equal(code, 0, stderr)
}

test('packing what was built yields the main tarball and one for each platform', async () => {
  await packed()
  assert.deepEqual(readdirSync(dist).sort(), all.map(tarballOf).sort())
  const repository = { type: 'git', url: 'git+https://git.example/someone/vectorizer-native.git' }
  const expected = Object.fromEntries(platforms.map((name) => [`vectorizer-native-${name}`, version]))
  for (const name of all) {
    const packed = await manifest(name)
    assert.deepEqual([packed.name, packed.version, packed.private], [name, version, undefined])
    assert.deepEqual(packed.repository, repository)
    assert.deepEqual(packed.optionalDependencies, name === 'vectorizer-native' ? expected : undefined)
  }
})

test('packing fails where the binary of a platform is missing', async () => {
  const { code, stdout } = await pack(platforms.slice(1), mkdtempSync(join(work, 'partly-')))
  assert.equal(code, 1)
  assert.match(stdout, new RegExp(`not built: vectorizer-native-${platforms[0]}$`, 'm'))
})

/** A command that records its arguments, and responds with `answer`, a shell script. */
function noting(command, answer) {
  const folder = mkdtempSync(join(work, `${command}-`))
  const log = join(folder, 'log')
  const file = join(folder, command)
  writeFileSync(file, `#!/bin/sh\necho "$*" >> '${log}'\n${answer}\n`)
  chmodSync(file, 0o755)
  return {
    env: { PATH: `${folder}${delimiter}${process.env.PATH}` },
    asked: (pattern) =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith(pattern)),
  }
}
const publishing = stepOf(release, 'publish', 'Publish to npm')

test('platform packages are published before the main one, with provenance', async () => {
  await packed()
  const npm = noting('npm', '[ "$1" != view ]')
  const { code, stderr } = await runStep(publishing, released, {
    ...npm.env,
    VERSION: version,
    DRY_RUN: 'false',
  })
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  const expected = [...all.slice(1), all[0]].map(
    (name) => `publish ./dist/${tarballOf(name)} --access public --provenance`,
  )
  assert.deepEqual(npm.asked('publish'), expected)
})

test('a publishing that was interrupted goes on with what is missing', async () => {
  await packed()
  const there = `vectorizer-native-${platforms[0]}@${version}`
  const npm = noting('npm', `[ "$1" != view ] || { [ "$2" = ${there} ] && echo ${version}; }`)
  const { code, stdout } = await runStep(publishing, released, {
    ...npm.env,
    VERSION: version,
    DRY_RUN: 'false',
  })
  assert.equal(code, 0)
  assert.match(stdout, new RegExp(`^${there} is there already$`, 'm'))
  assert.equal(npm.asked('publish').length, all.length - 1)
})

test('the main package is not published when a platform is refused', async () => {
  await packed()
  const npm = noting('npm', `case "$*" in view*|*${platforms[1]}*) exit 1;; esac`)
  const { code } = await runStep(publishing, released, { ...npm.env, VERSION: version, DRY_RUN: 'false' })
  assert.equal(code, 1)
  assert.deepEqual(
    npm.asked('publish').map((line) => line.split(' ')[1]),
    all.slice(1, 3).map((name) => `./dist/${tarballOf(name)}`),
  )
})

test('a version before a release does not become the latest', async () => {
  const early = mkdtempSync(join(work, 'early-'))
  mkdirSync(join(early, 'dist'))
  for (const name of all) writeFileSync(join(early, 'dist', `${name}-1.0.0-rc.1.tgz`), '')
  const npm = noting('npm', '[ "$1" != view ]')
  const env = { ...npm.env, VERSION: '1.0.0-rc.1', DRY_RUN: 'false' }
  assert.equal((await runStep(publishing, early, env)).code, 0)
  assert.equal(npm.asked('publish').filter((line) => line.includes(' --tag next ')).length, all.length)
})

test('a dry run goes through npm itself, and sends nothing', async () => {
  await packed()
  const written = []
  const registry = createServer((request, response) => {
    if (request.method !== 'GET') written.push(request.url)
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}')
  })
  await new Promise((resolve) => registry.listen(0, '127.0.0.1', resolve))
  try {
    const env = { VERSION: version, DRY_RUN: 'true', npm_config_cache: join(work, 'cache') }
    env.npm_config_registry = `http://127.0.0.1:${registry.address().port}/`
    const { code, stdout, stderr } = await runStep(publishing, released, env)
    assert.equal(code, 0, stderr)
    const published = [...stdout.matchAll(/^\+ (.*)$/gm)].map(([, name]) => name)
    assert.deepEqual(
      published,
      [...all.slice(1), all[0]].map((name) => `${name}@${version}`),
    )
    assert.deepEqual(written, [])
  } finally {
    registry.close()
  }
})

test('the release on GitHub is made once, with the notes and the tarballs', async () => {
  await packed()
  const step = stepOf(release, 'github', 'Make the release')
  for (const [exists, expected] of [
    ['false', [`release create v${version} --verify-tag --title v${version} --notes-file changes.md`]],
    ['true', []],
  ]) {
    const gh = noting('gh', `[ "$2" != view ] || ${exists}`)
    assert.equal((await runStep(step, released, { ...gh.env, VERSION: version })).code, 0)
    assert.deepEqual(gh.asked('release create'), expected)
    const [upload] = gh.asked('release upload')
    assert.deepEqual(upload.match(/dist\/\S+/g).sort(), all.map((name) => `dist/${tarballOf(name)}`).sort())
  }
})
