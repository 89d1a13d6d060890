/** A page that is closed or loaded anew, while it rings and in a call. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPage, startChromium } from '../net/chromium.ts'
import { Daemon } from '../net/daemon.ts'
import { Lan } from '../net/lan.ts'
import { Owner } from '../net/owner.ts'
import { describeWith } from '../net/peers.ts'
import { PhonePage } from '../net/phone-page.ts'
import { pause } from '../net/wait.ts'

describeWith(['namespaces', 'chromium', 'certutil'], 'a page that goes', () => {
  let lan: Lan
  let daemon: Daemon
  let hall: Browser
  let owner: Owner
  let mia: PhonePage

  beforeAll(async () => {
    lan = await Lan.create({ hosts: ['pi', 'hall'], names: { 'lanline.local': 'pi' } })
    daemon = new Daemon(lan.host('pi'))
    await daemon.start()
    owner = await Owner.claim(daemon)
    hall = await startChromium(lan.host('hall'), {
      ...{ hertz: 440, colour: 'blue', trusted: [daemon.authorityFile] },
    })
    for (const name of ['Mia', 'Ben']) await owner.addUser(name.toLowerCase(), name)
    mia = await phone('Mia')
  })
  afterAll(() => lan?.remove())

  const phone = async (name: string): Promise<PhonePage> => {
    const { token } = await owner.invite(name.toLowerCase())
    const page = await openPage(hall, daemon.origin, { width: 390, height: 844 })
    return PhonePage.joined(page, `${daemon.origin}/j#${token}`, name)
  }
  const talk = async (ben: PhonePage): Promise<void> => {
    await ben.callAudio('Mia')
    await mia.rings('Ben')
    await mia.accept()
    await Promise.all([mia.inCall(), ben.inCall()])
  }
  const isHeardOf = async (go: () => Promise<unknown>): Promise<void> => {
    const wentAt = performance.now()
    await Promise.all([go(), notice(/^Call with Ben ended/).waitFor({ timeout: 3_000 })])
    console.info(`heard of ${Math.round(performance.now() - wentAt)} ms after it went`)
  }
  const notice = (text: RegExp) => mia.page.getByRole('status').filter({ hasText: text })

  it('while it rings: the caller is told as soon as nothing rings any more', async () => {
    const [table, wall] = [await phone('Ben'), await phone('Ben')]
    await mia.callAudio('Ben')
    await Promise.all([table.rings('Mia'), wall.rings('Mia')])
    await table.page.close()
    await pause(7_000)
    await mia.page.getByText('Ringing at Ben’s…').waitFor()
    await wall.page.reload()
    await wall.rings('Mia')
    await pause(6_000)
    await mia.page.getByText('Ringing at Ben’s…').waitFor()
    const closedAt = performance.now()
    await wall.page.close()
    await notice(/^Ben’s page is closed and no phone of theirs is on\./).waitFor({ timeout: 12_000 })
    console.info(
      `told ${((performance.now() - closedAt) / 1_000).toFixed(1)} s after the last page was closed`,
    )
    await mia.seesPerson('Ben', /Page closed/)
  })

  it('in a call: the browser asks first, and the other side hears of it at once', async () => {
    const ben = await phone('Ben')
    const asked: string[] = []
    let stay = true
    ben.page.on('dialog', dialog => {
      asked.push(dialog.type())
      void (stay ? dialog.dismiss() : dialog.accept())
    })
    await ben.callAudio('Mia')
    await mia.rings('Ben')
    await ben.page.reload()
    expect(asked, 'while it only rings').toEqual([])
    await mia.ready()
    await ben.ready()
    await talk(ben)
    await ben.page.close({ runBeforeUnload: true })
    await pause(1_000)
    expect(asked).toEqual(['beforeunload'])
    await ben.inCall()
    stay = false
    await isHeardOf(() => ben.page.reload())
    await ben.ready()
    await talk(ben)
    await isHeardOf(() => ben.page.close({ runBeforeUnload: true }))
    expect(asked).toEqual(Array(3).fill('beforeunload'))
  })

  it('in a call while the appliance is away: the other side hears of it all the same', async () => {
    const ben = await phone('Ben')
    await talk(ben)
    await daemon.kill()
    await mia.lineAway()
    await isHeardOf(() => ben.page.close())
  })
})
