/** "Check my connection", as somebody uses it whose calls work, and somebody whose calls do not. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { aliceSeat, House } from '../net/house.ts'
import { must } from '../net/lan.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'

/** Of the microphone and camera that the page opened. */
interface Opened {
  readonly opened: MediaStreamTrack[]
}

describeWith(['namespaces', 'chromium', 'certutil', 'nft'], 'the check in the phone page', () => {
  let house: House
  let alice: PhonePage

  beforeAll(async () => {
    house = await House.build({ seats: [aliceSeat] })
    await house.owner.addUser('alice', 'Alice')
    alice = await house.phone('Alice', 'alice')
    const { origin } = house.daemon
    await alice.page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin })
    await alice.page.evaluate(() => {
      const opened: MediaStreamTrack[] = []
      Object.assign(window, { opened })
      const { mediaDevices } = navigator
      const open = mediaDevices.getUserMedia.bind(mediaDevices)
      mediaDevices.getUserMedia = async constraints => {
        const stream = await open(constraints)
        opened.push(...stream.getTracks())
        return stream
      }
    })
  }, 120_000)
  afterAll(() => house?.remove())
  afterEach(() => alice.press('Back'))

  it('finds all well, says what it measured, lets go of microphone and camera, and leaves the speaker to the ear', async () => {
    const [here, pi] = [house.host('alice').address, house.host('pi').address]
    const { opened } = await openTracks()
    await alice.startCheck()
    const { summary, lines } = await alice.checked()
    const text = lines.join('\n')
    // A machine with much else to do answers late, and is told so.
    const isSlow = /^Warning: The way was direct, but slow: .* \d{3,} ms, nothing lost\.$/m.test(text)
    expect(summary).toMatch(
      isSlow
        ? /^Calls from this device work, but: the way was direct, but slow: /
        : /^All is well: calls from this device work\.$/,
    )
    expect(text.match(/^(Warning|Failed):/gm) ?? []).toHaveLength(isSlow ? 1 : 0)
    expect(text).toContain('OK: The browser trusts lanline’s certificate.')
    expect(text).toContain('OK: This page was opened by the name lanline.local.')
    expect(text).toContain(`OK: The address ${pi} leads to lanline as well`)
    expect(text).toMatch(/OK: The line to lanline is open: (under 1|\d+) ms there and back\./)
    expect(text).toContain('OK: The clocks of this device and of lanline agree.')
    expect(text).toMatch(/OK: The microphone .*hears sound\./)
    expect(text).toMatch(/OK: The camera .*gives a picture\./)
    expect(text).toContain(`OK: This device offers its address for calls: ${here}.`)
    expect(text).toContain(`OK: This device, ${here}, is on lanline’s own network 10.77.0.0/24.`)
    expect(text).toContain('OK: Sound went to lanline and came back.')
    expect(text).toContain('OK: The picture went to lanline and came back.')
    expect(text).toMatch(
      new RegExp(`(OK: The way was direct:|Warning: The way was direct, but slow:) ${here} ↔ ${pi}`),
    )
    expect(text).toContain('Not checked: Whether the network lets two devices reach each other')
    expect(await openTracks()).toEqual({ opened: opened + 2, live: 0 })
    const token = await alice.page.evaluate(
      () => JSON.parse(localStorage.getItem('lanline.enrolment') ?? '').token as string,
    )
    await alice.press('Copy the report')
    await alice.page.getByRole('button', { name: 'Copied' }).waitFor()
    const report = await alice.page.evaluate(() => navigator.clipboard.readText())
    expect(report).toContain(summary)
    expect(report).toContain('[OK] Sound went to lanline and came back.')
    expect(token.length).toBeGreaterThan(20)
    expect(report).not.toContain(token)

    await alice.press('Play a tone')
    await alice.press('I heard nothing')
    await alice.page.getByText('Calls connect, but: you did not hear the tone.').waitFor()
    await alice.press('I heard it')
    await alice.page.getByText(summary).waitFor()
  })

  it('says that packets are dropped on the way, when UDP is', async () => {
    const host = house.host('alice')
    const drop =
      'table inet dropping { chain out { type filter hook output priority 0; udp dport 1024-65535 drop; }; }'
    await must(host.exec('nft', ['-f', '-'], drop))
    await alice.startCheck()
    const { summary, lines } = await alice.checked()
    await must(host.exec('nft', ['delete', 'table', 'inet', 'dropping']))
    const sentence =
      'The echo answered, but no packet came through: something between this device and lanline drops UDP.'
    expect(summary).toBe(`Calls do not work from here: t${sentence.slice(1)}`)
    expect(lines.find(line => line.includes(sentence))).toMatch(/^Failed: .* Allow UDP between this device/)
    expect((await openTracks()).live).toBe(0)
  })

  it('goes on without a microphone that may not be used, and says that nobody would hear', async () => {
    const control = await house.browser('alice').newBrowserCDPSession()
    const { origin } = house.daemon
    await control.send('Browser.setPermission', {
      ...{ permission: { name: 'microphone' }, setting: 'denied', origin },
      browserContextId: await contextId(),
    })
    await alice.startCheck()
    const { summary, lines } = await alice.checked()
    expect(summary).toBe('Calls connect, but nobody would hear you: see the microphone.')
    const text = lines.join('\n')
    expect(text).toMatch(/^Failed: The browser may not use the microphone\. Allow the microphone/m)
    expect(text).toContain('OK: The camera')
    expect(text).toContain('OK: Sound went to lanline and came back.')
    expect((await openTracks()).live).toBe(0)
  })

  it('ends in a sentence about the line when the appliance goes in the middle', async () => {
    await alice.startCheck()
    await alice.page.getByText('Making a test call to the echo…').waitFor()
    await house.daemon.kill()
    const { summary, lines } = await alice.checked()
    expect(summary).toBe('Calls do not work now: there is no line to lanline.')
    expect(lines.join('\n')).toMatch(/^Failed: The line to lanline broke while this check ran/m)
    expect(lines.join('\n')).not.toContain('drops UDP')
    expect((await openTracks()).live).toBe(0)
  })

  async function openTracks(): Promise<{ opened: number; live: number }> {
    return alice.page.evaluate(() => {
      const { opened } = window as unknown as Opened
      return { opened: opened.length, live: opened.filter(track => track.readyState === 'live').length }
    })
  }

  /** As the browser's own protocol names the context of Alice's page. */
  async function contextId(): Promise<string> {
    const session = await alice.page.context().newCDPSession(alice.page)
    const { targetInfo } = await session.send('Target.getTargetInfo')
    return targetInfo.browserContextId ?? ''
  }
})
