/** A certificate that the owner brings, from the console to the browsers that open its name, and back. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { barriers } from '../net/axe.ts'
import { openPage, startChromium } from '../net/chromium.ts'
import { ConsolePage } from '../net/console-page.ts'
import { Daemon } from '../net/daemon.ts'
import { Lan } from '../net/lan.ts'
import { describeWith } from '../net/peers.ts'
import { PhonePage } from '../net/phone-page.ts'
import { type Made, makeChain } from '../tls/own-certificate.ts'

const patience = { timeout: 20_000 }
const name = 'phone.example.com'

describeWith(['namespaces', 'chromium', 'certutil'], 'a certificate of the owner’s', () => {
  let lan: Lan
  let daemon: Daemon
  let desk: Browser
  let page: Page
  let made: Made

  beforeAll(async () => {
    lan = await Lan.create({ hosts: ['pi', 'desk'], names: { 'lanline.local': 'pi', [name]: 'pi' } })
    daemon = new Daemon(lan.host('pi'))
    await daemon.start()
    made = makeChain({ names: [name] })
    const root = join(lan.directory, 'root.pem')
    writeFileSync(root, made.root)
    desk = await startChromium(lan.host('desk'), {
      ...{ hertz: 440, colour: 'red', trusted: [daemon.authorityFile, root] },
    })
    page = await openPage(desk, daemon.origin)
    await ConsolePage.claim(page, `${daemon.origin}/admin/`, 'Olivia')
  })
  afterAll(() => lan?.remove())

  const card = () => page.getByRole('region', { name: 'Certificate', exact: true })
  const file = (text: string) => ({ name: 'one.pem', mimeType: 'text/plain', buffer: Buffer.from(text) })
  const refusal = (url: string) => page.goto(url).then(() => '', String)

  it('is refused with what is wrong, and looked through before it is used', async () => {
    await page.goto(`${daemon.origin}/admin/settings`)
    await card().getByText('Use a certificate of your own').click(patience)
    await card()
      .getByLabel('Certificate (PEM)')
      .setInputFiles(file(made.leaf + made.intermediate))
    await card()
      .getByLabel('Private key (PEM)')
      .setInputFiles(file(makeChain({ names: [name] }).key))
    await card().getByRole('button', { name: 'Look through it' }).click()
    await card()
      .getByRole('alert')
      .getByText(/private key is not that of the certificate/)
      .waitFor(patience)
    await card().getByLabel('Private key (PEM)').setInputFiles(file(made.key))
    await card().getByRole('button', { name: 'Look through it' }).click()
    const changes = card().getByRole('status').filter({ hasText: 'This is what would change' })
    await changes.getByText(`Whoever opens ${name} is shown your certificate`).waitFor(patience)
    await changes.getByText(/lanline’s own goes on: devices that trust it notice nothing/).waitFor(patience)
    expect(await barriers(page)).toEqual([])
    const before = await page.context().newPage()
    expect(await before.goto(`https://${name}/`).then(() => '', String)).toMatch(/ERR_CERT/)
    await before.close()
  })

  it('is shown for its name at once; phones that trust lanline’s authority notice nothing', async () => {
    const phone = await PhonePage.open(await page.context().newPage(), daemon.origin)
    await phone.ready()
    const opened = await phone.page.evaluate(() => performance.timeOrigin)
    await card().getByRole('button', { name: 'Use it' }).click()
    await page.getByRole('status').filter({ hasText: 'Your certificate is in use.' }).waitFor(patience)
    await card()
      .getByRole('region', { name: 'Your certificate' })
      .getByText('Mill Lane Authority')
      .waitFor(patience)
    const visitor = await openPage(desk, `https://${name}`)
    await visitor.goto(`https://${name}/`)
    await visitor.getByRole('textbox', { name: 'Your name' }).waitFor(patience)
    // The channel as well: it asks by the same name.
    const guest = new PhonePage(visitor)
    await guest.askToJoin('Gus')
    await page.goto(`${daemon.origin}/admin/people`)
    await page.getByRole('button', { name: 'Allow Gus', exact: true }).click(patience)
    await guest.ready()
    await guest.callAudio('Olivia')
    await phone.rings('Gus')
    await phone.decline()
    expect(await phone.page.evaluate(() => performance.timeOrigin)).toBe(opened)
    expect(daemon.output).not.toMatch(/PRIVATE KEY/)
  })

  it('is there after a restart, and gone when the owner goes back', async () => {
    await daemon.stop()
    await daemon.start()
    const visitor = await openPage(desk, `https://${name}`)
    await visitor.goto(`https://${name}/`)
    await visitor.getByRole('textbox', { name: 'Your name' }).waitFor(patience)
    await visitor.context().close()
    await page.goto(`${daemon.origin}/admin/settings`)
    await page.getByLabel('Name').fill('olivia')
    await page.getByLabel('Password').fill('correct horse battery')
    await page.getByRole('button', { name: 'Log in' }).click()
    await card().getByRole('button', { name: 'Back to lanline’s own' }).click(patience)
    const dialog = page.getByRole('dialog')
    expect(await dialog.getByRole('listitem').count()).toBe(2)
    await dialog.getByRole('button', { name: 'Back to lanline’s own' }).click()
    await page.getByText('lanline’s own certificate speaks alone again.').waitFor(patience)
    expect(await refusal(`https://${name}/`)).toMatch(/ERR_CERT/)
  })
})
