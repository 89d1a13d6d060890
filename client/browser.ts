/** What only a browser page has: signs that the network or the page itself changed, and the appliance's addresses. */

interface NetworkListener {
  /** This device is on a network again, or on another one. */
  changed(): void
  /** The line may be worth a look: the page woke up, or the network feels different. */
  doubtful(): void
}

/** Tells the listener of each such sign; the function returned stops that. */
export function watchNetwork(listener: NetworkListener): () => void {
  const { changed, doubtful } = listener
  const connection = (navigator as { connection?: EventTarget & { readonly type?: string } }).connection
  let type = connection?.type
  const visible = () => {
    if (document.visibilityState === 'visible') doubtful()
  }
  // It also comes when only the browser's estimate of the speed changed.
  const estimated = () => {
    const before = type
    type = connection?.type
    if (type === before) doubtful()
    else changed()
  }
  addEventListener('online', changed)
  addEventListener('pageshow', doubtful)
  document.addEventListener('visibilitychange', visible)
  connection?.addEventListener('change', estimated)
  return () => {
    removeEventListener('online', changed)
    removeEventListener('pageshow', doubtful)
    document.removeEventListener('visibilitychange', visible)
    connection?.removeEventListener('change', estimated)
  }
}

/** `wss://host/ws` for a page at `https://host`, `ws:` for one at `http:` (which the appliance allows on loopback only). */
export function channelUrl(origin: string): string {
  return `${origin.replace(/^http/, 'ws')}/ws`
}

/**
 * Firefox 153 passes over a `turns:` URL that has an address in it, without a word. The appliance's name it takes, and a
 * page that was loaded by that name reaches it so. Others keep the address, which nobody has to look up.
 */
export function turnUrls(urls: readonly string[], userAgent: string, hostname: string): string[] {
  const isName = /^[a-z0-9-]*[a-z][a-z0-9.-]*$/i.test(hostname)
  if (!isName || !/Firefox\//.test(userAgent)) return [...urls]
  return urls.map(url => url.replace(/^turns:(\[[^\]]+\]|[^:?]+)/, `turns:${hostname}`))
}
