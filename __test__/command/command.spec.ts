// The commands for a store that no server has open: backups, keys, and a look at the files.
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import * as manifest from '../../package.json'
import { everything, idsOf, client as opened } from '../support/collections'
import { printed, refused, run } from '../support/command'
import { directory, files, plain, store } from '../support/disk'
import { command, commandServing } from '../support/http'

const COMMANDS = {
  serve: ['host', 'port', 'data', 'ledger', 'key-file'],
  backup: ['keys', 'collection', 'key-file'],
  restore: ['keys', 'keys-key-file', 'ledger', 'key-file'],
  'export-keys': ['key-file'],
  'rotate-keys': ['new-key-file', 'key-file'],
  inspect: ['ids', 'json', 'key-file'],
  verify: ['json', 'key-file'],
  receipt: ['ledger', 'public-key'],
  ledger: ['public-key', 'receipt', 'head', 'json'],
}

/** Runs the command in a process of its own. */
const runAlone = (args: string[], env: NodeJS.ProcessEnv = {}) =>
  command(args, { VECTORIZER_KEY: undefined, ...env }).ended

/** A closed store with the collections `docs`, of `a`, `b` and `c`, and `others`, of `d`. */
async function filled(key?: Uint8Array) {
  const { client, path } = store({ fsync: 'no', ...(key && { encryption: { key } }) })
  await client.createCollection('docs', { dimension: 3, metric: 'euclidean' })
  await client.createCollection('others', { dimension: 2 })
  await client.insertVectors(
    'docs',
    ['a', 'b', 'c'].map((id, i) => ({ id, data: [1, 2, i], metadata: { of: `the vector ${id}` } })),
  )
  await client.insertVectors('others', [{ id: 'd', data: [1, 1], text: 'a text' }])
  await client.close()
  return path
}

/** Uses a store, and closes it. */
async function using<T>(
  path: string,
  key: Uint8Array | undefined,
  use: (client: ReturnType<typeof opened>) => T,
) {
  const client = opened({ path, ...(key && { encryption: { key } }) })
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}

const allIn = (path: string, key?: Uint8Array) => using(path, key, everything)
const deleted = (path: string, ...ids: string[]) =>
  using(path, undefined, (client) => client.batchDelete('docs', ids))

/** A new file that holds this. */
function holding(content: string | Uint8Array) {
  const file = join(directory(), 'key')
  writeFileSync(file, content)
  return file
}

/** Every file of a directory with a digest of what is in it. */
const contents = (path: string) =>
  Object.fromEntries(files(path).map((file) => [relative(path, file), digest(file)]))
const digest = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')

/** The same but for what says who had the store open last. */
function data(path: string) {
  const { LOCK: _, OWNER: __, ...rest } = contents(path)
  return rest
}

/** Changes one bit of a file; places before 0 are counted from its end. */
function flipped(file: string, at: number) {
  const bytes = readFileSync(file)
  bytes[at < 0 ? bytes.length + at : at] ^= 1
  writeFileSync(file, bytes)
}

describe('the help', () => {
  const isOneScreen = (text: string) => {
    const lines = text.split('\n')
    expect(lines.length).toBeLessThanOrEqual(40)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(90)
  }

  test.each([[['--help']], [['-h']]])('that %j asks for has a line for each command', async (args) => {
    const help = await printed(args)
    expect(help).toMatch(/^Usage: vectorizer-native COMMAND/)
    for (const name of Object.keys(COMMANDS)) expect(help).toMatch(new RegExp(`^  ${name} +\\w`, 'm'))
    for (const name of ['key-file', 'help', 'version'])
      expect(help).toMatch(new RegExp(`^  --${name}\\b`, 'm'))
    expect(help).toContain('VECTORIZER_KEY')
    isOneScreen(help)
  })

  test.each(Object.entries(COMMANDS))('of %s has all its options', async (name, options) => {
    const help = await printed([name, '--help'])
    expect(help).toMatch(new RegExp(`^Usage: vectorizer-native ${name} `))
    const listed = Array.from(help.matchAll(/^ {2}--([\w-]+)/gm), ([, option]) => option)
    expect(listed).toStrictEqual(expect.arrayContaining([...options, 'help', 'version']))
    if (name !== 'serve') expect(listed).toHaveLength(options.length + 2)
    isOneScreen(help)
  })

  test('of a command can be asked for before it, and in the middle of its options', async () => {
    const help = await printed(['verify', '--help'])
    expect(await printed(['--help', 'verify'])).toBe(help)
    expect(await printed(['--json', 'verify', '-h', 'x'])).toBe(help)
    expect(await printed(['verify', '--version'])).toBe(`${manifest.version}\n`)
  })
})

describe('what is not understood exits with 2, and says where to look:', () => {
  test.each<[string, string[], string, string?]>([
    ['a misspelt command', ['bakcup', 'a', 'b'], "unknown command 'bakcup': did you mean backup?", ''],
    [
      'one letter too few',
      ['rotate-key', 'a'],
      "unknown command 'rotate-key': did you mean rotate-keys?",
      '',
    ],
    ['a command like no other', ['remove', 'a'], "unknown command 'remove'", ''],
    ['a command of every object', ['constructor'], "unknown command 'constructor'", ''],
    [
      'a misspelt option',
      ['backup', 'a', 'b', '--kyes', 'apart'],
      "unknown option '--kyes': did you mean --keys?",
    ],
    ['one before its command', ['--jsn', 'verify', 'a'], "unknown option '--jsn': did you mean --json?", ''],
    ['an option of another command', ['verify', 'a', '--ids'], "unknown option '--ids'"],
    ['an option of one letter', ['verify', 'a', '-j'], "unknown option '-j'"],
    ['no directory', ['inspect'], 'DIR is missing'],
    ['no target', ['backup', 'a'], 'TARGET is missing'],
    ['an empty directory', ['verify', ''], 'DIR is empty'],
    ['an empty file', ['restore', '', 'a'], 'FILE is empty'],
    ['more than there is to say', ['export-keys', 'a', 'b', 'c'], "unexpected 'c'"],
    ['keys of no kind', ['backup', 'a', 'b', '--keys', 'here'], "--keys must be within or apart, not 'here'"],
    ['no keys', ['restore', 'a', 'b', '--keys', ''], '--keys is empty'],
    [
      'the key of no keys',
      ['restore', 'a', 'b', '--keys-key-file', 'x'],
      '--keys-key-file needs --keys: a backup with its keys within has one key',
    ],
    ['no ledger', ['restore', 'a', 'b', '--ledger', ''], '--ledger is empty'],
    ['no ledger for a receipt', ['receipt', 'a', '--ledger', ''], '--ledger is empty'],
    ['no public key', ['ledger', 'a', '--public-key', ''], '--public-key is empty'],
    ['no receipt', ['ledger', 'a', '--receipt', ''], '--receipt is empty'],
    [
      'a head that is none',
      ['ledger', 'a', '--head', '5'],
      "--head must be ENTRY:HASH, as this command prints it, not '5'",
    ],
    ...['ledger', 'receipt'].map((name): [string, string[], string] => [
      `a key for ${name}`,
      [name, 'a', '--key-file', 'b'],
      '--key-file is of no use here: neither a ledger nor a receipt is encrypted',
    ]),
    [
      'a ledger of a server in memory',
      ['serve', '--port', '0', '--ledger'],
      '--ledger needs --data: a store in memory has no ledger',
    ],
    ['no key file', ['inspect', 'a', '--key-file', ''], '--key-file is empty'],
    [
      'a key file of a server in memory',
      ['serve', '--port', '0', '--key-file', 'x'],
      '--key-file needs --data: a store in memory has no files to encrypt',
    ],
  ])('%s', async (_, args, message, where = `${args[0]} `) => {
    expect(await refused(2, args)).toBe(`${message}\nTry 'vectorizer-native ${where}--help'.`)
  })
})

test.each([['backup', 'x'], ['export-keys', 'x'], ['rotate-keys'], ['inspect'], ['verify']])(
  '%s of a directory that is no store says so, exits with 1, and makes none',
  async (name, ...more) => {
    const path = directory()
    const target = more.map(() => join(path, 'target'))
    for (const one of [join(path, 'misspelt'), path]) {
      expect(await refused(1, [name, one, ...target])).toBe(`there is no store in ${one}`)
    }
    expect(readdirSync(path)).toStrictEqual([])
  },
)

test('a store that a server has open is left to it, but for those who only look', async () => {
  const path = await filled()
  const target = directory()
  const { running } = await commandServing(['--data', path])
  for (const args of [
    ['backup', path, target],
    ['export-keys', path, target],
    ['rotate-keys', path],
  ]) {
    expect(await refused(1, args)).toMatch(new RegExp(`\\b${running.child.pid}\\b`))
  }
  expect(readdirSync(target)).toStrictEqual([])
  expect(await printed(['inspect', path])).toContain('docs')
  expect(await printed(['verify', path])).toContain('no damage found')
})

describe('a backup', () => {
  test('in a file is made a store that holds the same', async () => {
    const path = await filled()
    const [file, again] = [join(directory(), 'backup'), join(directory(), 'new', 'store')]
    const made = await printed(['backup', path, file])
    const { length } = readFileSync(file)
    expect(made).toBe(`${file}: 2 collections, 4 vectors, ${length} bytes\n`)
    expect(await printed(['restore', file, again])).toBe(`${again}: 2 collections, 4 vectors\n`)
    expect(await allIn(again)).toStrictEqual(await allIn(path))
    expect(existsSync(join(path, 'target'))).toBe(false)
  })

  test('in a directory is a new file, which is named', async () => {
    const [path, target] = [await filled(), directory()]
    const made = await printed(['backup', path, target])
    const [name] = readdirSync(target)
    expect(made.startsWith(`${join(target, name)}: 2 collections`)).toBe(true)
  })

  test('has those collections that are named', async () => {
    const [path, target] = [await filled(), directory()]
    const one = await printed(['backup', path, join(target, 'one'), '--collection', 'others'])
    expect(one).toContain(': 1 collection, 1 vector, ')
    const both = ['--collection', 'others', '--collection', 'docs']
    expect(await printed(['backup', path, join(target, 'both'), ...both])).toContain(
      ': 2 collections, 4 vectors, ',
    )
    expect(await refused(1, ['backup', path, join(target, 'none'), '--collection', 'other'])).toContain(
      "'other'",
    )
    expect(readdirSync(target)).toStrictEqual(['both', 'one'])
  })

  test('names what it has removed of one that was never finished', async () => {
    const [path, target] = [await filled(), directory()]
    await printed(['backup', path, join(target, 'first')])
    const left = join(target, 'killed.0190aaaabbbb7cccdddd0123456789ab.part')
    writeFileSync(left, readFileSync(join(target, 'first')).subarray(0, 100))
    expect(await printed(['backup', path, join(target, 'second')])).toContain(`\nremoved ${left}, `)
    expect(readdirSync(target)).toStrictEqual(['first', 'second'])
  })

  test('never takes the place of anything, and neither does what is restored', async () => {
    const path = await filled()
    const file = join(directory(), 'backup')
    await printed(['backup', path, file])
    const before = digest(file)
    expect(await refused(1, ['backup', path, file])).toContain(file)
    expect(digest(file)).toBe(before)
    const held = contents(path)
    expect(await refused(1, ['restore', file, path])).toContain(`${path} is not empty`)
    expect(contents(path)).toStrictEqual(held)
    expect(await refused(1, ['restore', join(path, 'nope'), join(path, 'to')])).toContain('there is no file')
  })

  test.each(['apart', 'within'])(
    'with its keys %s says where they are, and what is erased since',
    async (keys) => {
      const path = await filled()
      const target = directory()
      const file = join(target, 'backup')
      const made = await printed(['backup', path, file, '--keys', keys])
      await deleted(path, 'a', 'c')
      const newest = join(target, 'newest')
      const exported = await printed(['export-keys', path, newest])
      expect(exported.startsWith(`${newest}: `)).toBe(true)
      const restored = join(directory(), 'restored')

      if (keys === 'within') {
        expect(made.split('\n')).toHaveLength(2)
        expect(await printed(['restore', file, restored])).toBe(`${restored}: 2 collections, 4 vectors\n`)
        expect(await using(restored, undefined, idsIn)).toStrictEqual(['a', 'b', 'c'])
        return
      }
      expect(made).toContain(`\nits keys are in ${file}.keys\n`)
      expect(await refused(1, ['restore', file, restored])).toMatch(/ as --keys$/)
      expect(existsSync(restored)).toBe(false)
      for (const [i, from] of [newest, path].entries()) {
        const there = `${restored}-${i}`
        expect(await printed(['restore', file, there, '--keys', from])).toBe(
          `${there}: 2 collections, 2 vectors\nerased since the backup: 2 vectors\n`,
        )
        expect(await using(there, undefined, idsIn)).toStrictEqual(['b'])
      }
      // With the keys of its own time nothing is gone.
      const own = await printed(['restore', file, restored, '--keys', `${file}.keys`])
      expect(own).toBe(`${restored}: 2 collections, 4 vectors\nerased since the backup: 0 vectors\n`)
    },
  )
})

const idsIn = (client: ReturnType<typeof opened>) => idsOf(client, 'docs')

describe('a key', () => {
  const key = randomBytes(32)
  const text = key.toString('base64')
  const other = randomBytes(32).toString('base64')

  test.each<[string, string | Uint8Array]>([
    ['32 bytes', key],
    ['their base64 text', text],
    ['it with a line end', `${text}\n`],
    ['it with a line end of two bytes', `${text}\r\n`],
  ])('may be a file of %s', async (_, content) => {
    const path = await filled(key)
    expect(await printed(['inspect', path, '--key-file', holding(content)])).toMatch(
      /: encrypted, 2 collections\n/,
    )
  })

  test('may be in the environment; a file that is named wins', async () => {
    const path = await filled(key)
    expect(await printed(['inspect', path], { VECTORIZER_KEY: text })).toMatch(/: encrypted, /)
    const file = holding(key)
    await printed(['inspect', path, '--key-file', file], { VECTORIZER_KEY: other })
    await printed(['inspect', path, '--key-file', file], { VECTORIZER_KEY: 'no key' })
    await refused(1, ['inspect', path, '--key-file', holding(other)], { VECTORIZER_KEY: text })
  })

  test.each<[string, string | Uint8Array]>([
    ['nothing', ''],
    ['31 bytes', key.subarray(1)],
    ['33 bytes', Buffer.concat([key, Buffer.alloc(1)])],
    ['hexadecimal digits', key.toString('hex')],
    ['base64 text of 31 bytes', key.subarray(1).toString('base64')],
    ['base64 text with something behind it', `${text}\n\n`],
    ['base64 text of another alphabet', Buffer.alloc(32, 255).toString('base64url')],
    ['much more', Buffer.alloc(1_000_000)],
  ])('that is %s exits with 2, and is not shown', async (_, content) => {
    const path = await filled(key)
    const file = holding(content)
    expect(await refused(2, ['verify', path, '--key-file', file])).toBe(
      `--key-file: ${file} must hold 32 bytes, or the base64 text of 32 bytes\nTry 'vectorizer-native verify --help'.`,
    )
    expect(await refused(2, ['rotate-keys', path, '--new-key-file', file], { VECTORIZER_KEY: text })).toMatch(
      /^--new-key-file: .* must hold 32 bytes, or /,
    )
    if (typeof content !== 'string') return
    expect(await refused(2, ['verify', path], { VECTORIZER_KEY: content })).toBe(
      "VECTORIZER_KEY must be the base64 text of 32 bytes\nTry 'vectorizer-native verify --help'.",
    )
  })

  test('whose file cannot be read exits with 1', async () => {
    const path = await filled(key)
    for (const file of [join(path, 'nope'), path]) {
      expect(await refused(1, ['inspect', path, '--key-file', file])).toMatch(
        /^--key-file: .* cannot be read: E/,
      )
    }
  })

  test('that is wrong, missing or too much exits with 1, and changes nothing', async () => {
    for (const [path, env, why] of [
      [await filled(key), { VECTORIZER_KEY: other }, /cannot be opened with this key/],
      [await filled(key), {}, /is encrypted: give its key as --key-file or VECTORIZER_KEY$/],
      [await filled(), { VECTORIZER_KEY: other }, /is not encrypted/],
    ] as const) {
      const [target, before] = [directory(), data(path)]
      for (const args of [
        ['backup', path, target],
        ['export-keys', path, target],
        ['rotate-keys', path, '--new-key-file', holding(other)],
        ['inspect', path],
        ['verify', path],
        ['serve', '--port', '0', '--data', path],
      ]) {
        expect(await refused(1, args, env)).toMatch(why)
      }
      expect(readdirSync(target)).toStrictEqual([])
      expect(data(path)).toStrictEqual(before)
    }
  })

  test('opens a store for every command, and what is made of it has the same', async () => {
    const path = await filled(key)
    const target = directory()
    const [file, again] = [join(target, 'backup'), join(target, 'again')]
    const env = { VECTORIZER_KEY: text }
    await printed(['backup', path, file, '--keys', 'apart'], env)
    await printed(['export-keys', path, join(target, 'keys')], env)
    expect(await refused(1, ['restore', file, again, '--keys', path])).toMatch(/is encrypted/)
    await printed(['restore', file, again, '--keys', path], env)
    await printed(['rotate-keys', path], env)
    await printed(['verify', path], env)
    expect(await allIn(again, key)).toStrictEqual(await allIn(path, key))
    expect(plain(target, [Buffer.from('the vector a')])).toStrictEqual([])
  })

  test.each(['--key-file', 'VECTORIZER_KEY'])('given by %s encrypts what a server stores', async (how) => {
    const path = join(directory(), 'store')
    const args = how === '--key-file' ? ['--key-file', holding(key)] : []
    const { ask, running } = await commandServing(['--data', path, ...args], {
      VECTORIZER_KEY: how === 'VECTORIZER_KEY' ? text : undefined,
    })
    await ask('POST', '/collections', { name: 'docs', dimension: 2 })
    await ask('POST', '/collections/docs/insert', { id: 'a', vector: [1, 2] })
    running.child.kill('SIGTERM')
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' })
    expect(await using(path, key, idsIn)).toStrictEqual(['a'])
    expect(await refused(1, ['verify', path])).toMatch(/is encrypted/)
  })
})

describe('rotate-keys', () => {
  const [first, second] = [randomBytes(32), randomBytes(32)]
  const keyring = (path: string) => readFileSync(join(path, 'KEYRING'))

  test('gives a store new keys, which opens as before', async () => {
    for (const key of [undefined, first]) {
      const path = await filled(key)
      const [before, held] = [await allIn(path, key), keyring(path)]
      const args = key ? ['--key-file', holding(key)] : []
      expect(await printed(['rotate-keys', path, ...args])).toBe(`${path}: its keys are new\n`)
      expect(keyring(path).equals(held)).toBe(false)
      expect(await allIn(path, key)).toStrictEqual(before)
    }
  })

  test('gives it another key as well, and the one before is refused', async () => {
    const path = await filled(first)
    const before = await allIn(path, first)
    const [from, to] = [holding(first), holding(second.toString('base64'))]
    expect(await printed(['rotate-keys', path, '--key-file', from, '--new-key-file', to])).toBe(
      `${path}: its keys are new, and it opens with the key in ${to}\n`,
    )
    expect(await refused(1, ['verify', path, '--key-file', from])).toMatch(/cannot be opened with this key/)
    expect(await printed(['verify', path, '--key-file', to])).toContain('no damage found')
    expect(await allIn(path, second)).toStrictEqual(before)
  })

  test('encrypts a store that was not', async () => {
    const path = await filled()
    const file = holding(second)
    await printed(['rotate-keys', path, '--new-key-file', file])
    expect(await refused(1, ['inspect', path])).toMatch(/is encrypted/)
    expect(await printed(['inspect', path, '--key-file', file])).toMatch(/: encrypted, /)
  })

  test.each(['first', 'other'])(
    'to its %s key leaves what is restored of an older backup with the new one',
    async (which) => {
      const before = which === 'first' ? undefined : first
      const path = await filled(before)
      const target = directory()
      const [file, newest, again] = ['backup', 'newest', 'again'].map((name) => join(target, name))
      const [from, to] = [before ? ['--key-file', holding(before)] : [], holding(second)]
      await printed(['backup', path, file, '--keys', 'apart', ...from])
      await printed(['rotate-keys', path, ...from, '--new-key-file', to])
      await using(path, second, (client) => client.batchDelete('docs', ['a']))
      const left = await allIn(path, second)
      await printed(['export-keys', path, newest, '--key-file', to])

      for (const keys of [newest, path]) {
        const args = ['restore', file, again, '--keys', keys]
        await refused(1, [...args, ...from])
        await refused(1, [...args, '--keys-key-file', holding(randomBytes(32)), ...from])
        expect(existsSync(again)).toBe(false)
        expect(await printed([...args, '--keys-key-file', to, ...from])).toBe(
          `${again}: 2 collections, 3 vectors\nerased since the backup: 1 vector\n`,
        )
        expect(await allIn(again, second)).toStrictEqual(left)
        rmSync(again, { recursive: true })
      }
    },
  )
})

interface Collection {
  name: string
  directory: string
  entries: number
  live: number
  withKey: number
  withoutKey: number
  ids?: string[]
}

describe('inspect', () => {
  const seen = async (path: string, ...more: string[]) =>
    JSON.parse(await printed(['inspect', path, '--json', ...more]))
  const docs = async (path: string, ...more: string[]) =>
    (await seen(path, ...more)).collections.find(({ name }: Collection) => name === 'docs')

  test('prints for each collection what is in it', async () => {
    const path = await filled()
    const [one, ...blocks] = (await printed(['inspect', path])).split('\n\n')
    expect(one).toBe(`${path}: not encrypted, 2 collections`)
    expect(blocks).toHaveLength(2)
    const [lines] = blocks.filter((block) => block.startsWith('docs'))
    expect(lines.split('\n').map((line) => line.trim().split(/ {2,}/))).toStrictEqual([
      ['docs (collection-1)'],
      ['dimension', '3'],
      ['metric', 'euclidean'],
      ['vectors', '3'],
      ['records', '3: 3 with a key, 0 without'],
      ['bytes', expect.stringMatching(/^\d+$/)],
    ])
  })

  test('prints the same as JSON', async () => {
    const path = await filled()
    const other = {
      dimension: 2,
      metric: 'cosine',
      entries: 1,
      live: 1,
      withKey: 1,
      withoutKey: 0,
      damaged: [],
    }
    const { collections, ...rest } = await seen(path)
    expect(rest).toStrictEqual({ path, encrypted: false, damaged: [] })
    expect(collections.map(({ name }: Collection) => name).sort()).toStrictEqual(['docs', 'others'])
    const bytes = expect.any(Number)
    expect(collections).toContainEqual({
      directory: join(path, 'collection-2'),
      name: 'others',
      ...other,
      bytes,
    })
    expect((await docs(path, '--ids')).ids.sort()).toStrictEqual(['a', 'b', 'c'])
  })

  test('shows that a delete has destroyed keys, and no id of what is deleted', async () => {
    const path = await filled()
    const before = { entries: 3, live: 3, withKey: 3, withoutKey: 0 }
    expect(await docs(path)).toMatchObject(before)
    expect(await printed(['inspect', path, '--ids'])).toMatch(/\n {4}a\n {4}b\n {4}c\n/)
    await deleted(path, 'b')
    expect(await docs(path, '--ids')).toMatchObject({
      ...{ entries: 3, live: 2, withKey: 2, withoutKey: 1 },
      ids: ['a', 'c'],
    })
    const text = await printed(['inspect', path, '--ids'])
    expect(text).toMatch(/\n {4}a\n {4}c\n/)
    expect(text).toContain('3: 2 with a key, 1 without')
    await deleted(path, 'a', 'c')
    expect(await docs(path, '--ids')).toMatchObject({ live: 0, withKey: 0, withoutKey: 3, ids: [] })
  })

  test('tells what was deleted with undo and waits', async () => {
    const path = await filled()
    await using(path, undefined, async (client) => {
      await client.batchDelete('docs', ['a', 'b'], { undo: '1h' })
      await client.deleteCollection('others', { undo: '1h' })
    })
    const { collections } = await seen(path, '--ids')
    const told = collections.map(({ name, undoable, live, ids }: Collection & { undoable?: string }) => [
      name,
      undoable,
      live,
      ids?.sort(),
    ])
    expect(told).toHaveLength(3)
    expect(told).toContainEqual(['docs', undefined, 1, ['c']])
    expect(told).toContainEqual(['docs', 'vectors', 2, ['a', 'b']])
    expect(told).toContainEqual(['others', 'collection', 1, [expect.any(String)]])
    const text = await printed(['inspect', path])
    expect(text).toMatch(/^docs \(collection-1\)$/m)
    expect(text).toMatch(/^docs \(collection-3\): vectors deleted with undo$/m)
    expect(text).toMatch(/^others \(collection-2\): collection deleted with undo$/m)
  })

  test('prints an id as one line that does nothing to a terminal', async () => {
    const path = await filled()
    const ids = [
      'two\nlines',
      'bell\u0007',
      '\u001b[31mred',
      'back\\slash',
      '\u202eturned',
      'é😀',
      '\u009b1A',
    ]
    await using(path, undefined, (client) =>
      client.insertVectors(
        'docs',
        ids.map((id) => ({ id, data: [1, 2, 3] })),
      ),
    )
    const text = await printed(['inspect', path, '--ids'])
    const lines = Array.from(text.matchAll(/^ {4}(.*)$/gm), ([, id]) => id)
    expect(lines).toStrictEqual(
      expect.arrayContaining([
        ...[
          'a',
          'two\\nlines',
          'bell\\u0007',
          '\\u001b[31mred',
          'back\\\\slash',
          '\\u202eturned',
          'é😀',
          '\\u009b1A',
        ],
      ]),
    )
    expect((await docs(path, '--ids')).ids).toStrictEqual(expect.arrayContaining(ids))
  })

  test('changes nothing', async () => {
    const path = await filled()
    await deleted(path, 'a')
    const before = contents(path)
    await printed(['inspect', path, '--ids'])
    await printed(['verify', path])
    expect(contents(path)).toStrictEqual(before)
  })

  test('ends in order where nobody reads on', async () => {
    const running = command(['inspect', await filled(), '--ids'])
    running.child.stdout?.destroy()
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('verify', () => {
  test('tells what it has looked at, where nothing is damaged', async () => {
    const path = await filled()
    await deleted(path, 'a')
    const text = await printed(['verify', path])
    expect(text.startsWith(`${path}: 2 collections, 3 vectors, `)).toBe(true)
    expect(text).toMatch(/ \d+ bytes: no damage found\n$/)
    const { damaged, collections } = JSON.parse(await printed(['verify', path, '--json']))
    expect([damaged, ...collections.map((one: { damaged: string[] }) => one.damaged)]).toStrictEqual([
      [],
      [],
      [],
    ])
  })

  const key = randomBytes(32)
  test.each<[string, number, Uint8Array | undefined]>([
    // The values of its vectors are the last 84 bytes of the log, and before them are their outlines.
    ['the values of a vector', -20, undefined],
    ['the values of a vector that is encrypted', -20, key],
    ['the outline of a vector', -110, undefined],
    ['the outline of a vector that is encrypted', -110, key],
    ['the beginning', 3, undefined],
    ['the first record', 12_288 + 20, undefined],
    ['the settings', 12_288 + 80, undefined],
  ])(
    'names a log in which one bit of %s is another, exits with 1, and changes nothing',
    async (_, at, user) => {
      const path = await filled(user)
      const log = join(path, 'collection-1', 'log.1')
      flipped(log, at)
      const before = contents(path)
      const env = user && { VECTORIZER_KEY: Buffer.from(user).toString('base64') }
      const { stdout, ...rest } = await run(['verify', path], env)
      expect(rest).toStrictEqual({ code: 1, stderr: '' })
      expect(stdout).toMatch(/log\.1/)
      expect(stdout).not.toContain('no damage found')
      const json = await run(['verify', path, '--json'], env)
      expect(json).toMatchObject({ code: 1, stderr: '' })
      const seen: { damaged: string[]; collections: { damaged: string[] }[] } = JSON.parse(json.stdout)
      const damaged = [...seen.damaged, ...seen.collections.flatMap((one) => one.damaged)]
      expect(damaged).toStrictEqual(stdout.trimEnd().split('\n'))
      expect(contents(path)).toStrictEqual(before)
    },
  )

  test('does not mind what is damaged of the dead', async () => {
    const path = await filled()
    await deleted(path, 'c')
    const log = join(path, 'collection-1', 'log.1')
    // The record of the delete follows the vectors.
    const end = readFileSync(log).length - 64 - 8
    for (const back of [20, 110]) flipped(log, end - back)
    expect(await printed(['verify', path])).toContain('no damage found')
  })
})

describe('how far it is', () => {
  // A terminal, as far as the process can tell.
  const terminal = { NODE_OPTIONS: '--import data:text/javascript,process.stderr.isTTY=true' }

  test('is shown on a terminal alone, on one line that is cleared in the end', async () => {
    const path = await filled()
    const target = directory()
    const file = join(target, 'backup')
    for (const [phase, ...args] of [
      ['backup', 'backup', path, file],
      ['restore', 'restore', file, join(target, 'restored')],
      ['rotate', 'rotate-keys', path],
      ['verify', 'verify', path],
    ]) {
      const { code, stdout, stderr } = await runAlone(args, terminal)
      expect(code).toBe(0)
      expect(stdout).not.toMatch(/%|\r/)
      expect(stderr).not.toContain('\n')
      expect(stderr).toMatch(new RegExp(`\\r\\x1b\\[K${phase} \\d+% \\(\\d+ of \\d+ (vectors|bytes)\\)`))
      expect(stderr).toMatch(new RegExp(`${phase} 100% [^%]*$`))
      expect(stderr.endsWith('\r\x1b[K')).toBe(true)
    }
  })

  test('gives way to what is wrong', async () => {
    const path = await filled()
    mkdirSync(join(path, 'empty'))
    const { code, stderr } = await runAlone(['restore', join(path, 'STORE'), join(path, 'empty')], terminal)
    expect(code).toBe(1)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal is sent
    expect(stderr).toMatch(/\r\x1b\[Kvectorizer-native: [^\r]+\n$/)
  })
})
