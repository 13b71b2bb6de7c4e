import { ValidationError } from '../..'
import { everything } from '../support/collections'
import { documented } from '../support/documents'
import { nested, refused } from '../support/refusals'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

test.each(refused)('%s is refused by its path, and deletes nothing', async (_, filter, path) => {
  const client = await documented()
  const before = await everything(client)
  const error = await rejection(untyped(client).deleteByFilter('things', filter))

  expect(error).toBeInstanceOf(ValidationError)
  expect(error.message).toContain(path)
  expect(error.message.length).toBeLessThan(1000)
  expect(await everything(client)).toStrictEqual(before)
  await expect(untyped(client).search('things', [1, 1], { filter })).rejects.toBeInstanceOf(ValidationError)
  await expect(untyped(client).count('things', filter)).rejects.toBeInstanceOf(ValidationError)
})

test('nesting of 60 is understood', async () => {
  const client = await documented()
  expect(await client.count('things', nested(60))).toBe(4)
  expect(await client.count('things', nested(59))).toBe(1)
})
