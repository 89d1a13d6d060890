/** Deep links: `/admin/`, `/admin/<page>`, `/admin/<page>/<id>`. Plain links work; a click on one does not reload. */
import { useEffect, useState } from 'preact/hooks'

export const pageNames = ['home', 'people', 'calls', 'help', 'settings'] as const
export type PageName = (typeof pageNames)[number]

export interface Place {
  readonly page: PageName
  /** A person's name, a call's id, a part of the settings. */
  readonly id: string | undefined
  readonly query: URLSearchParams
}

const base = '/admin/'

export function hrefTo(page: PageName, id?: string, query?: Readonly<Record<string, string>>): string {
  const path =
    page === 'home' ? base : `${base}${page}${id === undefined ? '' : `/${encodeURIComponent(id)}`}`
  const search = query === undefined ? '' : new URLSearchParams(query).toString()
  return search === '' ? path : `${path}?${search}`
}

/** Undefined: there is no such page. */
export function placeOf(location: { readonly pathname: string; readonly search: string }): Place | undefined {
  if (!location.pathname.startsWith(base)) return undefined
  const [name = '', id, ...rest] = location.pathname.slice(base.length).replace(/\/$/, '').split('/')
  const page = name === '' || name === 'index.html' ? 'home' : pageNames.find(known => known === name)
  if (page === undefined || rest.length > 0) return undefined
  try {
    const query = new URLSearchParams(location.search)
    return { page, id: id === undefined ? undefined : decodeURIComponent(id), query }
  } catch {
    return undefined
  }
}

const moved = 'lanline:moved'

/** Goes to another place; `replace` leaves no step back, for filters and the like. */
export function goTo(href: string, options: { readonly replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, '', href)
  else history.pushState(null, '', href)
  dispatchEvent(new Event(moved))
}

export function usePlace(): Place | undefined {
  const [place, setPlace] = useState(() => placeOf(location))
  useEffect(() => {
    const read = (): void => setPlace(placeOf(location))
    const click = (event: MouseEvent): void => {
      const href = ownLink(event)
      if (href === undefined) return
      event.preventDefault()
      goTo(href)
    }
    addEventListener('popstate', read)
    addEventListener(moved, read)
    document.addEventListener('click', click)
    return () => {
      removeEventListener('popstate', read)
      removeEventListener(moved, read)
      document.removeEventListener('click', click)
    }
  }, [])
  return place
}

/** The address of a plain click on a link to one of our pages. */
function ownLink(event: MouseEvent): string | undefined {
  if (event.defaultPrevented || event.button !== 0) return undefined
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return undefined
  const link = event.target instanceof Element ? event.target.closest('a') : null
  if (link === null || link.target !== '' || link.hasAttribute('download')) return undefined
  if (link.origin !== location.origin || placeOf(link) === undefined || link.hash !== '') return undefined
  return link.pathname + link.search
}
