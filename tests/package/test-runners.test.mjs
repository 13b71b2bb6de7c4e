// Projects that use the package and are tested with Jest, Vitest and Node's own runner.
import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { bin, fixture, here, node, run } from './support.mjs'

const runtime = (name) => join(here, 'runtimes', 'node_modules', name, 'bin', 'node')
const runtimes = { 'this Node.js': process.execPath }
for (const version of [22, 24, 26]) runtimes[`Node.js ${version}`] = runtime(`node-${version}`)

/** This environment, without the variables with which this test run would affect nested runs. */
function environment(variables) {
  const { NODE_TEST_CONTEXT, FORCE_COLOR, ...inherited } = process.env
  return { ...inherited, NO_COLOR: '1', ...variables }
}

/** The fixture project `name`, with folders of the Jest project that other projects use too. */
function project(name, ...folders) {
  const folder = fixture(name)
  for (const shared of folders) {
    cpSync(join(here, 'fixtures', 'jest', shared), join(folder, shared), { recursive: true })
  }
  return folder
}

/**
 * Runs Jest or Vitest, whose reports have the same format, and returns how it ended, its complaints apart
 * from the `usual` ones, and its tests.
 */
async function ran(runner, usual, folder, args, { variables, executable = process.execPath } = {}) {
  const all = [bin(runner), ...args, '--outputFile=report.json']
  const options = { cwd: folder, env: environment(variables) }
  const { code, signal, stdout, stderr } = await run(executable, all, options)
  const path = join(folder, 'report.json')
  assert.ok(existsSync(path), `there is no report: ${stdout}${stderr}`)
  const { testResults, numPassedTests, numTotalTests } = JSON.parse(readFileSync(path, 'utf8'))
  const cases = testResults.flatMap(({ assertionResults }) => assertionResults)
  const complaints = stderr.split('\n').filter((line) => !usual.test(line))
  return { code, signal, complaints, passed: numPassedTests, total: numTotalTests, cases }
}

const usualOfJest =
  /^$|^ +✓|^(PASS|Test Suites:|Tests:|Snapshots:|Time:|Ran all test suites|Test results written)/
const jest = (folder, args, options) => ran('jest', usualOfJest, folder, ['--ci', '--json', ...args], options)
const vitest = (folder, args, options) =>
  ran('vitest', /^$/, folder, ['run', '--reporter=json', ...args], options)

/** Asserts that a run ended by itself without complaints, and that `count` tests passed, which were all. */
function assertPassed({ cases, ...ended }, count) {
  const failures = cases.flatMap(({ failureMessages }) => failureMessages)
  const expected = { code: 0, signal: null, complaints: [], passed: count, total: count, failures: [] }
  assert.deepEqual({ ...ended, failures }, expected)
}

const messageOf = ({ cases }, title) => cases.find((one) => one.title === title).failureMessages.join('\n')

/** How many specs the Jest project has. */
const SPECS = 78

test('the specs of the Jest project are of sound types', async () => {
  const { code, stdout } = await node([bin('tsc'), '--project', '.'], { cwd: fixture('jest') })
  assert.deepEqual({ code, stdout }, { code: 0, stdout: '' })
})

test('Jest: test files in parallel processes do not see each other, and coverage is told', async () => {
  const folder = fixture('jest')
  const variables = { AT_THE_SAME_TIME: 'yes' }
  assertPassed(await jest(folder, ['--maxWorkers=3', '--coverage'], { variables }), SPECS)
  const coverage = Object.entries(JSON.parse(readFileSync(join(folder, 'coverage/coverage-summary.json'))))
  for (const name of ['documents.ts', 'notes.ts']) {
    assert.equal(coverage.find(([path]) => path.endsWith(name))[1].lines.pct, 100)
  }
})

test('Jest: test files in one process do not see each other, and leave no handle open', async () => {
  const args = [
    '--runInBand',
    '--detectOpenHandles',
    '--watchAll=false',
    '--coverage',
    '--coverageProvider=v8',
  ]
  assertPassed(await jest(fixture('jest'), args), SPECS)
})

test('Jest: test files in worker threads do not see each other', async () => {
  const args = ['--maxWorkers=3', '--workerThreads', 'default-client', 'errors', 'equality', 'never-closed']
  const variables = { AT_THE_SAME_TIME: 'yes' }
  assertPassed(await jest(fixture('jest'), args, { variables }), 41)
})

test('Jest: ES modules import the names of the package', async () => {
  const variables = { NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning' }
  assertPassed(await jest(fixture('jest'), ['-c', 'jest.esm.config.cjs'], { variables }), 4)
})

for (const [name, executable] of Object.entries(runtimes).slice(1)) {
  test(`Jest: the specs pass in ${name}`, async () => {
    const args = ['--runInBand', 'documents', 'errors', 'equality', 'own-environment', 'never-closed']
    assertPassed(await jest(fixture('jest'), args, { executable }), 38)
  })
}

test('Jest: wrong expectations fail and say why, and a server left open is told of', async () => {
  const failed = await jest(fixture('jest'), ['-c', 'jest.failing.config.cjs', '--maxWorkers=2'])
  const { code, signal, passed, total, complaints } = failed
  assert.deepEqual({ code, signal, passed, total }, { code: 1, signal: null, passed: 1, total: 5 })
  assert.match(complaints.join('\n'), /A worker process has failed to exit gracefully/)

  const another = messageOf(failed, 'toThrow of another class')
  assert.match(another, /Expected constructor: VectorNotFoundError\nReceived constructor: ValidationError/)
  assert.match(another, /Received message: +"filter: a filter must have at least one condition/)
  assert.match(another, /failing\.spec\.ts:\d+/)
  assert.match(messageOf(failed, 'toThrow of what resolves'), /resolved instead of rejected/)
  assert.match(messageOf(failed, 'toEqual of another report'), /- +"status": "deleted"/)
  const unexpected = messageOf(failed, 'an error that nobody expects')
  assert.match(unexpected, /VectorNotFoundError: there is no vector 'nobody'/)
  assert.match(unexpected, /failing\.spec\.ts:\d+/)
})

const vitestProject = () => project('vitest', 'src', 'shared', 'specs')

for (const pool of ['threads', 'forks', 'vmThreads', 'vmForks']) {
  test(`Vitest: test files in parallel do not see each other with the pool ${pool}`, async () => {
    const variables = { ISOLATED: 'yes', AT_THE_SAME_TIME: 'yes' }
    const args = [`--pool=${pool}`, '--maxWorkers=3']
    assertPassed(await vitest(vitestProject(), args, { variables }), 59)
  })
}

for (const pool of ['threads', 'forks']) {
  test(`Vitest: test files of one worker do not see each other with the pool ${pool}`, async () => {
    const args = [`--pool=${pool}`, '--maxWorkers=1']
    assertPassed(await vitest(vitestProject(), args, { variables: { ISOLATED: 'yes' } }), 59)
  })
}

const shared = [
  ['threads', '--no-isolate'],
  ['forks', '--no-isolate'],
  ['vmThreads', '--isolate'],
  ['vmForks', '--isolate'],
]
for (const [pool, isolation] of shared) {
  test(`Vitest: with ${isolation} a worker of the pool ${pool} has one default client`, async () => {
    const args = [`--pool=${pool}`, isolation, '--maxWorkers=1']
    const ended = await vitest(vitestProject(), args, { variables: { ISOLATED: 'no' } })
    assertPassed(ended, 48)
    const seen = ended.cases.flatMap(({ meta }) => meta.seen ?? [])
    assert.deepEqual(seen.sort(), [1, 2])
  })
}

test('Vitest: wrong expectations fail and say why', async () => {
  const failed = await vitest(fixture('vitest'), ['--config=vitest.failing.config.mjs'])
  const { code, signal, passed, total } = failed
  assert.deepEqual({ code, signal, passed, total }, { code: 1, signal: null, passed: 0, total: 2 })
  const another = messageOf(failed, 'toThrow of another class')
  assert.match(another, /expected error to be instance of VectorNotFoundError/)
  assert.match(another, /failing\.test\.ts:\d+/)
  assert.match(messageOf(failed, 'an error that nobody expects'), /there is no vector 'nobody'/)
})

/** Runs tests with `node --test`, and returns how it ended and the numbers in its last lines. */
async function nodeTest(executable, args, variables) {
  const folder = project('node-test', 'shared')
  const all = ['--test', '--test-reporter=tap', ...args]
  const ended = await run(executable, all, { cwd: folder, env: environment(variables) })
  const number = (name) => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(ended.stdout)?.[1])
  return { ...ended, tests: number('tests'), pass: number('pass') }
}

async function assertNodeTestPasses(executable, args, variables) {
  const names = ['default-client-1', 'default-client-2', 'default-client-3', 'equality', 'errors', 'mocks']
  const files = [...names, 'never-closed'].map((name) => `tests/${name}.test.mjs`)
  const { stdout, ...ended } = await nodeTest(executable, [...args, ...files], variables)
  assert.deepEqual(ended, { code: 0, signal: null, stderr: '', tests: 26, pass: 26 }, stdout)
}

for (const [name, executable] of Object.entries(runtimes)) {
  test(`node --test: test files do not see each other in ${name}`, () =>
    assertNodeTestPasses(executable, ['--test-concurrency=3']))
}

const isolation = { 'Node.js 22': '--experimental-test-isolation', 'Node.js 24': '--test-isolation' }
for (const [name, option] of Object.entries(isolation)) {
  test(`node --test: without isolation there is one default client in ${name}`, () => {
    const args = [`${option}=none`, '--disable-warning=ExperimentalWarning']
    return assertNodeTestPasses(runtimes[name], args, { ISOLATION: 'none' })
  })
}

test('node --test: wrong expectations fail and say why', async () => {
  const { code, tests, pass, stdout } = await nodeTest(process.execPath, ['failing/failing.test.mjs'])
  assert.deepEqual({ code, tests, pass }, { code: 1, tests: 2, pass: 0 })
  assert.match(stdout, /expected to be an instance of "VectorNotFoundError"\. Received "ValidationError"/)
  assert.match(stdout, /there is no vector 'nobody' in collection 'points'/)
  assert.match(stdout, /failing\.test\.mjs:\d+/)
})
