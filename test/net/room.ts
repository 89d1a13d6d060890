/** Whether all of a page has room: functions that run in the page, each returning what has none. */

/**
 * In the page: what is to be pressed or read and is not whole in the window, has less room than its words, or lies on another.
 * The letters are as large as they were asked for.
 */
export function crowded(letters: number): string[] {
  const nameOf = (one: Element) => (one.getAttribute('aria-label') ?? one.textContent ?? '').trim()
  const size = getComputedStyle(document.documentElement).fontSize
  const found = size === `${letters}px` ? [] : [`letters of ${size}`]
  const top = document.querySelector('dialog[open]') ?? document.body
  const all = [...top.querySelectorAll('button, h1, h2, .self, .notes li, .control span:not(.disc)')]
  const placed = all.map(one => {
    const range = document.createRange()
    range.selectNodeContents(one)
    return { one, box: one.getBoundingClientRect(), words: range.getBoundingClientRect() }
  })
  for (const [index, { one, box, words }] of placed.entries()) {
    const [left, right] = [Math.min(box.left, words.left), Math.max(box.right, words.right)]
    const isBelow = top === document.body && box.bottom > innerHeight
    if (left < -1 || right > innerWidth + 1 || isBelow) found.push(`${nameOf(one)} is out of the window`)
    for (const other of placed.slice(index + 1)) {
      if (one.contains(other.one) || other.one.contains(one)) continue
      const wide = Math.min(right, other.box.right) - Math.max(left, other.box.left)
      const high = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top)
      if (wide > 3 && high > 3) found.push(`${nameOf(one)} lies on ${nameOf(other.one)}`)
    }
  }
  return found
}

/** Words of a page that are cut off, or reach out of the window. The letters are as large as they were asked for. */
export function cutOff(letters: number): string[] {
  const size = getComputedStyle(document.documentElement).fontSize
  const found = size === `${letters}px` ? [] : [`letters of ${size}`]
  const { scrollWidth } = document.documentElement
  if (scrollWidth > innerWidth) found.push(`${scrollWidth} pixels wide`)
  /** What may be scrolled to is not lost, and what is there for screen readers is not seen. */
  const isSeen = (one: Element): boolean =>
    one.checkVisibility({ visibilityProperty: true, opacityProperty: true })
  const hides = (style: CSSStyleDeclaration): boolean => ['hidden', 'clip'].includes(style.overflowX)
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let text = walker.nextNode(); text !== null; text = walker.nextNode()) {
    const parent = text.parentElement!
    const words = (text.textContent ?? '').trim()
    if (words === '' || !isSeen(parent)) continue
    const range = document.createRange()
    range.selectNodeContents(text)
    const { left, right, width } = range.getBoundingClientRect()
    if (width === 0) continue
    let scrolls = false
    for (let one: Element | null = parent; one !== null && one !== document.body; one = one.parentElement) {
      const style = getComputedStyle(one)
      const box = one.getBoundingClientRect()
      if (box.width <= 1 || style.position === 'fixed') scrolls = true
      if (['auto', 'scroll'].includes(style.overflowX)) scrolls = true
      if (scrolls) break
      if (hides(style) && (left < box.left - 1 || right > box.right + 1)) {
        found.push(`${words.slice(0, 60)} is cut off`)
        break
      }
    }
    if (!scrolls && (left < -1 || right > innerWidth + 1))
      found.push(`${words.slice(0, 60)} is out of the window`)
  }
  return [...new Set(found)]
}
