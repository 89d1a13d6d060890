/**
 * The focus is never lost: where the element that has it is taken away (a button whose work is done, a row that went), it
 * goes to what is nearest and still there. Dialogs and page changes see to their own.
 */
const focusable =
  'a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), summary, textarea, [tabindex="0"]'
/** Groups in which somebody goes on; a page's main part at last. */
const groups = 'form, dialog, details, section, main'

export function keepFocus(): void {
  let had: { readonly element: Element; readonly around: readonly Element[] } | undefined
  document.addEventListener('focusin', event => {
    const element = event.target
    if (!(element instanceof Element)) return
    const around: Element[] = []
    for (
      let group = element.parentElement?.closest(groups);
      group;
      group = group.parentElement?.closest(groups)
    )
      around.push(group)
    had = { element, around }
  })
  new MutationObserver(() => {
    if (had === undefined || had.element.isConnected || document.activeElement !== document.body) return
    const group = had.around.find(one => one.isConnected)
    had = undefined
    if (group === undefined) return
    const next = group.localName === 'main' ? null : group.querySelector<HTMLElement>(focusable)
    const place = next ?? group.querySelector<HTMLElement>('h1, h2, h3') ?? (group as HTMLElement)
    if (next === null && !place.hasAttribute('tabindex')) place.tabIndex = -1
    place.focus({ preventScroll: true })
  }).observe(document.documentElement, { childList: true, subtree: true })
}
