// What the arguments say, or what is wrong with them.
const { parseArgs } = require('node:util')

/** Options of every command. */
const COMMON = {
  'key-file': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
}

class UsageError extends Error {}

/** How many characters have to be put in, taken out or replaced to make `b` of `a`. */
function distance(a, b) {
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 0; i < a.length; i++) {
    const row = [i + 1]
    for (let j = 0; j < b.length; j++) {
      row.push(Math.min(above[j + 1] + 1, row[j] + 1, above[j] + (a[i] === b[j] ? 0 : 1)))
    }
    above = row
  }
  return above[b.length]
}

/** What is said of an option or a command that there is not, with one that may be meant. */
function unknown(kind, name, all) {
  const near = all
    .map((known) => [distance(name, known), known])
    .filter(([far]) => far <= 2)
    .sort(([a], [b]) => a - b)
  return new UsageError(`unknown ${kind} '${name}'${near.length > 0 ? `: did you mean ${near[0][1]}?` : ''}`)
}

const unknownOption = (name, options) =>
  unknown(
    'option',
    name,
    Object.keys(options).map((known) => `--${known}`),
  )

/** The name of the command that is meant; nothing where there is none. */
function commandIn(args, commands) {
  // Options may come before it, and whether they have values is known by all commands together.
  const options = Object.assign({}, ...Array.from(commands.values(), (command) => command.options), COMMON)
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true })
  const first = tokens.find(({ kind, name }) =>
    kind === 'option' ? !Object.hasOwn(options, name) : kind === 'positional',
  )
  if (first?.kind === 'option') throw unknownOption(first.rawName, options)
  if (first === undefined || commands.has(first.value)) return first?.value
  throw unknown('command', first.value, Array.from(commands.keys()))
}

/** The values of options, and what is no option. */
function read(args, own) {
  const options = { ...own, ...COMMON }
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    const [, name] = /^Unknown option '([^']*)'/.exec(error.message) ?? []
    throw name === undefined ? new UsageError(error.message) : unknownOption(name, options)
  }
}

/** Those operands that a command has, all of them. */
function operandsOf(given, names) {
  if (given.length > names.length) throw new UsageError(`unexpected '${given[names.length]}'`)
  for (const [i, name] of names.entries()) {
    if (!given[i]) throw new UsageError(`${name} is ${given[i] === '' ? 'empty' : 'missing'}`)
  }
  return given
}

function whole(values, name) {
  const text = values[name]
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`--${name} must be a whole number, not '${text}'`)
  return Number(text)
}

/** What was given of an object. */
const given = (object) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))

module.exports = { commandIn, given, operandsOf, read, UsageError, whole }
