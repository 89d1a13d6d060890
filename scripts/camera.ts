/**
 * Pictures of a page as it looks on a phone and on a desk, light and dark; what axe finds in each; and one strip of the
 * four for the contact sheet.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Locator, Page } from 'playwright-core'
import { barriers } from '../test/net/axe.ts'
import { pause } from '../test/net/wait.ts'

const widths = [390, 1280] as const
type Width = (typeof widths)[number]
const heights: Readonly<Record<Width, number>> = { 390: 844, 1280: 800 }
const schemes = ['light', 'dark'] as const
/** On a strip a picture is so much smaller; what is below this height is cut off there. */
const stripScales: Readonly<Record<Width, number>> = { 390: 0.5, 1280: 0.36 }
const stripHeight = 900
const stripQuality = 0.55

export class Camera {
  readonly #directory: string
  readonly #only: ReadonlySet<string>
  readonly #darkroom: Page
  /** What keeps somebody out: serious or critical to axe, or wider than the window. */
  readonly barriers: string[] = []
  pictures = 0

  private constructor(directory: string, only: readonly string[], darkroom: Page) {
    this.#directory = directory
    this.#only = new Set(only)
    this.#darkroom = darkroom
  }

  static async load(directory: string, only: readonly string[], browser: Browser): Promise<Camera> {
    mkdirSync(join(directory, 'sheet'), { recursive: true })
    return new Camera(directory, only, await browser.newPage())
  }

  wants(name: string): boolean {
    return this.#only.size === 0 || this.#only.has(name)
  }

  /** Four pictures of what is on the page, or of a part of it. */
  async take(page: Page, name: string, part: Page | Locator = page): Promise<void> {
    if (!this.wants(name)) return
    const before = page.viewportSize()
    // Nothing looks as if somebody pointed at it.
    await page.mouse.move(0, 0)
    const found = new Set<string>()
    const shots: { picture: Buffer; width: Width }[] = []
    for (const width of widths) {
      for (const colorScheme of schemes) {
        await page.setViewportSize({ width, height: heights[width] })
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
        // Fonts and layout settle; a picture of the middle of it would differ each time.
        await page.evaluate(() => document.fonts.ready)
        await pause(150)
        // As tall as the page: bars that stay at the window's edge would else stand in the middle of the picture.
        const [wide, tall] = await page.evaluate(() => {
          const { scrollWidth, scrollHeight } = document.documentElement
          return [scrollWidth, scrollHeight] as const
        })
        if (wide > width) found.add(`${wide} pixels wide at ${width}`)
        await page.setViewportSize({ width, height: Math.max(heights[width], tall) })
        await pause(100)
        const path = join(this.#directory, `${name}-${width}-${colorScheme}.png`)
        shots.push({ picture: await part.screenshot({ path }), width })
        this.pictures++
        for (const one of await barriers(page)) found.add(`${one} (${width}, ${colorScheme})`)
      }
    }
    if (before) await page.setViewportSize(before)
    await this.#strip(shots, name)
    for (const one of found) this.barriers.push(`${name}: ${one}`)
    console.log(`screenshots: ${name}: ${found.size === 0 ? 'axe 0' : [...found].join('; ')}`)
  }

  /** The four beside each other, small. */
  async #strip(shots: readonly { picture: Buffer; width: Width }[], name: string): Promise<void> {
    const webp = await this.#darkroom.evaluate(
      async ([sources, limit, quality]) => {
        const images = await Promise.all(
          sources.map(async ({ picture, scale }) => {
            const image = new Image()
            image.src = `data:image/png;base64,${picture}`
            await image.decode()
            return { image, width: image.width * scale, height: image.height * scale }
          }),
        )
        const gap = 12
        const canvas = document.createElement('canvas')
        canvas.width = images.reduce((sum, { width }) => sum + width + gap, gap)
        canvas.height = Math.min(limit, Math.max(...images.map(({ height }) => height))) + 2 * gap
        const paper = canvas.getContext('2d')!
        paper.fillStyle = '#808890'
        paper.fillRect(0, 0, canvas.width, canvas.height)
        paper.imageSmoothingQuality = 'high'
        let left = gap
        for (const { image, width, height } of images) {
          const shown = Math.min(1, limit / height)
          paper.drawImage(image, 0, 0, image.width, image.height * shown, left, gap, width, height * shown)
          left += width + gap
        }
        return canvas.toDataURL('image/webp', quality).split(',')[1]!
      },
      [
        shots.map(({ picture, width }) => ({
          picture: picture.toString('base64'),
          scale: stripScales[width],
        })),
        stripHeight,
        stripQuality,
      ] as const,
    )
    writeFileSync(join(this.#directory, 'sheet', `${name}.webp`), Buffer.from(webp, 'base64'))
  }
}
