/** An address as a QR code: one path, each run of dark modules one rectangle, so that it stays sharp at any size. */
import { encode } from 'uqr'

/** Modules of white around it, which scanners need (ISO/IEC 18004 §9.1). */
const quietModules = 4

export function Qr({ text, label }: { readonly text: string; readonly label: string }) {
  const { data, size } = encode(text, { ecc: 'M', border: quietModules })
  const path = data.flatMap((row, y) =>
    runsOf(row).map(([x, length]) => `M${x} ${y}h${length}v1h-${length}z`),
  )
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label}>
      <rect width={size} height={size} fill="#fff" />
      <path d={path.join('')} fill="#000" shape-rendering="crispEdges" />
    </svg>
  )
}

/** Start and length of each run of `true`. */
function runsOf(row: readonly boolean[]): [number, number][] {
  const runs: [number, number][] = []
  row.forEach((dark, x) => {
    if (!dark) return
    if (row[x - 1]) runs.at(-1)![1]++
    else runs.push([x, 1])
  })
  return runs
}
