/**
 * The web phone as a person uses it: by the roles and names on the page, nothing else. The one place in the tests that
 * knows them (`web-phone/README.md` lists them).
 */
import type { Locator, Page } from 'playwright-core'

const patience = 20_000

export interface Checked {
  readonly summary: string
  /** `OK: This page …`, advice behind it. */
  readonly lines: readonly string[]
}

export class PhonePage {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  /** Opens an invite link, gives a name and waits until the phone can call. */
  static async joined(page: Page, url: string, displayName: string): Promise<PhonePage> {
    const phone = await PhonePage.open(page, url)
    const name = page.getByRole('textbox', { name: 'Your name' })
    await phone.#button('Join').waitFor({ timeout: patience })
    // An invitation for somebody who is known asks for no name.
    if (await name.isVisible()) await phone.giveName(displayName)
    await phone.join()
    return phone
  }

  /** Sends the name and waits until the phone can call. */
  async join(): Promise<void> {
    await this.#button('Join').click({ timeout: patience })
    await this.ready()
  }

  static async open(page: Page, url: string): Promise<PhonePage> {
    await page.goto(url)
    return new PhonePage(page)
  }

  async giveName(displayName: string): Promise<void> {
    await this.page.getByRole('textbox', { name: 'Your name' }).fill(displayName, { timeout: patience })
  }

  /** Asks the owner to be let in. */
  async askToJoin(displayName: string): Promise<void> {
    await this.giveName(displayName)
    await this.#button('Ask to join').click({ timeout: patience })
    await this.page.getByText('Waiting for the owner').waitFor({ timeout: patience })
  }

  /** No call is on the screen and the appliance has this phone registered. */
  async ready(seconds = 30): Promise<void> {
    await this.notInCall(seconds)
    await this.page.getByText('Ready', { exact: true }).waitFor({ timeout: seconds * 1_000 })
  }

  async press(button: string): Promise<void> {
    await this.#button(button).click({ timeout: patience })
  }

  async seesPerson(displayName: string | RegExp, presence: RegExp): Promise<void> {
    const person = this.page
      .getByRole('listitem')
      .filter({ hasText: displayName })
      .filter({ hasText: presence })
    await person.waitFor({ timeout: patience })
  }

  async callVideo(displayName: string): Promise<void> {
    await this.#button(`Video call ${displayName}`).click({ timeout: patience })
  }

  async callAudio(displayName: string): Promise<void> {
    await this.#button(`Call ${displayName}`).click({ timeout: patience })
  }

  /** Somebody's call is ringing here. */
  async rings(displayName: string): Promise<void> {
    await this.page
      .getByText(new RegExp(`^${displayName} is calling`))
      .first()
      .waitFor({ timeout: patience })
  }

  /** Answers the way the caller asked for: with the camera if the call has one. */
  async accept(): Promise<void> {
    const withVideo = this.#button('Answer with video')
    if (await withVideo.isVisible()) await withVideo.click({ timeout: patience })
    else await this.#button('Answer').click({ timeout: patience })
  }

  async decline(): Promise<void> {
    await this.#button('Decline').click({ timeout: patience })
  }

  /** A call with them is on the screen, however far it is. */
  async talksWith(displayName: string): Promise<void> {
    await this.page.getByRole('main', { name: `Call with ${displayName}` }).waitFor({ timeout: patience })
  }

  async says(text: string | RegExp): Promise<void> {
    await this.page.getByText(text, { exact: true }).first().waitFor({ timeout: patience })
  }

  /** A call is on the screen and its media is connected. */
  async inCall(): Promise<void> {
    await this.#badge(/^Media path: (direct|relayed)/).waitFor({ timeout: patience })
  }

  /** What the badge says of the media path. */
  async badge(): Promise<string> {
    return (await this.#badge(/^Media path: /).getAttribute('aria-label')) ?? ''
  }

  /** The list of people is on the screen, no call. */
  async notInCall(seconds = 30): Promise<void> {
    await this.page.getByRole('heading', { name: 'People' }).waitFor({ timeout: seconds * 1_000 })
  }

  async hangUp(): Promise<void> {
    await this.#button('Hang up').click({ timeout: patience })
  }

  /** Opens the check of the connection from the list of people, and starts it. */
  async startCheck(): Promise<void> {
    await this.press('Check my connection')
    await this.press('Start the check')
  }

  /** Waits until the check has come to its one sentence. */
  async checked(): Promise<Checked> {
    await this.#button('Copy the report').waitFor({ timeout: 40_000 })
    const lines = await this.page.locator('main').getByRole('listitem').allInnerTexts()
    const summary = await this.page.locator('main').getByRole('status').first().innerText()
    return { summary: summary.split('\n')[0]!, lines: lines.map(line => line.replaceAll(/\s+/g, ' ').trim()) }
  }

  /** The page says that the appliance is away while the call goes on. */
  async lineAway(): Promise<void> {
    await this.#awayNotice().waitFor({ timeout: 60_000 })
  }

  /** The page no longer says so. */
  async lineBack(): Promise<void> {
    await this.#awayNotice().waitFor({ state: 'hidden', timeout: 60_000 })
  }

  #awayNotice(): Locator {
    return this.page.getByText('The appliance is away.')
  }

  #badge(name: RegExp): Locator {
    return this.page.getByLabel(name).first()
  }

  #button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true })
  }
}
