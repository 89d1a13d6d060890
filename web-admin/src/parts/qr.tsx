/** An address as a QR code, drawn as one path so that it stays sharp on paper. */
import { encode } from 'uqr'

/** Modules of white around it, which scanners need. */
const border = 4

export function Qr({ text, label }: { readonly text: string; readonly label: string }) {
  const { data, size } = encode(text, { ecc: 'M', border: 0 })
  const modules = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])))
  const side = size + 2 * border
  return (
    <svg class="qr" viewBox={`${-border} ${-border} ${side} ${side}`} role="img" aria-label={label}>
      <title>{label}</title>
      <rect x={-border} y={-border} width={side} height={side} fill="#fff" />
      <path d={modules.join('')} fill="#000" shape-rendering="crispEdges" />
    </svg>
  )
}
