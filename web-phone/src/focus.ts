/**
 * The focus is never lost: where the element that has it is taken away (somebody at the door was answered, a missed call
 * cleared), it goes to the title of what is nearest and still there; where a whole screen went, to the title of the one that
 * came, unless that has put it somewhere. Never to a button: a key held down or pressed twice
 * would let in the next one as well. Screens and dialogs see to their own.
 */
import { useEffect, useRef } from 'preact/hooks'

const groups = 'dialog, section, main'
/** A screen that comes up has put the focus where it wants it by then. */
const settledMilliseconds = 300

export function keepFocus(): void {
  let had: { readonly element: Element; readonly around: readonly Element[] } | undefined
  document.addEventListener('focusin', ({ target }) => {
    if (!(target instanceof Element)) return
    const around: Element[] = []
    let group = target.parentElement?.closest(groups)
    for (; group; group = group.parentElement?.closest(groups)) around.push(group)
    had = { element: target, around }
  })
  new MutationObserver(() => {
    if (had === undefined || had.element.isConnected || document.activeElement !== document.body) return
    const group = had.around.find(one => one.isConnected)
    had = undefined
    if (group) focusTitle(group)
    else
      setTimeout(() => document.activeElement === document.body && focusTitle(document), settledMilliseconds)
  }).observe(document.documentElement, { childList: true, subtree: true })
}

function focusTitle(group: ParentNode): void {
  const title = group.querySelector<HTMLElement>('h1, h2, h3')
  if (!title) return
  title.tabIndex = -1
  title.focus({ preventScroll: true })
}

/** Takes the focus when the screen comes up, where nothing else has it. */
export function useFocus<Element extends HTMLElement>(wanted: boolean) {
  const element = useRef<Element>(null)
  useEffect(() => {
    if (wanted && document.activeElement === document.body) element.current?.focus({ preventScroll: true })
  }, [])
  return element
}
