// The package's command: what it understands, how it fails, how it ends.
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import * as manifest from '../../package.json'
import { client as opened } from '../support/collections'
import { directory, store } from '../support/disk'
import { command, commandPath, commandServing, ended, inFlight, refusal } from '../support/http'
import { lines, Wire } from '../support/wire'

const run = (args: string[], env?: NodeJS.ProcessEnv) => command(args, env).ended

describe('the command', () => {
  test.each([[['serve', '--help']], [['serve', '-h']], [['serve', '--port', 'x', '--help']]])(
    'asked with %j tells of every option, on standard output',
    async (args) => {
      const { code, stdout, stderr } = await run(args)
      expect({ code, stderr }).toStrictEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/^Usage: vectorizer-native serve/)
      for (const option of [
        ...['host', 'port', 'data', 'fsync', 'api-key', 'allow-host', 'cors', 'max-body', 'max-connections'],
        ...['log', 'log-format', 'key-file', 'ledger', 'help', 'version'],
      ]) {
        expect(stdout).toMatch(new RegExp(`^  --${option}\\b`, 'm'))
      }
    },
  )

  test.each([[['--version']], [['-v']], [['serve', '--version']]])(
    'asked with %j tells its version',
    async (args) => {
      expect(await run(args)).toStrictEqual({
        code: 0,
        signal: null,
        stdout: `${manifest.version}\n`,
        stderr: '',
      })
    },
  )

  test.each<[string, string[], RegExp]>([
    ['nothing', [], /Try: serve/],
    ['an unknown command', ['serv'], /unknown command 'serv': did you mean serve\?\n/],
    ['a second command', ['serve', 'more'], /'more'/],
    ['an unknown flag', ['serve', '--prot', '80'], /unknown option '--prot': did you mean --port\?\n/],
    ['one with its value', ['serve', '--prot=80'], /unknown option '--prot': did you mean --port\?\n/],
    [
      'a flag of the SDK',
      ['serve', '--apiKey', 'x'],
      /unknown option '--apiKey': did you mean --api-key\?\n/,
    ],
    ['a flag like no other', ['serve', '--verbose'], /unknown option '--verbose'\n/],
    ['a flag without its value', ['serve', '--port'], /--port/],
    ['a flag for a value', ['serve', '--data', '--log'], /--data/],
    ['a port that is no number', ['serve', '--port', 'http'], /--port.*'http'/],
    ['a port that is too large', ['serve', '--port', '70000'], /--port.*70000.*65535/],
    ['a port that is negative', ['serve', '--port=-1'], /--port/],
    ['a port that is a fraction', ['serve', '--port', '1.5'], /--port/],
    ['an empty port', ['serve', '--port', ''], /--port/],
    ['a body that is no number', ['serve', '--max-body', '64MB'], /--max-body.*'64MB'/],
    ['no room for a body', ['serve', '--max-body', '0'], /axBodyBytes|--max-body/],
    ['no connections', ['serve', '--max-connections', '0'], /axConnections|--max-connections/],
    ['an empty key', ['serve', '--api-key', ''], /--api-key/],
    ['an empty directory', ['serve', '--data', ''], /--data/],
    ['an fsync that does not exist', ['serve', '--data', '/tmp/x', '--fsync', 'never'], /never/],
    ['an fsync without a directory', ['serve', '--fsync', 'always'], /--data/],
    ['a ledger without a directory', ['serve', '--ledger'], /--ledger needs --data: /],
    ['a value for a ledger', ['serve', '--data', '/tmp/x', '--ledger=x'], /--ledger/],
    ['a log that does not exist', ['serve', '--log-format', 'xml'], /xml/],
    ['a value for a switch', ['serve', '--log=json'], /--log/],
    ['a host that others reach, and no key', ['serve', '--host', '0.0.0.0'], /API key/],
    ['an origin that is none', ['serve', '--cors', '\n'], /cors/],
  ])('given %s says what is wrong, on standard error, and exits with 2', async (_, args, message) => {
    const port = args.some((arg) => arg.startsWith('--port')) || args.length === 0 ? [] : ['--port', '0']
    const { code, signal, stdout, stderr } = await run([...args, ...port])
    expect({ code, signal, stdout }).toStrictEqual({ code: 2, signal: null, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^vectorizer-native: .+\nTry 'vectorizer-native (serve )?--help'\.\n$/s)
  })

  test('is what the package calls it, and can be run by itself', () => {
    expect(manifest.bin).toStrictEqual({ 'vectorizer-native': 'bin/vectorizer-native.js' })
    expect(readFileSync(commandPath, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
    expect(manifest.files).toContain('bin')
  })
})

describe('a server of the command', () => {
  test('says one line when it listens', async () => {
    const { running, url } = await commandServing()
    expect((await stopped(running)).stdout).toBe(
      `vectorizer-native ${manifest.version} is listening on ${url} (in memory)\n`,
    )
    const data = join(directory(), 'store')
    const onDisk = await commandServing(['--data', data])
    expect((await stopped(onDisk.running)).stdout).toBe(
      `vectorizer-native ${manifest.version} is listening on ${onDisk.url} (data in ${data})\n`,
    )
  })

  test('keeps its collections in memory, or in a directory', async () => {
    const data = join(directory(), 'a directory', 'store')
    for (const [args, kept] of [
      [[], 0],
      [['--data', data], 1],
      [['--data', data, '--fsync', 'always'], 1],
    ] as const) {
      const first = await commandServing(args)
      await first.ask('POST', '/collections', { name: 'things', dimension: 2 })
      await first.ask('POST', '/collections/things/insert', { id: 'a', vector: [1, 2] })
      await stopped(first.running)
      const second = await commandServing(args)
      expect((await second.ask('GET', '/collections')).json.total).toBe(kept)
      await stopped(second.running)
    }
    expect(await opened({ path: data }).count('things')).toBe(1)
  })

  test('wants the key of its arguments, or of its environment', async () => {
    for (const [args, env, key] of [
      [['--api-key', 'one'], {}, 'one'],
      [[], { VECTORIZER_API_KEY: 'two' }, 'two'],
      [['--api-key', 'one'], { VECTORIZER_API_KEY: 'two' }, 'one'],
    ] as const) {
      const { ask, running } = await commandServing(args, env)
      expect((await ask('GET', '/collections', undefined, { 'x-api-key': key })).status).toBe(200)
      for (const headers of [{}, { 'x-api-key': key === 'one' ? 'two' : 'one' }]) {
        expect(refusal(await ask('GET', '/collections', undefined, headers)).status).toBe(401)
      }
      const { stdout, stderr } = await stopped(running)
      expect(stdout + stderr).not.toContain(`${key}\n`)
    }
    const { ask } = await commandServing([], { VECTORIZER_API_KEY: '' })
    expect((await ask('GET', '/collections')).status).toBe(200)
  })

  test('takes its other options to heart', async () => {
    const args = ['--max-body', '100', '--cors', 'https://a.example', '--cors', 'https://b.example']
    const { ask } = await commandServing([...args, '--allow-host', 'c.example', '--allow-host', 'd.example'])
    expect(refusal(await ask('POST', '/embed', { text: 'x'.repeat(100) })).status).toBe(413)
    for (const origin of ['https://a.example', 'https://b.example']) {
      const { headers } = await ask('GET', '/health', undefined, { origin })
      expect(headers['access-control-allow-origin']).toBe(origin)
    }
    for (const host of ['c.example', 'd.example']) {
      expect((await ask('GET', '/health', undefined, { host })).status).toBe(200)
    }
    expect(refusal(await ask('GET', '/health', undefined, { host: 'e.example' })).status).toBe(403)
  })

  test('takes bodies as large as it is told, also larger than all bodies together by default', async () => {
    const { ask } = await commandServing(['--max-body', `${300 * 2 ** 20}`])
    expect((await ask('POST', '/embed', { text: 'a' })).status).toBe(200)
  })

  test('fails with 1 where the port is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const { port } = taken.address() as { port: number }
    const { code, stdout, stderr } = await run(['serve', '--port', `${port}`])
    taken.close()
    expect({ code, stdout }).toStrictEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(new RegExp(`^vectorizer-native: .*${port}.*another port.*\n$`))
  })

  test('fails with 1 where another process has the store, and names it', async () => {
    const { client, path } = store()
    await client.createCollection('things', { dimension: 2 })
    const { code, stdout, stderr } = await run(['serve', '--port', '0', '--data', path])
    expect({ code, stdout }).toStrictEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(new RegExp(`^vectorizer-native: .*\\b${process.pid}\\b.*\n$`))

    await client.close()
    const { running } = await commandServing(['--data', path])
    const second = await run(['serve', '--port', '0', '--data', path])
    expect(second).toMatchObject({ code: 1, stdout: '' })
    expect(second.stderr).toContain(`${running.child.pid}`)
  })

  test('fails with 1 where the directory cannot be used', async () => {
    const file = join(directory(), 'file')
    writeFileSync(file, 'no directory')
    const { code, stdout, stderr } = await run(['serve', '--port', '0', '--data', join(file, 'store')])
    expect({ code, stdout }).toStrictEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(file)
  })

  test.each([
    ['SIGTERM', 'SIGTERM'],
    ['SIGINT', 'SIGINT'],
    ['SIGTERM', 'SIGINT'],
    ['SIGINT', 'SIGTERM'],
  ] as const)('ends in order at %s, and at once at %s after it', async (first, second) => {
    const { running: idle } = await commandServing()
    idle.child.kill(first)
    expect(await idle.ended).toMatchObject({ code: 0, signal: null, stderr: '' })

    const { running, url } = await commandServing()
    const { hostname, port } = new URL(url)
    const wire = await Wire.to({ address: hostname, port: Number(port) })
    wire.say(...lines('POST', '/embed', { 'content-type': 'application/json', 'content-length': 10 }))
    await inFlight(url, 1)
    running.child.kill(first)
    await ended(url)
    running.child.kill(second)
    expect(await running.ended).toMatchObject({ code: null, signal: second })
  })
})

/** Ends a command, and tells all it has said. */
async function stopped(running: Awaited<ReturnType<typeof commandServing>>['running']) {
  running.child.kill('SIGTERM')
  const { code, signal, stdout, stderr } = await running.ended
  expect({ code, signal }).toStrictEqual({ code: 0, signal: null })
  return { stdout, stderr }
}
