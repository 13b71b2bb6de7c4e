// Ids, keys and values are data, whatever they look like: nothing of them is part of an expression.
import fc from 'fast-check'
import type { Filter, Vectorizer } from '../..'
import { everything } from '../support/collections'
import { rejection } from '../support/rejection'
import { type Engine, engines } from './engines'

/** What would be more than a text if it were part of an expression, with neighbours that look alike. */
const TEXTS = [
  'a',
  'a"',
  'a\\"',
  'a\\',
  "a'",
  '"',
  '""',
  "''",
  '\\',
  '\\\\',
  '" or id != "',
  '" or "1" == "1',
  "' or '1' == '1",
  'x" || true || "',
  'id != ""',
  'id in ["a"]',
  '"] or id not in ["',
  '", "b',
  'a", "b',
  'true',
  'null',
  'not a',
  '*',
  '%',
  'a%',
  '%61',
  '%25',
  '%2561',
  '_',
  'a_',
  '{x}',
  '{id}',
  '$ne',
  '$meta["a"]',
  '`a`',
  '/* */ a',
  'a -- b',
  'a;',
  'a\n',
  '\n',
  '\r\n',
  '\t',
  '\0',
  'a\0',
  'a\0b',
  '\u001f',
  '\u007f',
  '\u2028',
  '\ufeffa',
  'ａ',
  'é',
  'e\u0301',
  '🦀',
  '👩‍👩‍👧',
  '(a)',
  '[a]',
  'a and b',
  'A',
  ' a',
  'a ',
  '..',
  '\\x61',
  '\\u0061',
  '\\n',
  '&quot;',
  '0',
  '00',
  '1e3',
]

/** The field of a text's own. A dot in its name would make it a path. */
const fieldOf = (text: string) => `key${text.replaceAll('.', '')}`

/** A client that has a vector for each text, whose id, field and value are that text. */
async function filled(engine: Engine, texts: readonly string[]) {
  const client = await engine.things()
  const rows = texts.map((text, i) => ({
    id: text,
    data: [1, i],
    metadata: {
      value: text,
      list: [text, 'shared'],
      deep: { value: text },
      [fieldOf(text)]: 1,
    },
  }))
  await client.insertVectors('things', rows)
  return client
}

/** Filters that match the vector of one text and no other. */
const naming = (text: string): Filter[] => [
  { must: [{ has_id: [text] }] },
  { value: text },
  { value: { $in: [text] } },
  { list: text },
  { 'deep.value': text },
  { must: [{ key: 'value', match: { value: text } }] },
  { $and: [{ list: 'shared' }, { value: { $gte: text } }, { value: { $lte: text } }] },
  { $not: { value: { $ne: text } } },
  { must_not: [{ must_not: [{ has_id: [text] }] }] },
]

/** Ways to delete the vectors of some texts. */
const ways: [string, (client: Vectorizer, texts: string[]) => Promise<unknown>][] = [
  ['batchDelete', (client, texts) => client.batchDelete('things', texts)],
  ['deleteVectors', (client, texts) => client.deleteVectors('things', texts)],
  ['has_id', (client, texts) => client.deleteByFilter('things', { must: [{ has_id: texts }] })],
  ['a list of values', (client, texts) => client.deleteByFilter('things', { value: texts })],
  ['$in of elements', (client, texts) => client.deleteByFilter('things', { list: { $in: texts } })],
  [
    'deleteVector',
    async (client, texts) => {
      for (const text of texts) await client.deleteVector('things', text)
    },
  ],
  [
    '$or of fields',
    (client, texts) =>
      client.deleteByFilter('things', { $or: texts.map((text) => ({ 'deep.value': { $eq: text } })) }),
  ],
]

describe.each(engines)('texts that look like expressions, with the client that is %s', (_, ready) => {
  const engine = ready()

  test('are ids, values and fields like any other', async () => {
    const client = await filled(engine, TEXTS)
    expect(await client.count('things')).toBe(TEXTS.length)
    for (const text of TEXTS) {
      expect((await client.getVector('things', text)).metadata?.value).toBe(text)
      const searching = naming(text).map(async (filter) => {
        const found = await client.search('things', '', { filter, limit: 100 })
        expect([filter, found.map(({ id }) => id)]).toStrictEqual([filter, [text]])
      })
      await Promise.all(searching)
      const same = TEXTS.filter((other) => fieldOf(other) === fieldOf(text))
      expect(await client.count('things', { [fieldOf(text)]: 1 })).toBe(same.length)
    }
  })

  test.each(ways)('are deleted as they are named by %s, and nothing else is', async (_, remove) => {
    const client = await filled(engine, TEXTS)
    const named = TEXTS.filter((_, i) => i % 3 === 1)
    await remove(client, named)
    const left = TEXTS.filter((text) => !named.includes(text))
    expect(await engine.idsOf(client)).toStrictEqual(engine.arranged(left))
  })

  test('that name nothing delete nothing', async () => {
    const held = ['a', 'b', 'c']
    const client = await filled(engine, held)
    const before = await everything(client)
    for (const text of TEXTS.filter((one) => !held.includes(one))) {
      expect((await client.batchDelete('things', [text])).deleted).toBe(0)
      expect(await rejection(client.deleteVector('things', text))).toMatchObject({ code: 'VECTOR_NOT_FOUND' })
      const deleting = [...naming(text), { [fieldOf(text)]: 1 }].map(async (filter) => {
        expect([filter, (await client.deleteByFilter('things', filter)).deleted]).toStrictEqual([filter, 0])
      })
      await Promise.all(deleting)
    }
    expect(await everything(client)).toStrictEqual(before)
  })

  test('are names of collections like any other', async () => {
    const client = await engine.open()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what names may not have
    const names = TEXTS.filter((text) => !/[/\\\0-\u001f\u007f]|^\.+$/.test(text))
    for (const name of names.slice(0, 20)) {
      await client.createCollection(name, { dimension: 1 })
      await client.insertVectors(name, [{ id: name, data: [1] }])
    }
    for (const name of names.slice(0, 10)) await client.deleteCollection(name)
    const left = (await client.listCollections()).map(({ name }) => name)
    expect(left.sort()).toStrictEqual(names.slice(10, 20).sort())
  })

  test('whatever they are, what is named is deleted and nothing else', async () => {
    const client = await engine.things()
    const pieces = fc.constantFrom(
      '"',
      '\\',
      "'",
      '%',
      '_',
      '{',
      '}',
      '[',
      ']',
      '\n',
      '\0',
      ' or ',
      'id',
      'é',
      '🦀',
    )
    const text = fc.oneof(
      fc.array(pieces, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('')),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }).filter((one) => one.isWellFormed()),
    )
    const texts = fc.uniqueArray(text, { minLength: 2, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(texts, fc.nat(), fc.nat({ max: ways.length - 1 }), async (all, cut, way) => {
        const rows = all.map((one, i) => ({
          id: one,
          data: [1, i],
          metadata: { value: one, list: [one], deep: { value: one } },
        }))
        await client.insertVectors('things', rows)
        const named = all.slice(0, 1 + (cut % (all.length - 1)))
        await ways[way][1](client, named)
        const left = all.slice(named.length)
        expect(await engine.idsOf(client)).toStrictEqual(engine.arranged(left))
        expect((await client.batchDelete('things', left)).deleted).toBe(left.length)
      }),
      { seed: 8, numRuns: 40 },
    )
  })
})
