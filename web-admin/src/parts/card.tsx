import type { ComponentChildren } from 'preact'
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'

export function Card(props: {
  readonly title: string
  /** Its place on the page, for links to it. */
  readonly name?: string
  readonly count?: number | undefined
  /** Buttons beside the title. */
  readonly aside?: ComponentChildren
  readonly class?: string
  readonly children: ComponentChildren
}) {
  const id = useId()
  return (
    <section
      class={`card ${props.class ?? ''}`}
      id={props.name}
      aria-labelledby={id}
      tabIndex={props.name === undefined ? undefined : -1}
    >
      <div class="card-head">
        <h2 id={id}>
          {props.title}{' '}
          {props.count !== undefined && <span class="count">{props.count.toLocaleString()}</span>}
        </h2>
        {props.aside}
      </div>
      {props.children}
    </section>
  )
}

/** A card for a closer look: on a phone it is shut until it is wanted. */
export function FoldedCard(props: {
  readonly title: string
  readonly count?: number | undefined
  readonly children: ComponentChildren
}) {
  const id = useId()
  const roomy = useMemo(() => matchMedia('(min-width: 48rem)'), [])
  const [open, setOpen] = useState(roomy.matches)
  useEffect(() => {
    const follow = (): void => setOpen(roomy.matches)
    roomy.addEventListener('change', follow)
    return () => roomy.removeEventListener('change', follow)
  }, [roomy])
  return (
    <section class="card folded" aria-labelledby={id}>
      <details open={open} onToggle={event => setOpen(event.currentTarget.open)}>
        <summary>
          <h2 id={id}>
            {props.title}{' '}
            {props.count !== undefined && <span class="count">{props.count.toLocaleString()}</span>}
          </h2>
        </summary>
        {/* What draws itself by its width waits until it has one. */}
        {open && <div class="folded-body">{props.children}</div>}
      </details>
    </section>
  )
}

/** The page's own head: its one h1, which a page change puts the focus on, and what can be done here. */
export function PageHead(props: { readonly title: string; readonly children?: ComponentChildren }) {
  const title = useRef<HTMLHeadingElement>(null)
  useLayoutEffect(() => {
    if (document.activeElement?.id === 'page') title.current?.focus()
  }, [])
  return (
    <header class="page-head">
      <h1 ref={title} tabIndex={-1}>
        {props.title}
      </h1>
      {props.children && <div class="buttons">{props.children}</div>}
    </header>
  )
}
