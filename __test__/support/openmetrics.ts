// A strict parser of the OpenMetrics 1.0 text format.

export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

export interface Family {
  name: string
  type: string
  unit?: string
  help?: string
  samples: Sample[]
}

/** The suffixes of sample names for each type. */
const ENDINGS: Record<string, string[]> = {
  counter: ['_total', '_created'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count', '_created'],
}
const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL = '([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\\\\n]|\\\\["\\\\n])*)"'
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)?\\})? (\\S+)$`)
const NUMBER = /^([+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]Inf|NaN)$/

const unescaped = (text: string) => text.replace(/\\(.)/g, (_, char) => (char === 'n' ? '\n' : char))

/** The metric families by name; throws if the text does not have the format. */
export function parse(text: string): Map<string, Family> {
  const fail = (why: string, line: string) => {
    throw new Error(`no OpenMetrics: ${why}: ${line}`)
  }
  if (!text.endsWith('\n# EOF\n') && text !== '# EOF\n') fail('no end', text.slice(-40))
  const families = new Map<string, Family>()
  const seen = new Set<string>()
  let current: Family | undefined
  for (const line of text.split('\n').slice(0, -2)) {
    const meta = new RegExp(`^# (HELP|TYPE|UNIT) (${NAME}) (.*)$`).exec(line)
    if (meta) {
      const [, kind, name, rest] = meta
      if (current?.name !== name) {
        if (families.has(name)) fail('a family in two places', line)
        current = { name, type: 'unknown', samples: [] }
        families.set(name, current)
      }
      if (current.samples.length > 0) fail('metadata behind samples', line)
      const key = kind.toLowerCase() as 'help' | 'type' | 'unit'
      if (key === 'type' ? current.type !== 'unknown' : current[key] !== undefined) fail('twice', line)
      if (key === 'type' && !(rest in ENDINGS)) fail('a type not known here', line)
      if (key === 'unit' && !name.endsWith(`_${rest}`)) fail('a name without its unit', line)
      current[key] = rest
      continue
    }
    const sample = SAMPLE.exec(line) ?? fail('no sample', line)
    const [, name, written = ''] = sample as RegExpExecArray
    const value = (sample as RegExpExecArray).at(-1) as string
    if (!NUMBER.test(value)) fail('no number', line)
    const family = current ?? (fail('a sample without a family', line) as never)
    if (!ENDINGS[family.type].some((ending) => name === family.name + ending)) fail('of another family', line)
    const pairs = Array.from(written.matchAll(new RegExp(LABEL, 'g')), ([, key, value]) => [
      key,
      unescaped(value),
    ])
    const labels = Object.fromEntries(pairs)
    if (Object.keys(labels).length !== pairs.length) fail('a label twice', line)
    const identity = JSON.stringify([name, pairs.sort()])
    if (seen.has(identity)) fail('a sample twice', line)
    seen.add(identity)
    family.samples.push({ name, labels, value: Number(value.replace('Inf', 'Infinity')) })
  }
  for (const family of families.values()) check(family, fail)
  return families
}

/** Checks that the samples of one family are consistent. */
function check({ name, type, samples }: Family, fail: (why: string, line: string) => void) {
  if (type === 'counter' && samples.some(({ value }) => !(value >= 0))) fail('a negative counter', name)
  if (type !== 'histogram') return
  const rows = new Map<string, { bounds: [number, number][]; count?: number; sum?: number }>()
  for (const { name: full, labels, value } of samples) {
    const { le, ...rest } = labels
    const key = JSON.stringify(rest)
    const row = rows.get(key) ?? { bounds: [] }
    rows.set(key, row)
    if (full.endsWith('_bucket')) row.bounds.push([Number(le.replace('Inf', 'Infinity')), value])
    if (full.endsWith('_count')) row.count = value
    if (full.endsWith('_sum')) row.sum = value
  }
  for (const [key, { bounds, count, sum }] of rows) {
    const rising = bounds.every(
      ([le, value], i) => i === 0 || (le > bounds[i - 1][0] && value >= bounds[i - 1][1]),
    )
    if (!rising) fail('buckets that do not rise', `${name}${key}`)
    const [le, all] = bounds.at(-1) ?? []
    if (le !== Infinity || all !== count || sum === undefined)
      fail('an incomplete histogram', `${name}${key}`)
  }
}

/** The value of the only sample with these labels. */
export function sampleOf(families: Map<string, Family>, name: string, labels: Record<string, string> = {}) {
  const all = [...families.values()].flatMap(({ samples }) => samples)
  const found = all.filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )
  if (found.length > 1) throw new Error(`${found.length} samples of ${name} ${JSON.stringify(labels)}`)
  return found[0]?.value
}
