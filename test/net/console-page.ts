/** The owner's console as a person uses it: by the roles and names on the page. */
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
    await page
      .getByRole('textbox', { name: /^What is this place called/ })
      .fill('Test house', { timeout: patience })
    await page.getByRole('textbox', { name: /^Your name/ }).fill(displayName)
    await page.getByLabel(/^Password for this console/).fill('correct horse battery')
    await page.getByRole('button', { name: 'Make it mine' }).click()
    await page.getByText('It is yours now').waitFor({ timeout: patience })
    return new ConsolePage(page)
  }

  /** Lets somebody in who asked to join. */
  async allow(displayName: string): Promise<void> {
    await this.page.getByRole('button', { name: `Allow ${displayName}` }).click({ timeout: patience })
    await this.page.getByText('Nobody is waiting.').waitFor({ timeout: patience })
  }

  /** Follows the link from the console to the phone. */
  async openPhone(): Promise<void> {
    await this.page.getByRole('link', { name: 'Open the phone' }).click({ timeout: patience })
  }
}
