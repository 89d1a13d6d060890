/** Asks the browser to keep this page, so that it opens, and says what is wrong, while the appliance does not answer. */
export function keepShell(): void {
  // Not where the certificate's warning was clicked away: browsers refuse it there, and the page works without.
  const keep = () => void navigator.serviceWorker?.register('/sw.js').catch(() => {})
  if (document.readyState === 'complete') keep()
  else addEventListener('load', keep, { once: true })
}
