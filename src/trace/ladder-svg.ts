/**
 * A ladder as one SVG that needs nothing else: for a page, an export, a printer. Each row can be focused and says in
 * its title what it is; colours come from the surroundings' text colour, phases are told by words too.
 */
import { type Ladder, type LadderRow, type Lane, type Phase, phaseNames, timeOf } from './ladder.ts'

const rowHeight = 26
const top = 54
const left = 190
const laneGap = 250
const right = 130

const hues: Readonly<Record<Phase, string>> = {
  signalling: '#3b6fb6',
  connectivity: '#8a5fb0',
  encryption: '#2f855a',
  media: '#b7791f',
  relay: '#c0504d',
  end: '#6b7280',
}

const style = `.l{font:12px system-ui,sans-serif;fill:currentColor}.t{text-anchor:end;font-variant-numeric:tabular-nums}
.h{font-weight:600;text-anchor:middle}.m{text-anchor:middle}.r{outline:none}.r .f{fill:transparent}
.r:hover .f,.r:focus .f{fill:currentColor;fill-opacity:.09}.r:focus .f{stroke:currentColor}.x{stroke:currentColor;stroke-opacity:.3}`

export function ladderSvg(ladder: Ladder, title: string): string {
  const width = left + (ladder.lanes.length - 1) * laneGap + right
  const height = top + ladder.rows.length * rowHeight + (ladder.leftOut > 0 ? 2 : 1) * rowHeight
  const x = new Map(ladder.lanes.map((lane, index) => [lane, left + index * laneGap]))
  const bottom = top + ladder.rows.length * rowHeight
  const lanes = ladder.lanes.map(
    lane =>
      `<text class="l h" x="${x.get(lane)}" y="24">${lane}</text><line class="x" x1="${x.get(lane)}" y1="34" x2="${x.get(lane)}" y2="${bottom}"/>`,
  )
  const bands = ladder.phases.map(({ phase, from, to }) => {
    const y = top + from * rowHeight
    const tall = (to - from + 1) * rowHeight
    return `<rect x="0" y="${y}" width="4" height="${tall - 2}" fill="${hues[phase]}"/><text class="l" x="10" y="${y + 17}">${phaseNames[phase]}</text>`
  })
  const rows = ladder.rows.map((row, index) => drawn(row, top + index * rowHeight, x, width))
  const more =
    ladder.leftOut > 0
      ? `<text class="l" x="${left}" y="${bottom + 18}">… and ${ladder.leftOut} rows more</text>`
      : ''
  const about = `${ladder.rows.length} rows in ${ladder.phases.length} phases; lanes ${ladder.lanes.join(', ')}; times in seconds since the call began`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="group" aria-labelledby="ladder-title ladder-about"><title id="ladder-title">${escaped(title)}</title><desc id="ladder-about">${about}</desc><style>${style}</style>${lanes.join('')}${bands.join('')}<g role="list">${rows.join('')}</g>${more}</svg>`
}

function drawn(row: LadderRow, y: number, x: ReadonlyMap<Lane, number>, width: number): string {
  const [from, to] = [x.get(row.from)!, x.get(row.to)!]
  const colour = hues[row.phase]
  const way = row.from === row.to ? `at ${row.from}` : `from ${row.from} to ${row.to}`
  const says = `${timeOf(row)} s, ${phaseNames[row.phase]}: ${row.label}, ${way}`
  const middle = y + rowHeight / 2
  const body =
    row.from === row.to
      ? `<circle cx="${from}" cy="${middle}" r="4" fill="${colour}"/><text class="l" x="${from + 10}" y="${middle + 4}">${escaped(cut(row.label, 34))}</text>`
      : arrow(from, to, middle, colour, row.label)
  return `<g class="r" role="listitem" tabindex="0" aria-label="${escaped(says)}" data-events="${row.events.join(' ')}"><title>${escaped(row.detail === '' ? says : `${says}\n${row.detail}`)}</title><rect class="f" x="86" y="${y}" width="${width - 90}" height="${rowHeight - 2}" rx="3"/><text class="l t" x="160" y="${middle + 4}">${timeOf(row)}</text>${body}</g>`
}

function arrow(from: number, to: number, y: number, colour: string, label: string): string {
  const sign = to > from ? 1 : -1
  const [start, end] = [from + 3 * sign, to - 3 * sign]
  const line = y + 6
  const head = `${end},${line} ${end - 8 * sign},${line - 4} ${end - 8 * sign},${line + 4}`
  const most = Math.floor((Math.abs(to - from) - 20) / 7)
  // An arrow over a lane would have its label struck through by the rail.
  const middle = Math.abs(to - from) > laneGap ? from + (sign * laneGap) / 2 : (from + to) / 2
  return `<line x1="${start}" y1="${line}" x2="${end}" y2="${line}" stroke="${colour}" stroke-width="1.5"/><polygon points="${head}" fill="${colour}"/><text class="l m" x="${middle}" y="${y + 2}">${escaped(cut(label, Math.min(most, 32)))}</text>`
}

const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1)}…`

/** XML 1.0 §2.2: characters that no escape can bring in are left out. */
const escaped = (text: string): string =>
  text
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
