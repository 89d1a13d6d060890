/**
 * A ladder as one SVG that needs nothing else: for a page, an export, a printer. Each row can be focused and says in
 * its title what it is; the whole has a label, since a title would lie over it wherever the pointer rests. Colours come
 * from the surroundings' text colour, phases are told by words too. Without scripts a row is a link to its message,
 * where the page has one.
 */
import { type Ladder, type LadderRow, type Lane, type Phase, phaseNames, timeOf } from './ladder.ts'
import { cut, escaped } from './markup.ts'

export interface LadderDrawing {
  /** `narrow` fits a telephone held upright. */
  readonly width?: 'wide' | 'narrow' | undefined
  /** Where a row's message is on the page; undefined: nowhere. */
  readonly href?: ((row: LadderRow) => string | undefined) | undefined
  /** False where a page has `ladderStyle` already, or may not have styles in its text. */
  readonly withStyle?: boolean | undefined
  /** Begins the id of the description, where a page has more than one ladder. */
  readonly id?: string | undefined
}

/** Sizes in pixels. `letters`: how many of a label fit between two lanes; `phase`: the line of a phase's name. */
interface Layout {
  readonly left: number
  readonly laneGap: number
  readonly right: number
  readonly letters: number
  readonly phase: number
}

const layouts: Readonly<Record<'wide' | 'narrow', (lanes: number) => Layout>> = {
  wide: () => ({ left: 130, laneGap: 220, right: 160, letters: 32, phase: 30 }),
  narrow: lanes =>
    lanes > 3
      ? { left: 80, laneGap: 96, right: 24, letters: 14, phase: 42 }
      : { left: 80, laneGap: 140, right: 24, letters: 21, phase: 42 },
}

const rowHeight = 27
/** Of its last letters: about as wide as system fonts are. */
const letterWidth = 6.6
const top = 8

/** Middle tones, readable on light and dark; a page may set its own. */
const hues: Readonly<Record<Phase, string>> = {
  signalling: 'var(--ladder-signalling,#4a7fc4)',
  connectivity: 'var(--ladder-connectivity,#9a6bc4)',
  encryption: 'var(--ladder-encryption,#2f9463)',
  media: 'var(--ladder-media,#b9801f)',
  relay: 'var(--ladder-relay,#c95f52)',
  end: 'var(--ladder-end,#7b8494)',
}

const phaseStyle = Object.entries(hues)
  .map(([phase, hue]) => `.ladder .${phase}{--hue:${hue}}`)
  .join('')

/** For a page that holds ladders: the same that each has by itself. */
export const ladderStyle = `.ladder{font:12px system-ui,sans-serif;color:inherit;max-width:100%;height:auto}
${phaseStyle}
.ladder a{color:inherit}.ladder text{fill:currentColor;stroke:none}
.ladder .halo{paint-order:stroke;stroke:var(--ladder-ground,Canvas);stroke-width:4px;stroke-linejoin:round}
.ladder .t{text-anchor:end;font-variant-numeric:tabular-nums;fill-opacity:.75}
.ladder .m{text-anchor:middle}.ladder .e{text-anchor:end}
.ladder .lane{text-anchor:middle;font-weight:600}.ladder .again{text-anchor:middle;fill-opacity:.6;font-size:11px}
.ladder .name{font-weight:600;fill:var(--hue)}
.ladder .bar{fill:var(--hue)}.ladder .line{stroke:var(--hue);stroke-width:1.6}.ladder .head,.ladder .dot{fill:var(--hue)}
.ladder .rail{stroke:currentColor;stroke-opacity:.25}.ladder .rule{stroke:var(--hue);stroke-opacity:.5}
.ladder .r{outline:none}.ladder .f{fill:transparent}.ladder .r:hover .f{fill:currentColor;fill-opacity:.08}
.ladder .r:focus-visible .f{fill:currentColor;fill-opacity:.1;stroke:currentColor;stroke-width:2}
@media print{.ladder .rule,.ladder .rail{stroke-opacity:.5}}`

export function ladderSvg(ladder: Ladder, title: string, drawing: LadderDrawing = {}): string {
  const layout = layouts[drawing.width ?? 'wide'](ladder.lanes.length)
  const { left, laneGap, right, phase: phaseHeight } = layout
  const width = left + (ladder.lanes.length - 1) * laneGap + right
  const x = new Map(ladder.lanes.map((lane, index) => [lane, left + index * laneGap]))
  const place = placed(ladder, phaseHeight)
  const rails = [...x.values()].map(
    at => `<line class="rail" x1="${at}" y1="${top + phaseHeight - 6}" x2="${at}" y2="${place.height - 6}"/>`,
  )
  const bands = ladder.phases.map(({ phase, to }, index) => {
    const y = place.phases[index]!
    const bottom = place.rows[to]! + rowHeight - 3
    const names = [...x].map(
      ([lane, at]) =>
        `<text class="${index === 0 ? 'lane' : 'again'} halo" x="${at}" y="${y + phaseHeight - 11}">${lane}</text>`,
    )
    const rule = index === 0 ? '' : `<line class="rule" x1="0" y1="${y + 2}" x2="${width}" y2="${y + 2}"/>`
    return `<g class="${phase}" aria-hidden="true">${rule}<rect class="bar" x="0" y="${y + 4}" width="4" height="${bottom - y - 4}" rx="2"/><text class="name" x="10" y="${y + 19}">${phaseNames[phase]}</text>${names.join('')}</g>`
  })
  const rows = ladder.rows.map((row, index) => drawn(row, place.rows[index]!, x, width, layout, drawing))
  const gap =
    ladder.leftOut > 0
      ? `<text class="m halo" x="${(left + width - right) / 2}" y="${place.rows[ladder.leftOutBefore]! - 8}">… ${ladder.leftOut} rows left out …</text>`
      : ''
  const about = `${ladder.rows.length} rows in ${ladder.phases.length} phases; lanes ${ladder.lanes.join(', ')}; times in seconds since the call began`
  const id = drawing.id ?? 'ladder'
  const style = drawing.withStyle === false ? '' : `<style>${ladderStyle}</style>`
  return `<svg class="ladder" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${place.height}" width="${width}" height="${place.height}" role="group" aria-label="${escaped(title)}" aria-describedby="${id}-about"><desc id="${id}-about">${about}</desc>${style}${rails.join('')}${bands.join('')}${gap}<g role="list">${rows.join('')}</g></svg>`
}

/** Where phases and rows begin; a phase has a line of its own for its name and the lanes'. */
function placed(
  ladder: Ladder,
  phaseHeight: number,
): {
  readonly phases: readonly number[]
  readonly rows: readonly number[]
  readonly height: number
} {
  const phases: number[] = []
  const rows: number[] = []
  const begins = new Set(ladder.phases.map(({ from }) => from))
  let y = top
  ladder.rows.forEach((_, index) => {
    if (begins.has(index)) {
      phases.push(y)
      y += phaseHeight
    }
    if (ladder.leftOut > 0 && index === ladder.leftOutBefore) y += phaseHeight
    rows.push(y)
    y += rowHeight
  })
  return { phases, rows, height: y + 8 }
}

function drawn(
  row: LadderRow,
  y: number,
  x: ReadonlyMap<Lane, number>,
  width: number,
  layout: Layout,
  { href, width: kind }: LadderDrawing,
): string {
  const [from, to] = [x.get(row.from)!, x.get(row.to)!]
  const over = row.via === undefined ? '' : ` by way of the ${row.via}`
  const way = row.from === row.to ? `at ${row.from}` : `from ${row.from} to ${row.to}${over}`
  const says = `${timeOf(row)} s, ${phaseNames[row.phase]}: ${row.label}, ${way}`
  const body =
    row.from === row.to
      ? dot(row.label, from, y, width, layout)
      : arrow(row.label, from, to, y, layout, row.via === undefined ? undefined : x.get(row.via))
  const tells = row.detail === '' || kind === 'narrow' ? says : `${says}\n${row.detail}`
  const target = href?.(row)
  const [open, close] =
    target === undefined
      ? ['<g class="r" tabindex="0" role="img"', '</g>']
      : [`<a class="r" href="${escaped(target)}"`, '</a>']
  return `<g role="listitem" class="${row.phase}">${open} aria-label="${escaped(says)}" data-events="${row.events.join(' ')}"><title>${escaped(tells)}</title><rect class="f" x="8" y="${y}" width="${width - 10}" height="${rowHeight - 2}" rx="4"/><text class="t" x="${layout.left - (layout.left > 100 ? 60 : 22)}" y="${y + 17}">${timeOf(row)}</text>${body}${close}</g>`
}

/** Beyond the last lane there is room only where the drawing is wide. */
function dot(label: string, at: number, y: number, width: number, { left }: Layout): string {
  const middle = y + 13
  const room = width - at - 12
  const isTurned = label.length * letterWidth > room && at > width / 2
  const text = escaped(cut(label, Math.floor((isTurned ? at - left : room) / letterWidth)))
  const words = isTurned
    ? `<text class="e halo" x="${at - 10}" y="${middle + 4}">${text}</text>`
    : `<text class="halo" x="${at + 10}" y="${middle + 4}">${text}</text>`
  return `<circle class="dot" cx="${at}" cy="${middle}" r="4.5"/>${words}`
}

function arrow(
  label: string,
  from: number,
  to: number,
  y: number,
  { laneGap, letters }: Layout,
  via: number | undefined,
): string {
  const sign = to > from ? 1 : -1
  const [start, end] = [from + 2 * sign, to - 2 * sign]
  const line = y + 20
  const head = `${end},${line} ${end - 8 * sign},${line - 4} ${end - 8 * sign},${line + 4}`
  const spans = Math.round(Math.abs(to - from) / laneGap)
  // Where an arrow spans an even number of lanes its middle is a rail: the halo keeps the label apart from it.
  const middle = (from + to) / 2
  const passing = via === undefined ? '' : `<circle class="dot" cx="${via}" cy="${line}" r="4.5"/>`
  return `<line class="line" x1="${start}" y1="${line}" x2="${end - 4 * sign}" y2="${line}"/><polygon class="head" points="${head}"/>${passing}<text class="m halo" x="${middle}" y="${y + 14}">${escaped(cut(label, letters * spans))}</text>`
}
