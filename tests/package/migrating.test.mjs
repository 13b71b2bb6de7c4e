// Checks that what docs/migrating.md moves arrives unchanged, and that its statements about other
// engines are true. The modules under test are taken from the page itself.
import assert from 'node:assert/strict'
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { connect } from '@lancedb/lancedb'
import * as arrow from 'apache-arrow'
import hnswlib from 'hnswlib-node'
import usearch from 'usearch'
import { VectorizerClient } from 'vectorizer-native'
import { LocalDocumentIndex, LocalIndex } from 'vectra'
import { readPage } from './pages.mjs'
import { here, node, temporaryFolder } from './support.mjs'

const DIMENSION = 6
/** More than a batch of the page's programs. */
const ROWS = 1100
const LIMIT = 10

const page = readPage(join(here, '..', '..', 'docs', 'migrating.md'))
// Before the folder is removed: a store whose directory is gone reports that when it is closed.
after(() => client.close())
const folder = temporaryFolder('migrating')
for (const { script } of page.blocks) if (script) writeFileSync(join(folder, script.file), script.code)
const load = (file) => import(pathToFileURL(join(folder, file)))

const { compare, move, scoreOf } = await load('move.mjs')
const fromHnswlib = await load('from-hnswlib.mjs')
const fromUsearch = await load('from-usearch.mjs')
const fromLancedb = await load('from-lancedb.mjs')
const fromVectra = await load('from-vectra.mjs')

const client = new VectorizerClient({ path: join(folder, 'data') })

/** Numbers from 0 to 1, always the same for a seed (mulberry32). */
function random(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const vectorOf = (next) => Float32Array.from({ length: DIMENSION }, () => 4 * next() - 2)

/** Rows whose keys have gaps, a tenth of which are to be deleted. */
function rowsOf(seed, count = ROWS) {
  const next = random(seed)
  return Array.from({ length: count }, (_, i) => ({
    key: 3 * i + 1,
    vector: vectorOf(next),
    metadata: { year: 2000 + Math.floor(25 * next()), deep: { words: ['a', `w${i}`], ok: next() < 0.5 } },
    deleted: next() < 0.1,
  }))
}

const live = (rows) => rows.filter(({ deleted }) => !deleted)
const unit = (vector) => vector.map((value) => value / Math.hypot(...vector))
const near = (a, b, tolerance = 1e-6) => Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b))
const files = (path) =>
  readdirSync(path, { recursive: true })
    .map((name) => join(path, name))
    .filter((name) => statSync(name).isFile())
const holding = (path, text) => files(path).filter((name) => readFileSync(name).includes(text))

/** Moves the rows, and asserts that exactly these arrived and that both sides rank alike. */
async function assertMoves(old, name, expected, { normalised = false, samples = 20 } = {}) {
  const seen = []
  const { moved, refused } = await move(old, client, name, (done, total) => seen.push([done, total]))
  assert.deepEqual({ moved, refused }, { moved: expected.length, refused: [] })
  assert.deepEqual(seen.at(-1), [expected.length, expected.length])

  const { vectors } = await client.listVectors(name, 0, 2 * expected.length)
  const arrived = new Map(vectors.map((vector) => [vector.id, vector]))
  assert.deepEqual([...arrived.keys()].sort(), expected.map(({ id }) => id).sort())
  for (const { id, vector, metadata } of expected) {
    const got = arrived.get(id)
    const wanted = normalised ? unit(vector) : vector
    assert.ok(
      got.data.every((value, i) => near(value, wanted[i])),
      `the vector of ${id}`,
    )
    assert.deepEqual(got.metadata, metadata, `the metadata of ${id}`)
  }
  const next = random(samples)
  for (let i = 0; i < samples; i++) {
    const query = vectorOf(next)
    const theirs = await old.search(query, LIMIT)
    const ours = await client.search(name, query, { limit: LIMIT, ef_search: 4096 })
    assert.deepEqual(
      ours.map(({ id }) => id),
      theirs.map(({ id }) => id),
    )
    for (const [rank, { score }] of theirs.entries())
      assert.ok(near(ours[rank].score, score, 1e-5), `${score}`)
  }
  const { searches, agreed } = await compare(old, client, name)
  assert.ok(searches >= 20 && agreed === searches, `${agreed} of ${searches}`)
}

async function moveAll(old, name) {
  return move(old, client, name)
}

describe('hnswlib-node', () => {
  async function saved(name, space, rows, options = {}) {
    const index = new hnswlib.HierarchicalNSW(space, DIMENSION)
    index.initIndex({ maxElements: rows.length, ...options })
    for (const { key, vector } of rows) index.addPoint(Array.from(vector), key)
    for (const { key, deleted } of rows) if (deleted) index.markDelete(key)
    const file = join(folder, name)
    await index.writeIndex(file)
    return { index, file }
  }

  for (const [space, seed] of [
    ['cosine', 1],
    ['l2', 2],
    ['ip', 3],
  ]) {
    test(`points of the space ${space} arrive, marked ones do not`, async () => {
      const rows = rowsOf(seed)
      const { file } = await saved(`${space}.hnsw`, space, rows)
      const byKey = new Map(rows.map((row) => [row.key, row]))
      const metadata = (key) => byKey.get(key).metadata
      const old = await fromHnswlib.openIndex(file, { space, id: (key) => `p${key}`, metadata })
      const expected = live(rows).map(({ key, ...row }) => ({ id: `p${key}`, ...row }))
      await assertMoves(old, `hnswlib ${space}`, expected, { normalised: space === 'cosine' })
    })
  }

  test('labels and counts are those of all points, and only getPoint tells a marked one', async () => {
    const rows = rowsOf(4, 50)
    const { index, file } = await saved('marked.hnsw', 'l2', rows)
    const read = new hnswlib.HierarchicalNSW('l2', DIMENSION)
    await read.readIndex(file)
    for (const one of [index, read]) {
      assert.deepEqual(new Set(one.getIdsList()), new Set(rows.map(({ key }) => key)))
      assert.equal(one.getCurrentCount(), rows.length)
      for (const { key, vector, deleted } of rows) {
        if (deleted) assert.throws(() => one.getPoint(key), { message: 'Hnswlib Error: Label not found' })
        else assert.deepEqual(one.getPoint(key), Array.from(vector))
      }
    }
    const { vector } = rows.find(({ deleted }) => deleted)
    assert.ok(readFileSync(file).includes(Buffer.from(vector.buffer)), 'the file has the deleted values')
  })

  test('a point in the place of a marked one is moved, the marked one is not', async () => {
    const rows = rowsOf(5, 40)
    const { index, file } = await saved('replaced.hnsw', 'l2', rows, { allowReplaceDeleted: true })
    const dead = rows.find(({ deleted }) => deleted)
    index.addPoint([1, 2, 3, 4, 5, 6], 5000, true)
    await index.writeIndex(file)
    await moveAll(await fromHnswlib.openIndex(file, { space: 'l2' }), 'replaced')
    assert.deepEqual((await client.getVector('replaced', '5000')).data, Float32Array.of(1, 2, 3, 4, 5, 6))
    await assert.rejects(client.getVector('replaced', `${dead.key}`), { code: 'VECTOR_NOT_FOUND' })
    assert.equal(await client.count('replaced'), live(rows).length + 1)
  })

  test('a wrong dimension is not noticed by the engine, and cannot be given to the adapter', async () => {
    const { file } = await saved('dimension.hnsw', 'l2', rowsOf(6, 20))
    const wrong = new hnswlib.HierarchicalNSW('l2', DIMENSION + 1)
    await wrong.readIndex(file)
    assert.equal(wrong.getPoint(1).length, DIMENSION + 1)
    assert.equal((await fromHnswlib.openIndex(file, { space: 'l2' })).dimension, DIMENSION)
  })

  test('a brute-force index has no call to read it back, labels wrap around, a full index throws', () => {
    const { prototype } = hnswlib.BruteforceSearch
    assert.equal(prototype.getPoint ?? prototype.getIdsList, undefined)
    const index = new hnswlib.HierarchicalNSW('l2', 1)
    index.initIndex(1)
    index.addPoint([1], 2 ** 32 + 5)
    assert.deepEqual(index.getIdsList(), [5])
    index.markDelete(5)
    assert.throws(() => index.addPoint([2], 6), /exceeds the specified limit/)
  })

  test('a vector of zeros is refused under cosine, with its id and the reason', async () => {
    const rows = rowsOf(7, 30)
    rows[3].vector = new Float32Array(DIMENSION)
    rows[3].deleted = false
    const { file } = await saved('zeros.hnsw', 'cosine', rows)
    const { moved, refused } = await moveAll(await fromHnswlib.openIndex(file, { space: 'cosine' }), 'zeros')
    assert.equal(moved, live(rows).length - 1)
    assert.deepEqual(
      refused.map(({ id }) => id),
      [`${rows[3].key}`],
    )
    assert.match(refused[0].reason, /all zeros/)
  })
})

describe('usearch', () => {
  const saved = (name, rows, options) => {
    const index = new usearch.Index({
      dimensions: DIMENSION,
      metric: 'cos',
      quantization: 'f32',
      connectivity: 0,
      expansion_add: 0,
      expansion_search: 0,
      multi: false,
      ...options,
    })
    for (const { key, vector } of rows) index.add(BigInt(key), vector)
    for (const { key, deleted } of rows) if (deleted) index.remove(BigInt(key))
    const file = join(folder, name)
    index.save(file)
    return { index, file }
  }

  for (const [metric, options, seed] of [
    ['cos', {}, 11],
    ['l2sq', { quantization: 'f64' }, 12],
    ['ip', { connectivity: 5 }, 13],
  ]) {
    test(`vectors of the metric ${metric} arrive, removed ones do not`, async () => {
      const rows = rowsOf(seed)
      const { file } = saved(`${metric}.usearch`, rows, { metric, ...options })
      const byKey = new Map(rows.map((row) => [BigInt(row.key), row]))
      const metadata = (key) => byKey.get(key).metadata
      const old = await fromUsearch.openIndex(file, { id: (key) => `k${key}`, metadata })
      const expected = live(rows).map(({ key, ...row }) => ({ id: `k${key}`, ...row }))
      await assertMoves(old, `usearch ${metric}`, expected)
    })
  }

  test('keys of 64 bits are exact, and a place that was used again is read once', async () => {
    const rows = rowsOf(14, 60)
    const { index, file } = saved('again.usearch', rows)
    const key = 2n ** 63n + 1n
    index.add(key, Float32Array.of(1, 2, 3, 4, 5, 6))
    index.save(file)
    const dead = rows.filter(({ deleted }) => deleted)
    const kept = () => dead.filter(({ vector }) => readFileSync(file).includes(Buffer.from(vector.buffer)))
    assert.equal(kept().length, dead.length - 1, 'the values of removed vectors are in the file')
    await moveAll(await fromUsearch.openIndex(file), 'again')
    assert.deepEqual((await client.getVector('again', `${key}`)).data, Float32Array.of(1, 2, 3, 4, 5, 6))
    assert.equal(await client.count('again'), live(rows).length + 1)
  })

  test('an index without vectors moves nothing', async () => {
    const { file } = saved('empty.usearch', [])
    const { moved, refused } = await moveAll(await fromUsearch.openIndex(file), 'empty')
    assert.deepEqual({ moved, refused }, { moved: 0, refused: [] })
  })

  test('what cannot be read back is refused', async () => {
    const rows = rowsOf(15, 5)
    const many = saved('multi.usearch', rows, { multi: true })
    await assert.rejects(fromUsearch.openIndex(many.file), /many vectors under a key/)
    const small = saved('i8.usearch', rows, { quantization: 'i8' })
    await assert.rejects(fromUsearch.openIndex(small.file), /quantized/)
    const other = saved('pearson.usearch', rows, { metric: 'pearson' })
    await assert.rejects(fromUsearch.openIndex(other.file), /no counterpart/)
  })

  test('there is no call that returns a vector or lists keys, and a key is added once', () => {
    const calls = Object.getOwnPropertyNames(usearch.Index.prototype)
    assert.deepEqual(calls.sort(), [
      'add',
      'capacity',
      'connectivity',
      'constructor',
      'contains',
      'count',
      'dimensions',
      'load',
      'remove',
      'save',
      'search',
      'size',
      'view',
    ])
    const { index } = saved('once.usearch', rowsOf(16, 2))
    assert.throws(() => index.add(1n, new Float32Array(DIMENSION)), /Duplicate keys/)
  })
})

describe('LanceDB', () => {
  const vector = new arrow.FixedSizeList(DIMENSION, new arrow.Field('item', new arrow.Float32(), true))
  const column = (name, type) => new arrow.Field(name, type, true)
  const list = (type) => new arrow.List(column('item', type))

  /** A table in a separate database. */
  async function made(name, fields, rows) {
    const path = join(folder, `${name}.lancedb`)
    const database = await connect(path)
    const schema = new arrow.Schema(fields)
    const table = await database.createTable('documents', rows, { schema })
    return { path, table }
  }

  for (const [distanceType, seed] of [
    ['cosine', 21],
    ['l2', 22],
    ['dot', 23],
  ]) {
    test(`rows arrive, deleted ones do not, and ${distanceType} ranks alike`, async () => {
      const rows = rowsOf(seed)
      const fields = [
        column('key', new arrow.Int64()),
        column('embedding', vector),
        column('year', new arrow.Int32()),
        column(
          'deep',
          new arrow.Struct([column('words', list(new arrow.Utf8())), column('ok', new arrow.Bool())]),
        ),
      ]
      const { path, table } = await made(
        distanceType,
        fields,
        rows.map(({ key, vector, metadata }) => ({
          key: BigInt(key),
          embedding: Array.from(vector),
          ...metadata,
        })),
      )
      const dead = rows.filter(({ deleted }) => deleted).map(({ key }) => key)
      await table.delete(`key IN (${dead})`)
      const old = await fromLancedb.openTable(path, 'documents', {
        id: 'key',
        vector: 'embedding',
        distanceType,
      })
      const expected = live(rows).map(({ key, ...row }) => ({ id: `${key}`, ...row }))
      await assertMoves(old, `lancedb ${distanceType}`, expected)
      old.close()
    })
  }

  test('every kind of column becomes what the page says', async () => {
    const at = new Date('2024-05-06T07:08:09.123Z')
    const day = new Date('2024-05-06')
    const fields = [
      column('id', new arrow.Utf8()),
      column('vector', new arrow.FixedSizeList(2, column('item', new arrow.Float16()))),
      column('text', new arrow.Utf8()),
      column('word', new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32())),
      column('flag', new arrow.Bool()),
      column('small', new arrow.Int16()),
      column('real', new arrow.Float64()),
      column('wide', new arrow.Int64()),
      column('account', new arrow.Uint64()),
      column('ms', new arrow.TimestampMillisecond()),
      column('ns', new arrow.TimestampNanosecond()),
      column('day', new arrow.DateDay()),
      column('list', list(new arrow.Int64())),
      column(
        'author',
        new arrow.Struct([column('name', new arrow.Utf8()), column('born', new arrow.DateDay())]),
      ),
      column('bytes', new arrow.Binary()),
    ]
    const full = {
      id: 'full',
      vector: [1.5, 2],
      text: 'a',
      word: 'b',
      flag: false,
      small: -3,
      real: 0.1,
      wide: 5n,
      account: 2n ** 60n + 1n,
      ms: at,
      ns: at,
      day,
      list: [1n, null, 3n],
      author: { name: null, born: day },
      bytes: Buffer.from([1, 2, 255]),
    }
    const empty = Object.fromEntries(Object.keys(full).map((name) => [name, null]))
    const { path } = await made('types', fields, [
      full,
      { ...empty, id: 'empty', vector: [0, 1] },
      { ...empty, id: 'nan', vector: [1, 1], real: Number.NaN },
      { ...empty, id: 'no vector' },
    ])
    const old = await fromLancedb.openTable(path, 'documents', { strings: ['account'] })
    const { moved, refused } = await moveAll(old, 'types')
    assert.equal(moved, 3)
    assert.deepEqual(
      refused.map(({ id }) => id),
      ['no vector'],
    )
    const { data, metadata } = await client.getVector('types', 'full')
    assert.deepEqual(data, Float32Array.of(1.5, 2))
    assert.deepEqual(metadata, {
      text: 'a',
      word: 'b',
      flag: false,
      small: -3,
      real: 0.1,
      wide: 5,
      account: '1152921504606846977',
      ms: at.toISOString(),
      ns: at.toISOString(),
      day: day.toISOString(),
      list: [1, null, 3],
      author: { born: day.toISOString() },
      bytes: 'AQL/',
    })
    for (const id of ['empty', 'nan']) {
      assert.deepEqual((await client.getVector('types', id)).metadata, { author: {} })
    }
    old.close()

    const exact = await fromLancedb.openTable(path, 'documents')
    await moveAll(exact, 'exact')
    const { metadata: whole } = await client.getVector('exact', 'full')
    assert.deepEqual(whole, { ...metadata, account: 2n ** 60n + 1n })
    assert.equal(await client.count('exact', { account: 2n ** 60n + 1n }), 1)
    assert.equal(await client.count('exact', { account: 2n ** 60n }), 0)
    exact.close()
  })

  test('a column without a counterpart is named', async () => {
    const fields = [
      column('id', new arrow.Utf8()),
      column('vector', vector),
      column('price', new arrow.Decimal(2, 10)),
    ]
    const price = new Uint32Array([1250, 0, 0, 0])
    const { path } = await made('decimal', fields, [{ id: 'a', vector: Array(DIMENSION).fill(1), price }])
    const old = await fromLancedb.openTable(path, 'documents')
    await assert.rejects(moveAll(old, 'decimal'), /column price: .* has no counterpart/)
    old.close()
  })

  test('the filters of the page match the rows that its SQL conditions match', async () => {
    const next = random(24)
    const pick = (...values) => values[Math.floor(values.length * next())]
    const rows = Array.from({ length: 300 }, (_, i) => ({
      id: `doc-${i}`,
      vector: Array.from(vectorOf(next)),
      title: pick('Report 1', 'Reports', 'report', 'Summary', null),
      year: pick(null, 2004, 2005, 2007, 2010, 2011, 2018, 2019, 2020),
      lang: pick(null, 'de', 'en', 'fr'),
      published: pick(
        null,
        new Date('2020-12-31T23:59:59.999Z'),
        new Date('2021-01-01'),
        new Date('2022-03-04'),
      ),
      tags: pick(null, ['a'], ['b', 'a'], ['c'], []),
      author: { name: pick(null, 'Ann', 'Bob') },
    }))
    const fields = [
      column('id', new arrow.Utf8()),
      column('vector', vector),
      column('title', new arrow.Utf8()),
      column('year', new arrow.Int32()),
      column('lang', new arrow.Utf8()),
      column('published', new arrow.TimestampMillisecond()),
      column('tags', list(new arrow.Utf8())),
      column('author', new arrow.Struct([column('name', new arrow.Utf8())])),
    ]
    const { path, table } = await made('filters', fields, rows)
    const old = await fromLancedb.openTable(path, 'documents')
    await moveAll(old, 'filters')
    old.close()
    const pairs = page.prose.flatMap(({ text }) => {
      const [, sql, filter] = /^\| `([^`]+)` \| `(\{.*\})` \|$/.exec(text) ?? []
      return sql ? [[sql, new Function(`return (${filter})`)()]] : []
    })
    assert.equal(pairs.length, 15)
    for (const [sql, filter] of pairs) {
      const theirs = (await table.query().where(sql).select(['id']).toArray()).map(({ id }) => id)
      const ours = (await client.search('filters', '', { filter, limit: rows.length })).map(({ id }) => id)
      assert.deepEqual(ours.sort(), theirs.sort(), sql)
      assert.ok(ours.length > 0 && ours.length < rows.length, sql)
    }
    const different = await client.count('filters', { year: { $ne: 2019 } })
    assert.ok(different > (await table.countRows('year <> 2019')), '$ne matches where there is no value')
  })

  test('optimize rewrites a data file only where more than a tenth of it is deleted', async () => {
    for (const [deleted, gone] of [
      [100, false],
      [101, true],
    ]) {
      const fields = [
        column('id', new arrow.Utf8()),
        column('n', new arrow.Int32()),
        column('vector', vector),
      ]
      const rows = Array.from({ length: 1000 }, (_, n) => ({
        id: `person-${n}.`,
        n,
        vector: Array(DIMENSION).fill(n),
      }))
      const { path, table } = await made(`tenth-${deleted}`, fields, rows)
      const [file] = holding(path, 'person-777.')
      // A second name for the file shows what happens to its bytes.
      const link = join(folder, `tenth-${deleted}.link`)
      linkSync(file, link)
      await table.delete(`n < ${deleted - 1} OR id = 'person-777.'`)
      await table.optimize({ cleanupOlderThan: new Date() })
      await table.optimize({ cleanupOlderThan: new Date(), deleteUnverified: true })
      const places = new Set(holding(path, 'person-777.').map((name) => name.split(/[\\/]/).at(-2)))
      assert.deepEqual(places, new Set(gone ? [] : ['_transactions', '_versions', 'data']), `${deleted}`)
      assert.ok(readFileSync(link).includes('person-777.'), 'what is removed is not overwritten')
    }
  })

  test('what is deleted while rows are read still comes', async () => {
    const fields = [column('id', new arrow.Utf8()), column('vector', vector)]
    const rows = Array.from({ length: 3000 }, (_, i) => ({
      id: `r${i}`,
      vector: Array(DIMENSION).fill(1 + i),
    }))
    const { table } = await made('snapshot', fields, rows)
    let seen = 0
    for await (const batch of table.query()) {
      if (seen === 0) await table.delete("id <> 'r0'")
      seen += batch.numRows
    }
    assert.deepEqual([seen, await table.countRows()], [3000, 1])
  })
})

describe('vectra', () => {
  async function made(name, config) {
    const path = join(folder, `${name}.vectra`)
    const index = new LocalIndex(path)
    await index.createIndex({ version: 1, ...config })
    return { path, index }
  }

  async function fill(index, rows) {
    await index.beginUpdate()
    for (const { key, vector, metadata } of rows) {
      await index.insertItem({ id: `i${key}`, vector: Array.from(vector), metadata })
    }
    for (const { key, deleted } of rows) if (deleted) await index.deleteItem(`i${key}`)
    await index.endUpdate()
  }

  for (const [name, config, seed] of [
    ['plain', {}, 31],
    ['indexed', { metadata_config: { indexed: ['year', 'zero'] } }, 32],
  ]) {
    test(`items of an index with ${name} metadata arrive, deleted ones do not`, async () => {
      const { path, index } = await made(name, config)
      const rows = rowsOf(seed)
      for (const { metadata } of rows) metadata.zero = 0
      await fill(index, rows)
      const expected = live(rows).map(({ key, ...row }) => ({ id: `i${key}`, ...row }))
      await assertMoves(await fromVectra.openIndex(path), `vectra ${name}`, expected)
    })
  }

  test('filters do what the page says', async () => {
    const { path, index } = await made('filters')
    const metadatas = {
      a: { lang: 'de', year: 2019, at: '2023-01-01' },
      b: { lang: 'fr', year: 2021, at: '2024-06-01' },
      c: { lang: 'en' },
    }
    for (const [id, metadata] of Object.entries(metadatas)) {
      await index.insertItem({ id, vector: [1, 2], metadata })
    }
    await moveAll(await fromVectra.openIndex(path), 'vectra filters')
    const theirs = async (filter) => (await index.listItemsByMetadata(filter)).map(({ id }) => id).join('')
    const ours = async (filter) => {
      const found = await client.search('vectra filters', '', { filter }).catch((error) => error)
      return found.code ?? found.map(({ id }) => id).join('')
    }
    for (const [filter, there, here] of [
      [{ lang: 'de', year: { $gte: 2019 } }, 'a', 'a'],
      [{ $and: [{ lang: { $eq: 'de' } }, { year: { $lt: 2020 } }] }, 'a', 'a'],
      [{ $or: [{ year: { $gt: 2020 } }, { year: { $lte: 2019 } }] }, 'ab', 'ab'],
      [{ year: { $ne: 2019 } }, 'b', 'bc'],
      [{ year: { $ne: 2019, $exists: true } }, '', 'b'],
      [{ year: { $in: [2019, 2020] } }, '', 'a'],
      [{ year: { $nin: [2019, 2020] } }, 'ab', 'bc'],
      [{ at: { $lt: '2024-01-01' } }, '', 'a'],
      [{ lang: ['de', 'fr'] }, 'a', 'ab'],
      [{ lang: { $regex: 'de' } }, 'a', 'VALIDATION_ERROR'],
      [{ lang: undefined }, '', 'VALIDATION_ERROR'],
      [{}, 'abc', 'VALIDATION_ERROR'],
    ]) {
      assert.deepEqual([await theirs(filter), await ours(filter)], [there, here], JSON.stringify(filter))
    }
  })

  test('metadata files of deleted and of replaced items stay in the folder', async () => {
    const { path, index } = await made('orphans', { metadata_config: { indexed: ['year'] } })
    await index.insertItem({ id: 'a', vector: [1, 0], metadata: { year: 1, mail: 'ann@example.org' } })
    await index.insertItem({ id: 'b', vector: [0, 1], metadata: { year: 2, mail: 'bob@example.org' } })
    await index.deleteItem('a')
    await index.upsertItem({ id: 'b', vector: [0, 1], metadata: { year: 2, mail: 'b@example.org' } })
    assert.equal(holding(path, 'ann@example.org').length, 1)
    assert.equal(holding(path, 'bob@example.org').length, 1)
    await moveAll(await fromVectra.openIndex(path), 'orphans')
    assert.deepEqual((await client.getVector('orphans', 'b')).metadata, { year: 2, mail: 'b@example.org' })
    assert.equal(await client.count('orphans'), 1)
  })

  test('a replaced item keeps the length of its first vector, and compare finds it', async () => {
    const { path, index } = await made('norms')
    await index.insertItem({ id: 'a', vector: [0, 1], metadata: {} })
    await index.insertItem({ id: 'b', vector: [1, 1], metadata: {} })
    await index.upsertItem({ id: 'a', vector: [0, 10], metadata: {} })
    const [first] = await index.queryItems([0, 1], '', 1)
    assert.deepEqual([first.item.id, first.score], ['a', 10])
    const old = await fromVectra.openIndex(path)
    await moveAll(old, 'norms')
    const [found] = await client.search('norms', [0, 1], { limit: 1 })
    assert.deepEqual([found.id, found.score], ['a', 1])
    assert.equal((await compare(old, client, 'norms')).agreed, 0)
  })

  test('chunks of documents arrive with their text', async () => {
    const path = join(folder, 'documents.vectra')
    const createEmbeddings = async (texts) => ({
      status: 'success',
      output: [texts].flat().map((text) => [text.length, 1]),
    })
    const tokenizer = { encode: (text) => [...text], decode: (tokens) => tokens.join('') }
    const index = new LocalDocumentIndex({
      folderPath: path,
      embeddings: { maxTokens: 1000, createEmbeddings },
      tokenizer,
      chunkingConfig: { chunkSize: 40 },
    })
    await index.createIndex()
    const text = 'One sentence is here. Another one is there.\n\nA new paragraph begins, and goes on.'
    await index.upsertDocument('a.md', text, 'md', { lang: 'en' })
    const chunks = await index.listItems()
    assert.ok(chunks.length > 1)
    await moveAll(await fromVectra.openIndex(path), 'chunks')
    for (const { id, metadata } of chunks) {
      const moved = await client.getVector('chunks', id)
      const { text: chunk, ...rest } = moved.metadata
      assert.deepEqual(rest, metadata)
      assert.ok(chunk.length > 0 && text.includes(chunk))
    }
    await index.deleteDocument('a.md')
    assert.deepEqual(holding(path, 'paragraph'), [])
  })
})

describe('what all share', () => {
  /** An old store in memory, which ranks by the dot product. */
  const oldOf = (rows, over = {}) => ({
    dimension: 2,
    metric: 'dot_product',
    count: rows.length,
    rows: () => rows,
    search: (query, limit) =>
      rows
        .map(({ id, data }) => ({ id, score: data[0] * query[0] + data[1] * query[1] }))
        .sort((a, b) => b.score - a.score)
        .slice(0, limit),
    ...over,
  })
  const some = Array.from({ length: 60 }, (_, i) => ({ id: `r${i}`, data: [Math.sin(i), Math.cos(i)] }))

  test('distances and scores of the three metrics are translated as the page says', () => {
    assert.equal(scoreOf.cosine(0.3), 0.7)
    assert.equal(scoreOf.dot_product(-9), 10)
    assert.equal(scoreOf.euclidean(4), 1 / 3)
    assert.equal(scoreOf.euclidean(-1e-7), 1)
  })

  test('rows that cannot be stored are reported, and all others are moved', async () => {
    const rows = [
      ...some,
      { id: 'short', data: [1] },
      { id: 'nan', data: [1, Number.NaN] },
      { id: '', data: [1, 1] },
      { id: 'big', data: [1, 1], metadata: { n: 1n } },
      { id: 'last', data: [1, 1], metadata: { n: 1 } },
    ]
    const { moved, refused } = await moveAll(oldOf(rows), 'refused')
    assert.equal(moved, some.length + 1)
    assert.deepEqual(
      refused.map(({ id }) => id),
      ['short', 'nan', '', 'big'],
    )
    assert.ok(refused.every(({ reason }) => reason.length > 0))
  })

  test('ids that occur twice, and rows that are missing, are errors', async () => {
    await assert.rejects(moveAll(oldOf([...some, some[0]]), 'twice'), /61 rows were read, but 60/)
    await assert.rejects(
      moveAll(oldOf(some, { count: 61 }), 'missing'),
      /61 rows are there, but 60 were read/,
    )
  })

  test('an error that is no refusal ends the move', async () => {
    const closed = new VectorizerClient()
    await closed.createCollection('other', { dimension: 2 })
    const rows = async function* () {
      yield* some
      await closed.close()
    }
    await assert.rejects(move(oldOf(some, { rows }), closed, 'closed'), { code: 'CLIENT_CLOSED' })
  })

  test('compare sees other ids, other scores and missing results', async () => {
    await moveAll(oldOf(some), 'compared')
    const agreed = async (over) => (await compare(oldOf(some, over), client, 'compared')).agreed
    const { search } = oldOf(some)
    assert.equal(await agreed({}), 20)
    const others = (query, limit) => search(query, limit).map(({ id, score }) => ({ id: `${id}0`, score }))
    assert.equal(await agreed({ search: others }), 0)
    const scores = (query, limit) =>
      search(query, limit).map(({ id, score }) => ({ id, score: score - 0.01 }))
    assert.equal(await agreed({ search: scores }), 0)
    assert.equal(await agreed({ search: (query, limit) => search(query, limit - 1) }), 0)
  })

  test('erase-old.mjs overwrites every file below a folder before it removes it', async () => {
    const old = join(folder, 'old')
    mkdirSync(join(old, 'deep'), { recursive: true })
    writeFileSync(join(old, 'deep', 'a'), 'secret'.repeat(500_000))
    writeFileSync(join(old, 'b'), 'secret')
    writeFileSync(join(old, 'empty'), '')
    // A second name for a file shows what happened to its bytes.
    linkSync(join(old, 'deep', 'a'), join(folder, 'a-link'))
    linkSync(join(old, 'b'), join(folder, 'b-link'))
    const { code, stdout } = await node(['erase-old.mjs', 'old'], { cwd: folder })
    assert.deepEqual([code, stdout], [0, 'old: 3 erased\n'])
    assert.equal(existsSync(old), false)
    assert.ok(readFileSync(join(folder, 'a-link')).equals(Buffer.alloc(3_000_000)))
    assert.ok(readFileSync(join(folder, 'b-link')).equals(Buffer.alloc(6)))
  })
})
