/** What only a browser page has: signs that the network or the page itself changed, and the appliance's addresses. */

/** Calls `changed` on each sign that the line may be worth another look; the function returned stops that. */
export function watchNetwork(changed: () => void): () => void {
  const visible = () => {
    if (document.visibilityState === 'visible') changed()
  }
  const connection = (navigator as { connection?: EventTarget }).connection
  addEventListener('online', changed)
  addEventListener('pageshow', changed)
  document.addEventListener('visibilitychange', visible)
  connection?.addEventListener('change', changed)
  return () => {
    removeEventListener('online', changed)
    removeEventListener('pageshow', changed)
    document.removeEventListener('visibilitychange', visible)
    connection?.removeEventListener('change', changed)
  }
}

/** `wss://host/ws` for a page at `https://host`, `ws:` for one at `http:` (which the appliance allows on loopback only). */
export function channelUrl(origin: string): string {
  return `${origin.replace(/^http/, 'ws')}/ws`
}
