/** The owner's console as a person uses it: by the roles and names on the page. */
import { execFileSync } from 'node:child_process'
import type { Page } from 'playwright-core'

const patience = 20_000

export class ConsolePage {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  /** Opens the claim link and becomes the owner. */
  static async claim(page: Page, link: string, displayName: string): Promise<ConsolePage> {
    await page.goto(link)
    const console = new ConsolePage(page)
    await console.fillClaim(displayName)
    await console.submitClaim()
    await page.getByText('It is yours now').waitFor({ timeout: patience })
    await console.skipVisit()
    return console
  }

  /** Fills in the claim of an appliance that wants no code. */
  async fillClaim(displayName: string, place = 'Test house'): Promise<void> {
    const { page } = this
    await page.getByRole('textbox', { name: /^What is this place called/ }).fill(place, { timeout: patience })
    await page.getByRole('textbox', { name: /^Your name/ }).fill(displayName)
    await page.getByLabel(/^Password for this console/).fill('correct horse battery')
  }

  /** Leaves out what the first visit offers after the claim. */
  async skipVisit(): Promise<void> {
    await this.page.getByRole('button', { name: 'Skip the rest' }).click({ timeout: patience })
    await this.page.getByRole('navigation', { name: 'Pages' }).waitFor({ timeout: patience })
  }

  async submitClaim(): Promise<void> {
    await this.page.getByRole('button', { name: 'Make it mine' }).click()
  }

  /** Whether the claim made this browser the owner's; waits for either answer. */
  async isMine(): Promise<boolean> {
    const mine = this.page.getByText('It is yours now')
    const not = this.page.getByRole('alert').filter({ hasText: /\S/ })
    await mine.or(not).first().waitFor({ timeout: patience })
    if (!(await mine.isVisible())) return false
    await this.skipVisit()
    return true
  }

  /** Makes a link for somebody new, and scans its code from the screen as a phone would. */
  async invite(): Promise<string> {
    await this.#goTo('People')
    await this.page.getByRole('button', { name: 'Invite', exact: true }).click({ timeout: patience })
    await this.page.getByRole('button', { name: 'Make a link' }).click({ timeout: patience })
    const made = this.page.getByRole('status').filter({ hasText: 'This link is shown only now' })
    const code = made.getByRole('img', { name: 'QR code of the invitation' })
    await code.waitFor({ timeout: patience })
    const link = await made.locator('code').textContent()
    const scanned = scan(await code.screenshot())
    if (scanned !== link) throw new Error(`the code says ${scanned}, the link ${link}`)
    await this.page.reload()
    return link ?? ''
  }

  /** A link of another life than the console offers, for the first of these people there is; nobody: somebody new. */
  async inviteFor(seconds: number, ...users: readonly string[]): Promise<string> {
    return this.page.evaluate(
      async ([hours, names]) => {
        const session = await (await fetch('/api/v1/session')).json()
        const headers = { 'content-type': 'application/json', 'x-csrf-token': session.csrfToken }
        const known = ((await (await fetch('/api/v1/users')).json()) as { name: string }[]).map(
          user => user.name,
        )
        const user = names.find(name => known.includes(name))
        const body = JSON.stringify({ hours, ...(user === undefined ? {} : { user }) })
        const answer = await fetch('/api/v1/invites', { method: 'POST', headers, body })
        return ((await answer.json()) as { url: string }).url
      },
      [seconds / 3_600, users] as const,
    )
  }

  /** Whether an invitation is worth anything yet. */
  async isGood(link: string): Promise<boolean> {
    return this.page.evaluate(async invite => {
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch('/api/v1/invites/look', {
        method: 'POST',
        headers,
        body: JSON.stringify({ invite }),
      })
      return answer.ok
    }, link.split('#')[1]!)
  }

  /** Lets somebody in who asked to join. */
  async allow(displayName: string): Promise<void> {
    await this.#goTo('People')
    await this.page
      .getByRole('button', { name: `Allow ${displayName}`, exact: true })
      .click({ timeout: patience })
    await this.page.getByText('Nobody is waiting.').waitFor({ timeout: patience })
  }

  /** A guest becomes a member. */
  async keep(displayName: string): Promise<void> {
    await this.#goTo('People')
    await this.page.getByRole('link', { name: displayName }).click({ timeout: patience })
    await this.page.getByRole('button', { name: 'Stay for good' }).click({ timeout: patience })
  }

  async #goTo(page: string): Promise<void> {
    const pages = this.page.getByRole('navigation', { name: 'Pages' })
    await pages.getByRole('link', { name: page }).click({ timeout: patience })
    await this.page.getByRole('heading', { level: 1, name: page }).waitFor({ timeout: patience })
  }

  /** Follows the link from the console to the phone. */
  async openPhone(): Promise<void> {
    await this.page.getByRole('link', { name: 'Open the phone' }).click({ timeout: patience })
  }
}

/** What a picture's QR code holds. */
export const scan = (png: Buffer): string =>
  execFileSync('zbarimg', ['--quiet', '--raw', 'png:-'], { input: png, encoding: 'utf8' }).trim()
