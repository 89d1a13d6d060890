/** The ladder as an export draws it, and beside it the message of the row that is chosen. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { type Ladder, type LadderRow, ladderOf, timeOf } from '../../../src/trace/ladder.ts'
import { ladderStyle, ladderSvg } from '../../../src/trace/ladder-svg.ts'
import type { TraceEvent } from '../../../src/trace/message.ts'
import { FoldedCard } from '../parts/card.tsx'
import { callTexts as texts } from '../texts/calls.ts'

const hearing = ['focusin', 'mouseover', 'click'] as const

export function LadderCard(props: { readonly events: readonly TraceEvent[]; readonly title: string }) {
  const { events, title } = props
  const ladder = useMemo(() => ladderOf(events), [events])
  return (
    <FoldedCard title={texts.ladder}>
      {ladder.rows.length === 0 ? (
        <p class="soft">{texts.ladderNone}</p>
      ) : (
        <Drawing ladder={ladder} title={title} />
      )}
    </FoldedCard>
  )
}

function Drawing({ ladder, title }: { readonly ladder: Ladder; readonly title: string }) {
  const narrow = useMedia('(max-width: 47.99rem)')
  const [chosen, setChosen] = useState<string>()
  const drawing = useRef<HTMLDivElement>(null)
  useEffect(adoptStyle, [])
  // Its rows take the focus and have names; this only hears of it.
  useEffect(() => {
    const place = drawing.current
    const choose = ({ target }: Event): void => {
      const found = rowAt(target instanceof Element ? target : null)
      if (found !== undefined) setChosen(found)
    }
    for (const kind of hearing) place?.addEventListener(kind, choose)
    return () => {
      for (const kind of hearing) place?.removeEventListener(kind, choose)
    }
  }, [])
  useEffect(() => {
    const place = drawing.current
    if (place === null) return
    // As XML, which runs nothing and must be well-formed; what was focused stays so while a call goes on.
    const text = ladderSvg(ladder, title, { width: narrow ? 'narrow' : 'wide', withStyle: false })
    const { documentElement } = new DOMParser().parseFromString(text, 'image/svg+xml')
    if (documentElement.localName !== 'svg') return
    const focused = rowAt(document.activeElement)
    place.replaceChildren(document.importNode(documentElement, true))
    if (focused !== undefined) place.querySelector<SVGElement>(`[data-events="${focused}"]`)?.focus()
  }, [ladder, narrow, title])
  const row = ladder.rows.find(({ events: numbers }) => numbers.join(' ') === chosen)
  return (
    <div class="ladder-parts">
      <div class="ladder-drawing" ref={drawing} />
      <aside class="ladder-message" aria-label={texts.ladderMessage} aria-live="polite">
        {row === undefined ? <p class="soft">{texts.ladderHint}</p> : <Message row={row} />}
      </aside>
    </div>
  )
}

function Message({ row }: { readonly row: LadderRow }) {
  const way = row.from === row.to ? row.from : `${row.from} → ${row.to}`
  return (
    <>
      <h3>{row.label}</h3>
      <p class="soft small">
        {timeOf(row)} {texts.seconds} · {way}
      </p>
      {row.detail !== '' && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a long message scrolls in itself, by keyboard as well
        <pre tabIndex={0}>{row.detail}</pre>
      )}
    </>
  )
}

const rowAt = (element: Element | null): string | undefined =>
  element?.closest('[data-events]')?.getAttribute('data-events') ?? undefined

let adopted = false

/** The policy of this page lets no style stand in its text. */
function adoptStyle(): void {
  if (adopted) return
  adopted = true
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(ladderStyle)
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
}

function useMedia(query: string): boolean {
  const media = useMemo(() => matchMedia(query), [query])
  const [matches, setMatches] = useState(media.matches)
  useEffect(() => {
    const look = (): void => setMatches(media.matches)
    media.addEventListener('change', look)
    return () => media.removeEventListener('change', look)
  }, [media])
  return matches
}
