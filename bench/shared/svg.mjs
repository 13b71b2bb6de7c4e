// Small line charts as SVG: panels side by side with a shared legend, for light and dark pages.
const PANEL = { width: 300, height: 230 }
const GAP = { left: 62, right: 14, top: 34, bottom: 46 }
const HEAD = 44
const COLOURS = ['#d6336c', '#1c7ed6', '#2f9e44', '#f08c00', '#7048e8', '#0c8599', '#868e96', '#a9501f']

/** Colours of text and grid follow the reader's colour scheme; lines are distinguishable in both. */
const STYLE = `<style>
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 15px; font-weight: 600 }
  .ground { fill: #ffffff }
  .grid { stroke: #d0d7de }
  .line { fill: none; stroke-width: 1.8 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .ground { fill: #0d1117 }
    .grid { stroke: #30363d }
  }
</style>`

/**
 * Rows of panels, each `{ title, x, y, lines }`; an axis is `{ label, log }`, and a line is
 * `{ name, points }` with pairs of numbers. Lines with the same name have the same colour in all panels.
 */
export function svg(title, rows) {
  const panels = rows.flat()
  const names = [...new Set(panels.flatMap(({ lines }) => lines.map(({ name }) => name)))]
  const columns = Math.max(...rows.map((row) => row.length))
  const width = columns * (PANEL.width + GAP.left + GAP.right)
  const legend = legendOf(names, width)
  const step = PANEL.height + GAP.top + GAP.bottom
  const drawn = rows.flatMap((row, r) =>
    row.map((panel, c) => {
      const x = c * (PANEL.width + GAP.left + GAP.right) + GAP.left
      return `<g transform="translate(${x} ${HEAD + r * step + GAP.top})">${draw(panel, names)}</g>`
    }),
  )
  const height = HEAD + rows.length * step + legend.height
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    STYLE,
    `<rect class="ground" width="${width}" height="${height}"/>`,
    text(GAP.left, 26, title, 'class="title"'),
    ...drawn,
    `<g transform="translate(${GAP.left} ${HEAD + rows.length * step})">${legend.drawn}</g>`,
    '</svg>\n',
  ].join('\n')
}

function draw({ title, x, y, lines }, names) {
  const across = scale(lines, 0, x, PANEL.width)
  const up = scale(lines, 1, y, PANEL.height)
  const down = (value) => PANEL.height - up.at(value)
  const grid = [
    ...across.ticks.map((tick) => {
      const at = round(across.at(tick))
      const line = `<path class="grid" d="M${at} 0V${PANEL.height}"/>`
      return line + text(at, PANEL.height + 16, shown(tick), 'text-anchor="middle"')
    }),
    ...up.ticks.map((tick) => {
      const at = round(down(tick))
      return `<path class="grid" d="M0 ${at}H${PANEL.width}"/>${text(-6, at + 4, shown(tick), 'text-anchor="end"')}`
    }),
  ]
  const curves = lines.map(({ name, points }) => {
    const colour = colourOf(name, names)
    const places = points.map(([px, py]) => [round(across.at(px)), round(down(py))])
    const dots = places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="2.4" fill="${colour}"/>`)
    return `<path class="line" stroke="${colour}" d="M${places.map((place) => place.join(' ')).join('L')}"/>${dots.join('')}`
  })
  const middle = `translate(-46 ${PANEL.height / 2}) rotate(-90)`
  return [
    text(0, -10, title, 'font-weight="600"'),
    ...grid,
    ...curves,
    text(PANEL.width / 2, PANEL.height + 36, x.label, 'text-anchor="middle"'),
    text(0, 0, y.label, `text-anchor="middle" transform="${middle}"`),
  ].join('\n')
}

/** The position of a value on an axis of this length, and the values that are marked on it. */
function scale(lines, which, { log, min, max }, length) {
  const values = lines.flatMap(({ points }) => points.map((point) => point[which])).filter(Number.isFinite)
  const low = Math.min(min ?? Infinity, ...values)
  const high = Math.max(max ?? -Infinity, ...values)
  const ticks = log ? powers(low, high) : evenly(low, high)
  const form = log ? Math.log10 : (value) => value
  const start = form(Math.min(low, ticks[0]))
  const end = form(Math.max(high, ticks.at(-1)))
  return { ticks, at: (value) => ((form(value) - start) / (end - start || 1)) * length }
}

/** 1, 2 and 5 times the powers of ten, around the values shown. */
function powers(low, high) {
  const all = []
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const digit of [1, 2, 5]) all.push(digit * 10 ** power)
  const first = all.findLastIndex((tick) => tick <= low)
  const last = all.findIndex((tick) => tick >= high)
  const inside = all.slice(Math.max(0, first), last + 1)
  return inside.length > 7 ? inside.filter((tick) => /^[10.]+$/.test(shown(tick))) : inside
}

function evenly(low, high) {
  const room = high - low || Math.abs(high) || 1
  const rough = 10 ** Math.floor(Math.log10(room / 4))
  const step = [1, 2, 5, 10].map((factor) => factor * rough).find((size) => room / size <= 6)
  const first = Math.floor(low / step + 1e-9)
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9))
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step)
}

function legendOf(names, width) {
  let x = 0
  let y = 10
  const entries = names.map((name) => {
    const room = 44 + 7 * name.length
    if (x > 0 && x + room > width - GAP.left) {
      x = 0
      y += 20
    }
    const colour = colourOf(name, names)
    const entry = `<path class="line" stroke="${colour}" d="M${x} ${y}h20"/>${text(x + 26, y + 4, name)}`
    x += room
    return entry
  })
  return { drawn: entries.join('\n'), height: y + 20 }
}

const colourOf = (name, names) => COLOURS[names.indexOf(name) % COLOURS.length]
const round = (value) => Number(value.toFixed(1))
const shown = (value) => String(Number(value.toPrecision(6)))
const escaped = (words) => words.replace(/&/g, '&amp;').replace(/</g, '&lt;')
const text = (x, y, words, more = '') => `<text x="${x}" y="${y}" ${more}>${escaped(words)}</text>`
