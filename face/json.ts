// Reads and writes JSON without rounding 64-bit integers. The built-in reader and writer round
// integers beyond 2^53; here they are bigints, and numbers of that size are floats.

/** Whether a number is an integer so large that it may have been rounded. */
export const isRounded = (value: number): boolean => Number.isInteger(value) && !Number.isSafeInteger(value)

export const fits64Bits = (value: bigint): boolean =>
  BigInt.asIntN(64, value) === value || BigInt.asUintN(64, value) === value

/** The JSON text of a value that may contain bigints. */
export function written(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number' && isRounded(value)) return value.toExponential()
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(written).join()}]`
  const entries = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${written(inner)}`)
  return `{${entries.join()}}`
}

const NUMBER = /-?\d[\d.eE+-]*/g
const COLON = /\s*:/y

/** Whether a number in a JSON text is an integer that must become a bigint. */
const isBigInt = (number: string) =>
  isRounded(Number(number)) && /^-?\d+$/.test(number) && fits64Bits(BigInt(number))

/** The position after the string that begins at `start`. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let first = end
    while (text[first - 1] === '\\') first--
    if ((end - first) % 2 === 0) return end + 1
  }
  return text.length
}

/**
 * The text with these integers as strings, and a mark at the start of every original string value.
 */
function marked(text: string): string {
  let out = ''
  for (let at = 0; at < text.length; ) {
    const quote = text.indexOf('"', at)
    const between = text.slice(at, quote === -1 ? text.length : quote)
    out += between.replace(NUMBER, (number) => (isBigInt(number) ? `"${number}"` : number))
    if (quote === -1) break
    at = COLON.lastIndex = stringEnd(text, quote)
    const isKey = COLON.test(text)
    out += isKey ? text.slice(quote, at) : `"=${text.slice(quote + 1, at)}`
  }
  return out
}

/** The value of a JSON text. */
export function read(text: string): unknown {
  return JSON.parse(marked(text), (_, value) => {
    if (typeof value !== 'string') return value
    return value[0] === '=' ? value.slice(1) : BigInt(value)
  })
}
