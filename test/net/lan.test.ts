import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { between, Capture, clientHello, longestGaps, srtp } from './capture.ts'
import { openPage, startChromium } from './chromium.ts'
import { type Host, Lan } from './lan.ts'
import { hears, seenColour, sees, selectedPair } from './media-check.ts'
import { describeWith } from './peers.ts'
import { pause, until } from './wait.ts'

describeWith(['namespaces'], 'a LAN of namespaces', () => {
  let lan: Lan
  beforeAll(async () => {
    lan = await Lan.create({ hosts: ['one', 'two'], ipv6: true, names: { 'two.local': 'two' } })
  })
  afterAll(() => lan?.remove())

  it('lets its hosts reach each other by address and by name, and nobody else', async () => {
    const one = lan.host('one')
    expect(await reaches(one, lan.host('two').address)).toBe(true)
    expect(await reaches(one, lan.host('two').address6)).toBe(true)
    expect((await one.exec('getent', ['ahostsv4', 'two.local'])).stdout).toContain(lan.host('two').address)
    expect((await one.exec('ip', ['-j', 'link'])).stdout).not.toContain('docker')
  })

  it('has IPv6 only while it is switched on', async () => {
    const one = lan.host('one')
    await one.setIpv6(false)
    expect(await reaches(one, lan.host('two').address6)).toBe(false)
    await one.setIpv6(true)
    expect(await reaches(one, lan.host('two').address6)).toBe(true)
  })

  it('loses a host whose cable is pulled, and gets it back', async () => {
    const [one, two] = [lan.host('one'), lan.host('two')]
    await two.linkDown()
    expect(await reaches(one, two.address)).toBe(false)
    await two.linkUp()
    await until('the cable carries again', () => reaches(one, two.address))
  })
})

describeWith(['namespaces', 'chromium', 'dumpcap', 'tshark'], 'two Chromium on a LAN of namespaces', () => {
  let lan: Lan
  let alice: Page
  let bob: Page
  beforeAll(async () => {
    lan = await Lan.create({ hosts: ['alice', 'bob', 'router'] })
    const browsers = await Promise.all([
      startChromium(lan.host('alice'), { hertz: 440, colour: 'red' }),
      startChromium(lan.host('bob'), { hertz: 1_000, colour: 'blue' }),
    ])
    alice = await openPage(browsers[0], 'http://localhost:9')
    bob = await openPage(browsers[1], 'http://localhost:9')
  })
  afterAll(() => lan?.remove())

  it('carry tone and colour to each other directly, as a capture on the bridge counts', async () => {
    const [a, b] = [lan.host('alice').address, lan.host('bob').address]
    const captures = [await Capture.start(lan), await Capture.start(lan, lan.host('router'))] as const
    await connect(alice, bob)
    expect(await hears(bob, 440)).toBeCloseTo(440, -2)
    expect(await hears(alice, 1_000)).toBeCloseTo(1_000, -2)
    await sees(bob, 'red')
    await sees(alice, 'blue')
    expect(await seenColour(alice)).toBe('blue')
    expect(await selectedPair(alice)).toMatchObject({ localAddress: a, remoteAddress: b, dtls: 'connected' })
    await pause(3_000)
    for (const capture of captures) await capture.stop()
    expect(await captures[0].count(`${between(a, b)} && ${clientHello}`)).toBeGreaterThan(0)
    expect(await captures[0].count(`${between(a, b)} && ${srtp}`)).toBeGreaterThan(200)
    expect(await captures[1].count(`${between(a, b)} && ${srtp}`)).toBe(0)
    expect((await longestGaps(captures[0], a, b)).there.packets).toBeGreaterThan(100)
  }, 60_000)

  it('are seen on the port of a host that their media is forced through', async () => {
    const [a, b, router] = [lan.host('alice'), lan.host('bob'), lan.host('router')]
    await router.forward()
    await a.routeThrough(router, b)
    await b.routeThrough(router, a)
    const capture = await Capture.start(lan, router)
    await pause(3_000)
    await capture.stop()
    expect(await capture.count(`${between(a.address, b.address)} && ${srtp}`)).toBeGreaterThan(200)
  }, 30_000)
})

/** Whether an answer comes back: nobody listens on port 9, so a reachable host refuses and a lost one is silent. */
async function reaches(host: Host, address: string): Promise<boolean> {
  const tried = await host.exec('timeout', ['1', 'bash', '-c', `exec 3<>/dev/tcp/${address}/9`])
  return tried.stderr.includes('refused')
}

/** A call without any exchange: the test carries offer and answer itself. */
async function connect(caller: Page, callee: Page): Promise<void> {
  for (const page of [caller, callee])
    await page.route('**/*', route => route.fulfill({ body: '<!doctype html>', contentType: 'text/html' }))
  await Promise.all([caller.goto('http://localhost:9/'), callee.goto('http://localhost:9/')])
  const offer = await caller.evaluate(async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true })
    const connection = new RTCPeerConnection()
    for (const track of stream.getTracks()) connection.addTrack(track, stream)
    connection.ontrack = event => {
      const element = document.body.appendChild(document.createElement(event.track.kind as 'video'))
      element.srcObject = new MediaStream([event.track])
      void element.play()
    }
    await connection.setLocalDescription()
    await new Promise(resolve => setTimeout(resolve, 500))
    Object.assign(window, { connection })
    return connection.localDescription?.sdp ?? ''
  })
  const answer = await callee.evaluate(async sdp => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true })
    const connection = new RTCPeerConnection()
    for (const track of stream.getTracks()) connection.addTrack(track, stream)
    connection.ontrack = event => {
      const element = document.body.appendChild(document.createElement(event.track.kind as 'video'))
      element.srcObject = new MediaStream([event.track])
      void element.play()
    }
    await connection.setRemoteDescription({ type: 'offer', sdp })
    await connection.setLocalDescription()
    await new Promise(resolve => setTimeout(resolve, 500))
    return connection.localDescription?.sdp ?? ''
  }, offer)
  await caller.evaluate(async sdp => {
    const { connection } = window as unknown as { connection: RTCPeerConnection }
    await connection.setRemoteDescription({ type: 'answer', sdp })
  }, answer)
}
