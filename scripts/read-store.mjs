// Prints everything that can be read from a store's files, or from a backup, by anyone who has them: every
// entry whose key is there, whether or not the log says that it is live. For a directory that is not a store,
// it reads the stores and backups below it. Of a ledger, which is text, it only counts the entries. It is
// written from docs/format.md, and uses nothing of the package.
//
//   node scripts/read-store.mjs DIRECTORY-OR-BACKUP [--keys FILE-OR-DIRECTORY] [--key-file FILE]
//     [--keys-key-file FILE] [--json]
//
// --keys           for a store: another directory with the same layout, from which KEYRING and the key
//                  tables are taken, to read an old copy of the logs with the current keys. For a backup
//                  with its keys apart: exported keys, or the directory of a store
// --key-file       a file with the user's key, which opens what is encrypted: 32 bytes, or 64
//                  hexadecimal digits, or the base64 text of 32 bytes
// --keys-key-file  the same for what --keys names, if it has a different key
// --json           print what `readAll` returns
//
// Errors are reported on stderr. Checksums (XXH3, which Node.js does not have) are not verified.
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const VERSION = 3
/** The sizes of a key, of a nonce, and of a tag. */
const KEY = 32
const NONCE = 12
const TAG = 16
/** The sizes of a collection's random name, and of the digest by which a backup identifies a key. */
const NAME = 16
const DIGEST = 8
/** A keyring: the offsets of its keys, each with its nonce and tag, and of the length of what follows. */
const KEPT = [24, 84]
const KEPT_BYTES = NONCE + KEY + TAG
const WRAPPED_LENGTH = 144
const WRAPPED = 148
const MAX_WRAPPED = 65_536
/** A key table: the offsets of its settings, of their end, and of the first key. */
const SETTINGS = 104
const SETTINGS_END = 4088
const KEYS_OFFSET = 4096
/** The offset of a log's first record. */
const RECORDS = 12288
const HEADER = 64
const HEAD = 28
const ABSENT = 0xffffffff
/** The size of what an outline has before its code, and the offsets of the times in it. */
const TERMS = 32
const EXPIRES_AT = 16
const INSERTED_AT = 24
/** The nonces of an entry's two parts. */
const OUTLINE_NONCE = Buffer.alloc(NONCE)
const VALUES_NONCE = Buffer.from([1, ...Buffer.alloc(NONCE - 1)])
const MAX_DIMENSION = 65_535

const KINDS = ['CMIT', 'CONF', 'COPY', 'KEYS', 'AWAY', 'EXPO', 'DONE']

const isZero = (bytes) => bytes.every((byte) => byte === 0)

/** A file, read in pieces. A piece that extends past the end of the file is shorter. */
class File {
  constructor(path) {
    this.path = path
    this.descriptor = openSync(path, 'r')
    this.size = fstatSync(this.descriptor).size
  }

  read(at, length) {
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, this.size - at)))
    let done = 0
    while (done < bytes.length) {
      const read = readSync(this.descriptor, bytes, done, bytes.length - done, at + done)
      if (read === 0) break
      done += read
    }
    return bytes.subarray(0, done)
  }

  /** Why the file does not begin like a file of this kind. */
  fault(kind) {
    const beginning = this.read(0, 20)
    if (beginning.length < 20) return 'it is too short'
    if (beginning.toString('latin1', 0, 8) !== `${kind}\r\n`) return `it does not begin with ${kind}`
    const version = beginning.readUInt32LE(8)
    return version === VERSION ? undefined : `it is of format version ${version}, not ${VERSION}`
  }
}

/** Opens sealed data. Returns undefined if the key, the nonce or anything else does not match. */
function open(key, nonce, additional, sealed) {
  if (sealed.length < TAG) return undefined
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG })
  decipher.setAAD(additional).setAuthTag(sealed.subarray(-TAG))
  const opened = decipher.update(sealed.subarray(0, -TAG))
  try {
    decipher.final()
    return opened
  } catch {
    return undefined
  }
}

/** The key that opens what is sealed as a whole, such as a collection's settings, and the keys in a table. */
class TableKey {
  constructor(name, number, key) {
    Object.assign(this, { name, number, key })
  }

  /** Opens sealed data that is preceded by its nonce. */
  open(additional, sealed) {
    if (sealed.length < NONCE + TAG) return undefined
    return open(this.key, sealed.subarray(0, NONCE), additional, sealed.subarray(NONCE))
  }

  settings(sealed) {
    return this.open(this.name, sealed)?.toString()
  }

  unmask(keyIndex, masked) {
    const nonce = Buffer.alloc(NONCE)
    nonce.writeUInt32LE(this.number, 0)
    nonce.writeBigUInt64LE(BigInt(keyIndex), 4)
    return createCipheriv('aes-256-gcm', this.key, nonce).update(masked)
  }
}

/** An 8-byte number. None of them counts beyond what a JavaScript number can hold. */
const number = (bytes, at) => Number(bytes.readBigUInt64LE(at))

/** The lengths of the two parts of an entry. */
const partsOf = ({ id, metadata = 0, text = 0 }, dimension) => ({
  outline: TERMS + dimension + id + metadata + TAG,
  values: 4 * dimension + text + TAG,
})

/** The record at an offset in a file, or why there is none. */
function readRecord(file, at) {
  const header = file.read(at, HEADER)
  if (header.length < HEADER) return { fault: 'a record is cut off' }
  const kind = header.toString('latin1', 0, 4)
  const ttl = header.readUInt32LE(12)
  if (!KINDS.includes(kind) || (kind !== 'CMIT' && ttl !== 0)) return { fault: 'there is no record' }
  const [removes, puts, size] = [header.readUInt32LE(4), header.readUInt32LE(8), number(header, 40)]
  const data = at + HEADER + 8 * removes + HEAD * puts
  const end = data + size
  if (end > file.size) return { fault: 'a record is cut off' }
  const directory = file.read(at + HEADER, 8 * removes + HEAD * puts)
  if (directory.length < 8 * removes + HEAD * puts) return { fault: 'a record is cut off' }
  const removed = Array.from({ length: removes }, (_, i) => number(directory, 8 * i))
  const heads = Array.from({ length: puts }, (_, i) => {
    const head = directory.subarray(8 * removes + HEAD * i).subarray(0, HEAD)
    const [id, metadata, text] = [16, 20, 24].map((place) => head.readUInt32LE(place))
    return {
      number: number(head, 0),
      order: number(head, 8),
      id,
      metadata: metadata === ABSENT ? undefined : metadata,
      text: text === ABSENT ? undefined : text,
      lengths: head.subarray(16),
    }
  })
  if ([...removed, ...heads.flatMap((head) => [head.number, head.order])].some((n) => n > 2 ** 62))
    return { fault: 'a record counts further than any can' }
  const record = { kind, ttl, removed, heads, data, size, end }
  if (kind !== 'CMIT') return record
  // What is left for codes and rows, which have 1 and 4 bytes for each dimension.
  const rest = heads.reduce((left, head) => {
    const { outline, values } = partsOf(head, 0)
    return left - outline - values
  }, size)
  const dimension = puts === 0 ? undefined : rest / (5 * puts)
  const isPossible = puts === 0 ? rest === 0 : Number.isInteger(dimension) && dimension >= 1
  if (!isPossible || dimension > MAX_DIMENSION)
    return { fault: 'the entries of a record do not add up to its data' }
  return { ...record, dimension }
}

/**
 * Reads the records of one collection: its settings, as they are sealed, and for each entry the offsets of its
 * parts and the index of its key. `ttl` is the TTL in seconds, 0 if there is none. `next` is the record that follows, of another kind, or the reason why there is
 * none; undefined if the file ends with the collection.
 */
function readCollection(file, begin) {
  const entries = []
  const live = new Map()
  let [at, settings, dimension, next] = [begin, undefined, undefined, undefined]
  let ttl = 0
  while (at < file.size) {
    const record = readRecord(file, at)
    if (record.kind === 'CONF' && at === begin) settings = file.read(record.data, record.size)
    else if (record.kind !== 'CMIT') {
      next = record
      break
    } else if (record.dimension !== undefined && record.dimension !== (dimension ?? record.dimension)) {
      next = { fault: 'a record is of another dimension than those before' }
      break
    } else {
      dimension ??= record.dimension
      // The last commit counts.
      ttl = record.ttl
      const end = (number) => {
        if (live.has(number)) live.get(number).live = false
        live.delete(number)
      }
      record.removed.forEach(end)
      const lengths = record.heads.map((head) => partsOf(head, dimension))
      // The outlines of all entries come first, then the values of all.
      let outline = record.data
      let values = lengths.reduce((sum, length) => sum + length.outline, outline)
      for (const [i, head] of record.heads.entries()) {
        end(head.number)
        const places = { outline, values }
        const entry = { head, places, lengths: lengths[i], dimension, keyIndex: entries.length, live: true }
        entries.push(entry)
        live.set(head.number, entry)
        outline += lengths[i].outline
        values += lengths[i].values
      }
    }
    at = record.end
  }
  return { settings, ttl, entries, next, end: at }
}

/** Opens both parts of an entry with its key, and reads their contents. Undefined if either does not open. */
function readEntry(file, { head, places, lengths, dimension, live }, name, key) {
  const additional = Buffer.concat([name, head.lengths])
  const part = (nonce, at, length) => open(key, nonce, additional, file.read(at, length))
  const outline = part(OUTLINE_NONCE, places.outline, lengths.outline)
  const values = outline && part(VALUES_NONCE, places.values, lengths.values)
  if (values === undefined) return undefined
  const text = (bytes, at, length) => (length === undefined ? null : bytes.toString('utf8', at, at + length))
  const time = (at) => Number(outline.readBigInt64LE(at))
  // The code of the row and its terms follow from the row.
  const id = TERMS + dimension
  return {
    number: head.number,
    order: head.order,
    live,
    id: text(outline, id, head.id),
    metadata: text(outline, id + head.id, head.metadata),
    text: text(values, 4 * dimension, head.text),
    row: Array.from({ length: dimension }, (_, i) => values.readFloatLE(4 * i)),
    expiresAt: time(EXPIRES_AT) < 0 ? null : time(EXPIRES_AT),
    insertedAt: time(INSERTED_AT),
  }
}

/** The keys that tables have at a key index; there are two tables while keys are rotated. */
function keysAt(keyIndex, tables) {
  return tables.flatMap(({ table, maskedKeys }) => {
    const masked = maskedKeys.subarray(KEY * keyIndex, KEY * (keyIndex + 1))
    if (masked.length < KEY || isZero(masked)) return []
    return [{ name: table.name, key: table.unmask(keyIndex, masked) }]
  })
}

/**
 * Opens as many entries of a collection as possible. `keysOf` returns the keys of an entry, and `elsewhere`
 * those that other logs have for the same entry number.
 */
function openEntries(file, entries, keysOf, into, elsewhere = () => []) {
  const log = basename(file.path)
  for (const entry of entries) {
    into.total += 1
    const own = keysOf(entry)
    let opened
    for (const { name, key } of own) opened ??= readEntry(file, entry, name, key)
    if (opened === undefined) {
      for (const { name, key } of elsewhere(entry.head.number)) opened ??= readEntry(file, entry, name, key)
    }
    if (opened !== undefined) into.entries.push({ ...opened, log })
    else if (own.length > 0) into.unopened += 1
    else into.withoutKey += 1
  }
}

/** The collection's name in its settings, if they could be opened. */
function nameIn(settings) {
  try {
    const { name } = JSON.parse(settings)
    return typeof name === 'string' ? name : null
  } catch {
    return null
  }
}

/** `ttl`, in seconds, is there only if the collection has a TTL. */
const collectionAt = (path) => ({ name: null, path, entries: [], total: 0, withoutKey: 0, unopened: 0 })

/** Runs an action on a file. Errors are reported. */
function withFile(path, tell, act) {
  let file
  try {
    file = new File(path)
    return act(file)
  } catch (error) {
    tell(`${path} cannot be read: ${error.message}`)
    return undefined
  } finally {
    if (file !== undefined) closeSync(file.descriptor)
  }
}

/** The entries of a directory, by name; empty if it cannot be read. */
function list(path, tell) {
  try {
    const entries = readdirSync(path, { withFileTypes: true })
    return entries.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
  } catch (error) {
    if (error.code !== 'ENOENT') tell(`${path} cannot be read: ${error.message}`)
    return []
  }
}

/**
 * The keys that a keyring or a backup begins with: the current one and the previous one. `user` is the key
 * that opens them, if they are sealed.
 */
function keptKeys(file, kind, user, tell) {
  const ring = file.read(0, WRAPPED)
  const kept = KEPT.map((at) => ring.subarray(at, at + KEPT_BYTES)).filter((one) => !isZero(one))
  const how = ring.length < WRAPPED ? undefined : ring.readUInt32LE(20)
  let fault = file.fault(kind)
  if (!fault && how === undefined) fault = 'it is too short'
  else if (!fault && kept.length === 0) fault = 'there is no key in it'
  else if (!fault && how > 1) fault = 'its key is kept in an unknown way'
  else if (!fault && how === 1 && user === undefined) fault = 'it is encrypted, and no key was given'
  if (fault !== undefined) {
    tell(`${file.path}: ${fault}`)
    return []
  }
  if (how === 0) return kept.map((one) => one.subarray(NONCE, NONCE + KEY))
  const opened = kept.map((one) =>
    open(user, one.subarray(0, NONCE), ring.subarray(0, KEPT[0]), one.subarray(NONCE)),
  )
  if (opened.includes(undefined)) tell(`${file.path}: the key that was given does not open it`)
  return opened.filter((key) => key !== undefined)
}

/** The keys of the store: a single one, unless keys are being rotated. */
function storeKeys(path, user, tell) {
  const names = list(path, tell).map(({ name }) => name)
  const rings = ['KEYRING', 'KEYRING.new', 'KEYRING.old'].filter((name) => names.includes(name))
  if (rings.length === 0) tell(`${path} has no KEYRING`)
  return rings.flatMap(
    (name) => withFile(join(path, name), tell, (file) => keptKeys(file, 'VECRNG', user, tell)) ?? [],
  )
}

/** A key table: the key that unmasks its keys, its masked keys, and the collection's settings. */
function readTable(file, stores, tell) {
  const fault = file.fault('VECKEY')
  const page = file.read(0, KEYS_OFFSET)
  if (fault === undefined && page.length === KEYS_OFFSET) {
    const [name, number] = [page.subarray(20, 36), page.readUInt32LE(36)]
    for (const store of stores) {
      const key = open(store, page.subarray(40, 52), page.subarray(0, 40), page.subarray(52, 100))
      if (key === undefined) continue
      const table = new TableKey(name, number, key)
      const end = Math.min(SETTINGS + page.readUInt32LE(100), SETTINGS_END)
      const settings = table.settings(page.subarray(SETTINGS, end))
      if (settings === undefined) tell(`${file.path}: its settings cannot be opened`)
      return { table, settings, maskedKeys: file.read(KEYS_OFFSET, file.size) }
    }
  }
  tell(`${file.path}: ${fault ?? 'no store key opens its table key'}`)
  return undefined
}

/** The key tables in directories, by the number of their log. */
function tablesIn(directories, stores, tell) {
  const tables = new Map()
  for (const directory of directories) {
    for (const { name } of list(directory, tell)) {
      const log = /^keys\.(\d+)(?:\.(?:new|old))?$/.exec(name)?.[1]
      if (log === undefined) continue
      const read = withFile(join(directory, name), tell, (file) => readTable(file, stores, tell))
      if (read !== undefined) tables.set(log, [...(tables.get(log) ?? []), read])
    }
  }
  return tables
}

const logOf = (name) => /^log\.(\d+)(?:\.|$)/.exec(name)?.[1]

/**
 * The keys of the entries of all logs in directories, by the entries' numbers: a log that replaces another
 * may have the same entries, with the same keys, at other key indices.
 */
function keysByNumber(directories, tables) {
  const places = new Map()
  const ignore = () => {}
  for (const directory of directories) {
    for (const { name } of list(directory, ignore)) {
      const own = tables.get(logOf(name)) ?? []
      const found =
        own.length > 0 && withFile(join(directory, name), ignore, (f) => readCollection(f, RECORDS))
      for (const { head, keyIndex } of found ? found.entries : [])
        places.set(head.number, [...(places.get(head.number) ?? []), { keyIndex, own }])
    }
  }
  return (number) => (places.get(number) ?? []).flatMap(({ keyIndex, own }) => keysAt(keyIndex, own))
}

/** Reads one log, with its key tables if there are any. */
function readLog(file, tables, elsewhere, collection, tell) {
  const fault = file.fault('VECLOG')
  // Its records may still be readable.
  if (fault) tell(`${file.path}: ${fault}`)
  const { settings, ttl, entries, next, end } = readCollection(file, RECORDS)
  if (ttl > 0) collection.ttl = ttl
  if (settings !== undefined) tell(`${file.path}: it has settings, as a backup`)
  if (next) {
    const fault = next.fault ?? `a record ${next.kind} does not belong there`
    tell(`${file.path}: at byte ${end}: ${fault}; ${file.size - end} bytes were not read`)
  }
  if (tables.length === 0) tell(`${file.path}: there is no table of its keys that can be opened`)
  openEntries(file, entries, ({ keyIndex }) => keysAt(keyIndex, tables), collection, elsewhere)
}

const isCollection = (entry) => entry.isDirectory() && /^collection-\d+/.test(entry.name)
const numberOf = (name) => /^collection-(\d+)/.exec(name)[1]

/**
 * Everything that can be opened of the store in a directory, by collection. With `keys`, the keys are taken
 * from that directory. `key` is the user's key, of 32 bytes, if the store is encrypted, and `keysKey` that of
 * `keys`, if it differs. Metadata are JSON texts, as they were written. `tell` is called with whatever cannot
 * be read.
 */
export function readStore(path, { keys = path, key, keysKey = key, tell = () => {} } = {}) {
  const stores = storeKeys(keys, keysKey, tell)
  const keyed = list(keys, tell).filter(isCollection)
  return list(path, tell)
    .filter(isCollection)
    .map(({ name }) => {
      const collection = collectionAt(join(path, name))
      // A collection that is being removed has another directory name.
      const others = keyed.filter((other) => numberOf(other.name) === numberOf(name))
      const own = others.sort((a, b) => Number(b.name === name) - Number(a.name === name))
      const directories = own.map((other) => join(keys, other.name))
      const tables = tablesIn(directories, stores, tell)
      let known
      const elsewhere = (number) => {
        known ??= keysByNumber(directories, tables)
        return known(number)
      }
      // Key tables of a collection have the same settings, unless these are just being changed.
      for (const { settings } of [...tables.values()].flat()) collection.name ??= nameIn(settings)
      for (const file of list(collection.path, tell)) {
        const log = logOf(file.name)
        if (log === undefined) continue
        const own = tables.get(log) ?? []
        const logPath = join(collection.path, file.name)
        withFile(logPath, tell, (opened) => readLog(opened, own, elsewhere, collection, tell))
      }
      return collection
    })
}

/**
 * The offset of the first record of a backup or of exported keys. Until the file is finished, there are zeros
 * in place of its key.
 */
function recordsOf(file) {
  const ring = file.read(0, WRAPPED + MAX_WRAPPED + 9)
  if (ring.length < WRAPPED) return file.size
  if (!isZero(ring.subarray(20, WRAPPED))) return WRAPPED + ring.readUInt32LE(WRAPPED_LENGTH) + 8
  const first = ring.subarray(WRAPPED).findIndex((byte) => byte !== 0)
  return first === -1 ? file.size : WRAPPED + first
}

/**
 * The substitute for a collection's key table in a backup or exported keys; collections are counted from 1.
 */
function numberedTable(number, key) {
  const name = Buffer.alloc(NAME)
  name.writeUInt32LE(number)
  return new TableKey(name, number, key)
}

/** The keys in a file of exported keys, each with its collection's random name, by entry number. */
function readExported(file, user, tell) {
  const found = new Map()
  const [key] = keptKeys(file, 'VECEXP', user, tell)
  let at = key === undefined ? file.size : recordsOf(file)
  for (let count = 1; at < file.size; count++) {
    const { kind, fault, data, size, end } = readRecord(file, at)
    if (kind === 'DONE') return found
    if (kind !== 'EXPO') {
      const why = fault ?? `a record ${kind} does not belong there`
      tell(`${file.path}: at byte ${at}: ${why}; ${file.size - at} bytes were not read`)
      return found
    }
    const exported = numberedTable(count, key).open(Buffer.from('EXPO'), file.read(data, size))
    if (exported === undefined) tell(`${file.path}: at byte ${at}: its keys cannot be opened`)
    else {
      const name = exported.subarray(0, NAME)
      // The name is followed by the sequence number of the collection's last write.
      for (let place = NAME + 8; place + 8 + KEY <= exported.length; place += 8 + KEY) {
        const of = number(exported, place)
        const one = { name, key: exported.subarray(place + 8, place + 8 + KEY) }
        found.set(of, [...(found.get(of) ?? []), one])
      }
    }
    at = end
  }
  if (key !== undefined) tell(`${file.path}: it has no end`)
  return found
}

/**
 * The keys in a file of exported keys or in the directory of a store, each with its collection's random name,
 * as a function of the entry number.
 */
function keysFrom(path, user, tell) {
  let all
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    const stores = storeKeys(path, user, tell)
    all = list(path, tell)
      .filter(isCollection)
      .map(({ name }) => {
        const directories = [join(path, name)]
        return keysByNumber(directories, tablesIn(directories, stores, tell))
      })
  } else {
    const exported = withFile(path, tell, (file) => readExported(file, user, tell))
    all = [(number) => exported?.get(number) ?? []]
  }
  return (number) => all.flatMap((keysOf) => keysOf(number))
}

const digestOf = (key) => createHash('sha256').update(key).digest().subarray(0, DIGEST)

/**
 * The keys of an entry of a backup with its keys apart. `away` is what the backup records about its keys, and
 * `elsewhere` returns the available ones.
 */
function keysApart(away, elsewhere) {
  const name = away.subarray(0, NAME)
  return ({ head, keyIndex }) => {
    const at = NAME + DIGEST * keyIndex
    const digest = away.subarray(at, at + DIGEST)
    // A key with another digest belongs to the entry that has since taken this one's place.
    return elsewhere(head.number).filter((one) => one.name.equals(name) && digestOf(one.key).equals(digest))
  }
}

/**
 * Everything that can be opened of a backup, finished or not, in the same form. For a backup with its keys
 * apart, `keys` is the file of exported keys or the directory of the store. `key` is the user's key that
 * opens the backup, and `keysKey` that of the keys, if it differs.
 */
export function readBackup(path, { keys, key: user, keysKey = user, tell = () => {} } = {}) {
  const collections = []
  let known
  const elsewhere = (number) => {
    known ??= keysFrom(keys, keysKey, tell)
    return known(number)
  }
  /** Opens the entries of a collection. The record that follows has their keys, or says which they are. */
  const openThese = (file, entries, { kind, data, size }, table, into) => {
    let away
    if (table !== undefined && kind === 'KEYS') {
      const tables = [{ table, maskedKeys: file.read(data, size) }]
      return openEntries(file, entries, ({ keyIndex }) => keysAt(keyIndex, tables), into)
    }
    if (table !== undefined && kind === 'AWAY') {
      away = table.open(Buffer.from(kind), file.read(data, size))
      if (away?.length !== NAME + DIGEST * entries.length) {
        tell(`${path}: what it says of keys cannot be opened`)
        away = undefined
      } else if (keys === undefined) tell(`${path}: its keys are apart, and none were given`)
    }
    const none = () => []
    if (keys === undefined || kind === 'KEYS') openEntries(file, entries, none, into)
    else if (away !== undefined) openEntries(file, entries, keysApart(away, elsewhere), into)
    // Without that record the random name is unknown, so every key with the entry's number is tried.
    else openEntries(file, entries, none, into, elsewhere)
  }
  withFile(path, tell, (file) => {
    const [key] = keptKeys(file, 'VECBAK', user, tell)
    let at = recordsOf(file)
    while (at < file.size) {
      const { settings, ttl, entries, next: first, end } = readCollection(file, at)
      if (first?.kind === 'DONE' && end === at) return
      // Which collection of the store it is a copy of, and of when: not needed to read it.
      const next = first?.kind === 'COPY' && first.end < file.size ? readRecord(file, first.end) : first
      const table = key && numberedTable(collections.length + 1, key)
      const collection = collectionAt(path)
      if (ttl > 0) collection.ttl = ttl
      if (settings !== undefined) collection.name = nameIn(table?.settings(settings))
      const isKeyed = next?.kind === 'KEYS' || next?.kind === 'AWAY'
      openThese(file, entries, next ?? {}, table, collection)
      if (settings !== undefined || entries.length > 0) collections.push(collection)
      if (!isKeyed) {
        const fault = next?.fault ?? 'the keys of a collection are not there'
        tell(`${path}: at byte ${end}: ${fault}; ${file.size - end} bytes were not read`)
        return
      }
      at = next.end
    }
    tell(`${path}: it has no end`)
  })
  return collections
}

/** How much of a ledger is read at a time. */
const PIECE = 1_048_576

const isOfStore = (entry) => /^(?:STORE$|KEYRING)/.test(entry.name) || isCollection(entry)

/** How many lines a file has. */
function lineCount(file) {
  let lines = 0
  for (let at = 0; at < file.size; at += PIECE) {
    const piece = file.read(at, PIECE)
    for (let end = piece.indexOf(10); end !== -1; end = piece.indexOf(10, end + 1)) lines += 1
  }
  return lines
}

/**
 * Everything that can be opened of a store, of a backup, or of all stores and backups in a directory and
 * below it. `onLedger` is called with the path of each ledger and the number of its entries.
 */
export function readAll(path, { keys, key, keysKey, tell = () => {}, onLedger = () => {} } = {}) {
  if (!statSync(path).isDirectory()) return readBackup(path, { keys, key, keysKey, tell })
  const entries = list(path, tell)
  const found = entries.some(isOfStore) ? readStore(path, { keys, key, keysKey, tell }) : []
  for (const entry of entries) {
    const inside = join(path, entry.name)
    const isBackup = () => withFile(inside, tell, (file) => file.read(0, 8).toString() === 'VECBAK\r\n')
    if (entry.isDirectory() && !isCollection(entry)) found.push(...readAll(inside, { key, tell, onLedger }))
    else if (entry.isFile() && entry.name === 'LEDGER')
      // The first line is the ledger's own.
      withFile(inside, tell, (file) => onLedger(inside, Math.max(0, lineCount(file) - 1)))
    else if (entry.isFile() && isBackup()) found.push(...readBackup(inside, { key, tell }))
  }
  return found
}

/** The user's key, from the contents of its file. */
export function keyOf(bytes) {
  if (bytes.length === KEY) return bytes
  const text = bytes.toString('latin1').trim()
  if (/^[\da-f]{64}$/i.test(text)) return Buffer.from(text, 'hex')
  if (/^[\w+/-]{43}=?$/.test(text)) return Buffer.from(text, 'base64')
  throw new Error('a key is 32 bytes, or 64 hexadecimal digits, or the base64 text of 32 bytes')
}

const VALUES = 4

const timeOf = (ms) => new Date(ms).toISOString()

function print({ name, path, ttl, entries, total, withoutKey, unopened }) {
  const what = `${path}, ${name === null ? 'whose name is not known' : JSON.stringify(name)}`
  console.log(`${what}${ttl === undefined ? '' : `, with a TTL of ${ttl} seconds`}:`)
  for (const { number, order, live, id, metadata, text, row, expiresAt, insertedAt, log } of entries) {
    const more = row.length > VALUES ? `, … ${row.length} values` : ''
    console.log(
      `  ${JSON.stringify(id)} (number ${number}, order ${order}, ${live ? 'live' : 'dead'}, in ${log})`,
    )
    if (metadata !== null) console.log(`    metadata ${metadata}`)
    if (text !== null) console.log(`    text ${JSON.stringify(text)}`)
    console.log(`    inserted at ${timeOf(insertedAt)}`)
    if (expiresAt !== null) console.log(`    expires at ${timeOf(expiresAt)}`)
    console.log(`    row [${row.slice(0, VALUES).join(', ')}${more}]`)
  }
  const counts = `${total} entries, ${entries.length} opened, ${withoutKey} without key, ${unopened} not openable`
  return `${what}: ${counts}`
}

function main() {
  const { values: options, positionals } = parseArgs({
    options: {
      keys: { type: 'string' },
      'key-file': { type: 'string' },
      'keys-key-file': { type: 'string' },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  })
  const [path, ...rest] = positionals
  if (path === undefined || rest.length > 0)
    throw new Error(
      'usage: node scripts/read-store.mjs DIRECTORY-OR-BACKUP [--keys FILE-OR-DIRECTORY] [--key-file FILE] [--keys-key-file FILE] [--json]',
    )
  const [key, keysKey] = [options['key-file'], options['keys-key-file']].map((file) =>
    file === undefined ? undefined : keyOf(readFileSync(file)),
  )
  const tell = (what) => console.error(what)
  const ledgers = []
  const onLedger = (file, entries) => ledgers.push(`${file}: ${entries} entries of a ledger`)
  const collections = readAll(path, { keys: options.keys, key, keysKey, tell, onLedger })
  if (options.json) return console.log(JSON.stringify(collections))
  const summary = collections.map(print)
  console.log([...summary, ...ledgers].join('\n'))
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    main()
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
