/** The phone page beside its calls: installed, on a wall, as loud as one likes, and nobody kept out of any screen of it. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { barriers } from '../net/axe.ts'
import { openPage, startChromium } from '../net/chromium.ts'
import { Daemon } from '../net/daemon.ts'
import { Lan } from '../net/lan.ts'
import { Owner } from '../net/owner.ts'
import { describeWith } from '../net/peers.ts'
import { PhonePage } from '../net/phone-page.ts'
import { crowded } from '../net/room.ts'
import { until } from '../net/wait.ts'

const patience = { timeout: 20_000 }

describeWith(['namespaces', 'chromium', 'certutil'], 'the phone page', () => {
  let lan: Lan
  let daemon: Daemon
  let owner: Owner
  let hall: Browser
  let mia: PhonePage
  let ben: PhonePage

  beforeAll(async () => {
    lan = await Lan.create({ hosts: ['pi', 'hall'], names: { 'lanline.local': 'pi' } })
    daemon = new Daemon(lan.host('pi'))
    await daemon.start()
    owner = await Owner.claim(daemon)
    hall = await startChromium(lan.host('hall'), {
      ...{ hertz: 440, colour: 'blue', trusted: [daemon.authorityFile] },
    })
    const phones = ['Mia', 'Ben'].map(async name => {
      await owner.addUser(name.toLowerCase(), name)
      const { token } = await owner.invite(name.toLowerCase())
      const page = await openPage(hall, daemon.origin, { width: 390, height: 844 })
      return PhonePage.joined(page, `${daemon.origin}/j#${token}`, name)
    })
    const both = await Promise.all(phones)
    mia = both[0]!
    ben = both[1]!
  })
  afterAll(() => lan?.remove())

  const dialog = (name: string) => mia.page.getByRole('dialog', { name })

  it('can be installed, in the browser’s own words', async () => {
    const browser = await mia.page.context().newCDPSession(mia.page)
    const manifest = await browser.send('Page.getAppManifest')
    expect(manifest.errors).toEqual([])
    expect(JSON.parse(manifest.data ?? '')).toMatchObject({
      name: 'lanline',
      display: 'standalone',
      start_url: '/',
    })
    const { installabilityErrors } = await browser.send('Page.getInstallabilityErrors')
    // A private window, as each page of a test has one, installs nothing; that is all it may say.
    expect(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')).toEqual([])
    expect(await mia.page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state)).toBe(
      'activated',
    )
  })

  it('keeps nobody out, from the list of people to the facts of a call', async () => {
    expect(await barriers(mia.page)).toEqual([])
    for (const [open, title] of [
      ['All calls', 'Calls'],
      ['This phone', 'This phone'],
      ['My devices', 'My devices'],
    ] as const) {
      await mia.press(open)
      await dialog(title).waitFor(patience)
      expect(await barriers(mia.page), title).toEqual([])
      await mia.page.keyboard.press('Escape')
      await dialog(title).waitFor({ state: 'detached' })
      expect(await mia.page.evaluate(() => document.activeElement?.textContent), 'the focus').toBe(open)
    }
    await mia.callVideo('Ben')
    await ben.rings('Mia')
    await ben.page.keyboard.press('Enter')
    await ben.page.keyboard.press('Space')
    for (const [width, height] of [
      [844, 390],
      [320, 256],
    ] as const) {
      await ben.page.setViewportSize({ width, height })
      for (const answer of ['Decline', 'Answer', 'Answer with video']) {
        const { x, y, ...size } = (await ben.page
          .getByRole('button', { name: answer, exact: true })
          .boundingBox())!
        expect(
          x >= 0 && x + size.width <= width && y + size.height <= height,
          `${answer} at ${width} × ${height}`,
        ).toBe(true)
      }
    }
    await ben.page.setViewportSize({ width: 390, height: 844 })
    await mia.page
      .getByRole('timer')
      .filter({ hasText: /0:(0[1-9]|[1-5]\d)/ })
      .waitFor(patience)
    expect(await barriers(ben.page), 'incoming').toEqual([])
    await ben.accept()
    await mia.inCall()
    await mia.page.getByLabel(/^Media path: direct, \S+ ↔ \S+, /).waitFor(patience)
    expect(await barriers(mia.page), 'in call').toEqual([])
  })

  it('tells who talks that nobody hears them once the microphone is forbidden, and takes it when it is allowed', async () => {
    const { targetInfo } = await (await ben.page.context().newCDPSession(ben.page)).send(
      'Target.getTargetInfo',
    )
    const allow = async (setting: 'denied' | 'granted') =>
      (await hall.newBrowserCDPSession()).send('Browser.setPermission', {
        ...{ permission: { name: 'microphone' }, setting, origin: daemon.origin },
        ...(targetInfo.browserContextId && { browserContextId: targetInfo.browserContextId }),
      })
    const told = ben.page.getByText('The browser may not use the microphone any more: Mia does not hear you.')
    await allow('denied')
    await told.waitFor(patience)
    const toldMia = mia.page.getByRole('status').getByText('Ben’s microphone is gone.', { exact: true })
    await toldMia.waitFor(patience)
    await ben.press('Devices')
    await ben.page.getByRole('dialog').getByText('This microphone gives no sound any more.').waitFor(patience)
    await ben.press('Close')
    await allow('granted')
    await told.waitFor({ state: 'detached' })
    await toldMia.waitFor({ state: 'detached' })
    const turnedOn = ben.page.getByRole('button', { name: 'Turn camera on' })
    if (await turnedOn.isVisible()) await turnedOn.click()
  })

  it('has room for letters of twice the size: nothing is out of the window, nothing lies on anything', async () => {
    const session = await mia.page.context().newCDPSession(mia.page)
    await mia.press('Mute')
    for (const [width, height] of [
      [390, 844],
      [1_280, 800],
    ] as const) {
      await mia.page.setViewportSize({ width, height })
      await session.send('Page.setFontSizes', { fontSizes: { standard: 32, fixed: 26 } })
      const at = `${width} × ${height}`
      expect(await mia.page.evaluate(crowded, 32), at).toEqual([])
      await mia.press('Transfer Ben to somebody else')
      await dialog('Transfer Ben to…').waitFor(patience)
      expect(await mia.page.evaluate(crowded, 32), `handing on at ${at}`).toEqual([])
      await mia.page.keyboard.press('Escape')
    }
    await mia.page.setViewportSize({ width: 390, height: 844 })
    for (const standard of [18, 20, 22, 24, 28]) {
      await session.send('Page.setFontSizes', { fontSizes: { standard, fixed: 13 } })
      expect(await mia.page.evaluate(crowded, standard), `letters of ${standard} pixels`).toEqual([])
    }
    await session.send('Page.setFontSizes', { fontSizes: { standard: 16, fixed: 13 } })
    // By a style of the person's own, of which no media query knows.
    for (const letters of [20, 24, 32]) {
      await mia.page.evaluate(
        size => document.documentElement.style.setProperty('font-size', size),
        `${letters}px`,
      )
      expect(await mia.page.evaluate(crowded, letters), `the root's of ${letters} pixels`).toEqual([])
    }
    await mia.page.evaluate(() => document.documentElement.style.removeProperty('font-size'))
    await mia.press('Unmute')
  })

  it('fills a window of the picture’s shape with it, and shows all of it in another', async () => {
    const shown = () =>
      mia.page.getByLabel('Ben’s camera').evaluate(video => getComputedStyle(video).objectFit)
    await until('tall: all of it', async () => (await shown()) === 'contain')
    await mia.page.setViewportSize({ width: 1_280, height: 800 })
    await until('wide: it fills', async () => (await shown()) === 'cover')
    await mia.page.setViewportSize({ width: 390, height: 844 })
    await until('tall again', async () => (await shown()) === 'contain')
  })

  it('shows whether the microphone that is chosen hears anything', async () => {
    const devices = dialog('Devices')
    const loudness = () =>
      devices
        .getByRole('meter', { name: 'How loud the microphone is' })
        .evaluate((meter: HTMLMeterElement) => meter.value)
    await mia.press('Devices')
    await devices.getByRole('status').filter({ hasText: 'It hears you.' }).waitFor(patience)
    // A tone, at this browser's microphone.
    await until('the bar moves', async () => (await loudness()) > 0.5)
    expect(await barriers(mia.page)).toEqual([])
    await devices.getByRole('combobox', { name: 'Microphone' }).selectOption({ index: 1 })
    await until('the other one hears as well', async () => (await loudness()) > 0.5)
    await mia.press('Close')
    await mia.press('Mute')
    await mia.press('Devices')
    await devices.getByText('You are muted.').waitFor(patience)
    await until('the bar is empty', async () => (await loudness()) === 0)
    await mia.press('Close')
    await mia.press('Unmute')
  })

  it('tells by a tap on the badge what is known of the way', async () => {
    await mia.page.getByLabel(/^Media path: direct/).click()
    const facts = dialog('About this connection')
    await facts.getByText('straight from device to device').waitFor(patience)
    await facts.getByRole('row', { name: /^Picture received/ }).waitFor(patience)
    for (const name of ['Path', 'Other device', 'DTLS', 'Fingerprint there'])
      expect(
        await facts
          .getByRole('term')
          .filter({ hasText: new RegExp(`^${name}$`) })
          .count(),
        name,
      ).toBe(1)
    expect(await barriers(mia.page)).toEqual([])
    await mia.page.keyboard.press('Escape')
    await mia.hangUp()
    await mia.ready()
    const focused = () => mia.page.evaluate(() => document.activeElement?.textContent)
    await until('the focus is back on who was called', async () => /^BBen/.test((await focused()) ?? ''))
    await mia.press('All calls')
    await dialog('Calls')
      .getByRole('listitem')
      .filter({ hasText: /Ben.*Video call out.*direct/s })
      .waitFor(patience)
    await mia.press('Close')
  })

  it('says of a missed call once that it was missed, and forgets it by one tap', async () => {
    await ben.ready()
    await ben.callAudio('Mia')
    await mia.rings('Ben')
    // A page that is loaded anew turns nobody down: it rings on.
    await mia.page.reload()
    await mia.rings('Ben')
    await ben.press('Cancel call')
    const missed = mia.page.getByRole('region', { name: 'Missed calls' })
    await missed.getByRole('listitem').filter({ hasText: 'Ben' }).waitFor(patience)
    await mia.ready()
    expect(await mia.page.getByRole('button', { name: 'Dismiss' }).count()).toBe(0)
    await mia.page.setViewportSize({ width: 1_280, height: 800 })
    const latest = mia.page.getByRole('region', { name: 'Latest calls' })
    await latest.getByRole('listitem').filter({ hasText: 'Video call out' }).waitFor(patience)
    expect(await latest.getByText('Missed call').count(), 'beside it already').toBe(0)
    expect(await barriers(mia.page)).toEqual([])
    await mia.press('Clear missed calls')
    await missed.waitFor({ state: 'detached' })
    await latest.getByText('Missed call').waitFor(patience)
    await mia.page.setViewportSize({ width: 390, height: 844 })
    await latest.waitFor({ state: 'detached' })
  })

  it('says for whom it rings where another was called, who took it, and whose call was missed', async () => {
    await owner.addUser('house', 'House')
    await owner.request('PATCH', '/users/house', { alsoRings: ['mia'] })
    await ben.callAudio('House')
    await mia.rings('Ben')
    const told = mia.page.getByRole('alertdialog', { name: 'Ben is calling' })
    await told.getByText('for House', { exact: true }).waitFor(patience)
    expect(await barriers(mia.page), 'incoming').toEqual([])
    await mia.accept()
    await ben.inCall()
    const status = (phone: PhonePage) => phone.page.getByRole('status')
    await status(ben).getByText('Mia answered for House.').waitFor(patience)
    await status(mia).getByText('Ben called House.').waitFor(patience)
    await ben.hangUp()
    await Promise.all([ben.ready(), mia.ready()])
    await ben.callAudio('House')
    await mia.rings('Ben')
    await ben.press('Cancel call')
    const missed = mia.page.getByRole('region', { name: 'Missed calls' })
    await missed.getByText(/^Missed call for House, /).waitFor(patience)
    await mia.press('Clear missed calls')
    for (const [phone, calls] of [
      [mia, ['Missed call for House', /^Call in for House, \d+:\d+/]],
      [ben, ['Call out, given up', /^Call out, Mia answered, \d+:\d+/]],
    ] as const) {
      await phone.press('All calls')
      const rows = phone.page.getByRole('dialog', { name: 'Calls' }).getByRole('listitem')
      for (const [at, text] of calls.entries()) await rows.nth(at).getByText(text).waitFor(patience)
      await phone.page.keyboard.press('Escape')
    }
  })

  it('rings as loud as one likes, also after a reload', async () => {
    await mia.press('This phone')
    const volume = dialog('This phone').getByRole('slider', { name: 'Ring volume' })
    await volume.focus()
    for (let step = 0; step < 20; step++) await mia.page.keyboard.press('ArrowLeft')
    await dialog('This phone').getByText('It does not ring aloud').waitFor(patience)
    await mia.page.keyboard.press('ArrowRight')
    await mia.page.reload()
    await mia.ready()
    await mia.press('This phone')
    expect(await volume.getAttribute('aria-valuetext')).toBe('5 %')
  })

  it('hangs on a wall with its screen on, and lets it go out again', async () => {
    // As browsers with a screen allow it.
    await mia.page.context().grantPermissions(['screen-wake-lock'], { origin: daemon.origin })
    await mia.page.evaluate(() => {
      const scope = window as unknown as { locks: WakeLockSentinel[] }
      scope.locks = []
      const request = navigator.wakeLock.request.bind(navigator.wakeLock)
      navigator.wakeLock.request = async kind => {
        const lock = await request(kind)
        scope.locks.push(lock)
        return lock
      }
    })
    const held = () =>
      mia.page.evaluate(() =>
        (window as unknown as { locks: WakeLockSentinel[] }).locks.map(({ released }) => !released).join(),
      )
    const wall = dialog('This phone').getByRole('switch', { name: 'Wall phone' })
    await wall.click()
    await until('the screen is kept on', async () => (await held()) === 'true')
    expect(await wall.getAttribute('aria-checked')).toBe('true')
    await wall.click()
    await until('it may go out', async () => (await held()) === 'false')
    await mia.press('Close')
  })

  it('is not rung at in quiet hours, but when they are switched off for now', async () => {
    const quiet = mia.page.getByRole('button', { name: /^Quiet hours/ })
    await quiet.click()
    const hours = dialog('Quiet hours')
    const days = await hours.getByRole('checkbox').all()
    expect(days).toHaveLength(7)
    for (const day of days) await day.press('Space')
    await hours.getByRole('button', { name: 'Save' }).click()
    await hours.getByRole('alert').filter({ hasText: 'Choose at least one day.' }).waitFor(patience)
    for (const day of days) await day.press('Space')
    // From midnight to midnight: whatever the time is when this is read.
    for (const end of ['From', 'Until']) await hours.getByLabel(end).fill('00:00')
    expect(await barriers(mia.page), 'Quiet hours').toEqual([])
    await hours.getByLabel('Until').press('Enter')
    await hours.waitFor({ state: 'detached' })
    expect(await quiet.evaluate(button => button === document.activeElement), 'the focus').toBe(true)
    await quiet.filter({ hasText: 'every day' }).waitFor(patience)
    const silence = mia.page.getByRole('switch', { name: 'Do not disturb' })
    await silence.filter({ hasText: 'Your quiet hours are on until' }).waitFor(patience)
    expect(await silence.getAttribute('aria-checked')).toBe('true')
    await ben.seesPerson('Mia', /Do not disturb/)
    await ben.callAudio('Mia')
    await ben.page.getByText('Mia does not want to be disturbed now.').waitFor(patience)
    await mia.press('Clear missed calls')
    await silence.click()
    await silence.filter({ hasText: 'Calls come through until your quiet hours end at' }).waitFor(patience)
    await ben.seesPerson('Mia', /Available/)
    await ben.callAudio('Mia')
    await mia.rings('Ben')
    await mia.decline()
    await ben.ready()
    await quiet.click()
    await hours.getByRole('button', { name: 'No quiet hours' }).click()
    await quiet.filter({ hasText: 'None set' }).waitFor(patience)
  })

  it('finds somebody among many by a few letters, and calls whose number is typed', async () => {
    const find = mia.page.getByRole('searchbox', { name: 'Find a person' })
    expect(await find.count(), 'among few').toBe(0)
    for (const name of ['Anton', 'Berta', 'Cäsar', 'Dora', 'Emil', 'Friedrich', 'Gustav'])
      await owner.addUser(`${name.slice(0, 1).toLowerCase()}-1`, name)
    await find.waitFor(patience)
    const region = mia.page.getByRole('region', { name: 'People' })
    const names = async (typed: string): Promise<string[]> => {
      await find.fill(typed)
      return region.getByRole('listitem').locator('strong').allInnerTexts()
    }
    const told = region.getByRole('status')
    expect(await names('be')).toEqual(['Ben', 'Berta'])
    await told.getByText('2 people found.', { exact: true }).waitFor(patience)
    expect(await barriers(mia.page), 'found').toEqual([])
    await mia.page.keyboard.press('Enter')
    await mia.notInCall()
    expect(await names('casar')).toEqual(['Cäsar'])
    expect(await names('nobody here')).toEqual([])
    await told.getByText('Nobody found.', { exact: true }).waitFor(patience)
    await mia.page.keyboard.press('Escape')
    expect(await find.inputValue()).toBe('')
    const everybody = JSON.parse((await owner.request('GET', '/users')).body) as {
      name: string
      number: string
    }[]
    await find.fill(everybody.find(({ name }) => name === 'ben')!.number)
    await told.getByText('1 person found. Enter calls Ben.', { exact: true }).waitFor(patience)
    await mia.page.keyboard.press('Enter')
    await ben.rings('Mia')
    await ben.decline()
    await mia.ready()
  })

  it('opens while the appliance is away, and says so; a button keeps the focus that had it', async () => {
    const call = mia.page.getByRole('button', { name: 'Call Ben', exact: true })
    await call.focus()
    await daemon.kill()
    await until('it cannot be used', async () => (await call.getAttribute('aria-disabled')) === 'true')
    expect(await call.evaluate(button => button === document.activeElement)).toBe(true)
    await mia.page.keyboard.press('Enter')
    await mia.notInCall()
    expect(await barriers(mia.page)).toEqual([])
    await mia.page.reload()
    await mia.page.getByRole('status').filter({ hasText: 'Connection lost. Reconnecting…' }).waitFor(patience)
    await mia.page.getByRole('heading', { name: 'lanline does not answer' }).waitFor(patience)
    expect(await barriers(mia.page)).toEqual([])
    await daemon.start()
    await mia.ready(60)
    expect(await mia.page.getByRole('heading', { name: 'lanline does not answer' }).count()).toBe(0)
  })
})
