// Parses command-line arguments, and reports what is wrong with them.
import { type ParseArgsConfig, parseArgs } from 'node:util'

/** Options, by name. */
export type Options = NonNullable<ParseArgsConfig['options']>

type ValueOf<Option> = Option extends { type: 'boolean' }
  ? boolean
  : Option extends { multiple: true }
    ? string[]
    : string

/** The values of a command's options, and of the key option, which every command has. */
export type Values<Own extends Options> = { readonly [Name in keyof Own]?: ValueOf<Own[Name]> } & {
  readonly 'key-file'?: string
}

/** A command. */
export interface Command {
  about: string
  operands: string[]
  options: Options
  help: string
  /** May return an exit code. */
  run(values: any, ...operands: string[]): Promise<number | undefined>
}

/** Options that every command has. */
const COMMON: Options = {
  'key-file': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
}

export class UsageError extends Error {}

/** The edit distance between `a` and `b`. */
function distance(a: string, b: string): number {
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

/** The error for an unknown option or command, with a suggestion if one is close. */
function unknown(kind: string, name: string, all: string[]): UsageError {
  const near = all
    .map((known): [number, string] => [distance(name, known), known])
    .filter(([far]) => far <= 2)
    .sort(([a], [b]) => a - b)
  return new UsageError(`unknown ${kind} '${name}'${near.length > 0 ? `: did you mean ${near[0][1]}?` : ''}`)
}

const unknownOption = (name: string, options: Options) =>
  unknown(
    'option',
    name,
    Object.keys(options).map((known) => `--${known}`),
  )

/** The name of the command, if there is one. */
export function commandIn(args: string[], commands: Map<string, Command>): string | undefined {
  // Options may come before it, and all commands' options are needed to know which take values.
  const options: Options = Object.assign(
    {},
    ...Array.from(commands.values(), (command) => command.options),
    COMMON,
  )
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true })
  const first = tokens.find((token) =>
    token.kind === 'option' ? !Object.hasOwn(options, token.name) : token.kind === 'positional',
  )
  if (first?.kind === 'option') throw unknownOption(first.rawName, options)
  if (first?.kind !== 'positional') return undefined
  if (commands.has(first.value)) return first.value
  throw unknown('command', first.value, Array.from(commands.keys()))
}

/** The values of the options, and the operands. */
export function read(args: string[], own: Options | undefined) {
  const options: Options = { ...own, ...COMMON }
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    const { message } = error as Error
    const [, name] = /^Unknown option '([^']*)'/.exec(message) ?? []
    throw name === undefined ? new UsageError(message) : unknownOption(name, options)
  }
}

/** Checks that exactly the operands of a command were given. */
export function operandsOf(given: string[], names: string[]): string[] {
  if (given.length > names.length) throw new UsageError(`unexpected '${given[names.length]}'`)
  for (const [i, name] of names.entries()) {
    if (!given[i]) throw new UsageError(`${name} is ${given[i] === '' ? 'empty' : 'missing'}`)
  }
  return given
}

export function whole<Name extends string>(
  values: { readonly [N in Name]?: string },
  name: Name,
): number | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`--${name} must be a whole number, not '${text}'`)
  return Number(text)
}

/** The properties of an object that are not undefined. */
export const given = <T extends object>(object: T) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
