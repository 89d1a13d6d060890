/**
 * Code that is loaded when it is needed. A document keeps in mind that a module could not be had (HTML §8.1.4.2, the
 * module map) and asks for it never again, and after an update an old one is nowhere: then only the document anew helps.
 */
import { common } from './texts/common.ts'

/** What fails again in a document as young as this, made anew already, would fail for ever. */
const youngMilliseconds = 30_000

/** Rejects where the document anew did not help, or the appliance does not answer. */
export async function loadCode<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (cause) {
    if (!isMadeAnew() && (await beginAnew())) return new Promise(() => {})
    throw new Error(common.pageFailed, { cause })
  }
}

/** Loads the document anew, where the appliance answers: false where what is there had better stay. */
export async function beginAnew(): Promise<boolean> {
  const answer = await fetch('/api/v1/health', { cache: 'no-store' }).catch(() => undefined)
  if (answer !== undefined) location.reload()
  return answer !== undefined
}

function isMadeAnew(): boolean {
  const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  return navigation?.type === 'reload' && performance.now() < youngMilliseconds
}
