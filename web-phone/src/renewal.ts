/**
 * A page that stays open for weeks is as old as the day it was opened. After each welcome it looks whether the appliance
 * serves another one by now, and loads that when nobody is using it. Chromium lets a page ring that has loaded itself
 * anew, as it did before; elsewhere the first tap would be wanting, so there the person is asked.
 */
export interface RenewalPorts {
  /** What is served as the page now; rejects when nothing is. */
  page(): Promise<string>
  /** The script that runs here, as the page names it. */
  readonly script: string
  /** How long nobody touched the page; 0: it is being used. */
  idleMilliseconds(): number
  readonly mayRingAfterwards: boolean
  /** The script that was last loaded for, and when; a page that comes from a cache must not go round in circles. */
  readonly tried: {
    get(): { readonly script: string; readonly at: number } | undefined
    set(script: string): void
  }
  now(): number
  reload(): void
  offer(): void
  setTimeout(again: () => void, milliseconds: number): unknown
}

const unusedMilliseconds = 60_000
const lookAgainMilliseconds = 20_000
const tryAgainMilliseconds = 3_600_000

/** The script of a page as the build writes it; undefined: it is none of ours. */
export const scriptOf = (html: string): string | undefined =>
  /<script type="module"[^>]* src="([^"]+)"/.exec(html)?.[1]

export class Renewal {
  readonly #ports: RenewalPorts
  #isOld = false

  constructor(ports: RenewalPorts) {
    this.#ports = ports
  }

  async look(): Promise<void> {
    if (this.#isOld) return
    const served = scriptOf(await this.#ports.page().catch(() => ''))
    if (served === undefined || served === this.#ports.script || this.#isOld) return
    const { tried, now } = this.#ports
    const last = tried.get()
    if (last?.script === served && now() - last.at < tryAgainMilliseconds) return
    this.#isOld = true
    if (this.#ports.mayRingAfterwards) this.#whenUnused(served)
    else this.#ports.offer()
  }

  #whenUnused(served: string): void {
    if (this.#ports.idleMilliseconds() < unusedMilliseconds) {
      this.#ports.setTimeout(() => this.#whenUnused(served), lookAgainMilliseconds)
      return
    }
    this.#ports.tried.set(served)
    this.#ports.reload()
  }
}
