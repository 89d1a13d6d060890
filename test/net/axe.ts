/** What keeps somebody out of a page, as axe sees it. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly target: readonly string[] }[]
}

/** Serious or critical; each as `rule: elements`. */
export const barriers = (page: Page): Promise<string[]> => run(page, {})

/** Words that stand out less than 7 : 1 from what is behind them (WCAG 2.2, 1.4.6), large ones 4.5 : 1. */
export const faint = (page: Page): Promise<string[]> => run(page, { runOnly: ['color-contrast-enhanced'] })

async function run(page: Page, options: object): Promise<string[]> {
  await page.evaluate(source)
  const violations = await page.evaluate(async how => {
    const { axe } = window as unknown as {
      axe: { run(context: Document, options: object): Promise<{ violations: Violation[] }> }
    }
    return (await axe.run(document, how)).violations
  }, options)
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
}
