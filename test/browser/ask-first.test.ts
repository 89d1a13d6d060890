/** Somebody is asked first before a talk is handed on to them, and the one who waits hears nothing meanwhile. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { barriers } from '../net/axe.ts'
import { aliceSeat, bobSeat, House } from '../net/house.ts'
import { heardHertz, hears, sees, selectedPair } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { until } from '../net/wait.ts'

/** What of a page at twice its size is beside the window of a small phone. */
async function outOfSight(page: PhonePage['page']): Promise<string[]> {
  const before = page.viewportSize()!
  await page.setViewportSize({ width: 195, height: 422 })
  const names = await page.getByRole('button').evaluateAll(all =>
    all
      .filter(one => {
        const { left, right } = one.getBoundingClientRect()
        return left < 0 || right > innerWidth
      })
      .map(one => one.getAttribute('aria-label') ?? one.textContent ?? ''),
  )
  await page.setViewportSize(before)
  return names
}

/** What comes into live regions that are there already: what comes with its region is not read out. */
async function listen(page: PhonePage['page']): Promise<() => Promise<string>> {
  await page.evaluate(() => {
    const scope = window as unknown as { heard: string }
    scope.heard = ''
    new MutationObserver(changes => {
      for (const { target, type, addedNodes } of changes) {
        const element = target instanceof Element ? target : target.parentElement
        if (!element?.closest('[role="status"]')) continue
        scope.heard += type === 'characterData' ? target.nodeValue : ''
        for (const node of addedNodes) scope.heard += node.textContent
      }
    }).observe(document.body, { childList: true, characterData: true, subtree: true })
  })
  return () => page.evaluate(() => (window as unknown as { heard: string }).heard)
}

describeWith(['namespaces', 'chromium', 'certutil'], 'who is asked first', () => {
  let house: House
  let alice: PhonePage
  let bob: PhonePage
  let carol: PhonePage

  beforeAll(async () => {
    house = await House.build({ seats: [aliceSeat, bobSeat] })
    for (const name of ['Alice', 'Bob', 'Carol']) await house.owner.addUser(name.toLowerCase(), name)
    alice = await house.phone('Alice', 'alice')
    bob = await house.phone('Bob', 'bob')
    carol = await house.phone('Carol', 'bob')
  }, 120_000)
  afterAll(() => house?.remove())

  const talk = async (kind: 'callAudio' | 'callVideo') => {
    await alice[kind]('Bob')
    await bob.rings('Alice')
    await bob.accept()
    await Promise.all([alice.inCall(), bob.inCall()])
    await hears(bob.page, 440)
  }
  const ask = async () => {
    await alice.press('Transfer Bob to somebody else')
    expect(await barriers(alice.page)).toEqual([])
    await alice.press('Ask first: Carol')
    await carol.rings('Alice')
    await Promise.all([alice.talksWith('Carol'), bob.talksWith('Alice')])
    await bob.says('Alice has put you on hold: they do not hear you.')
    await until('who waits hears nothing', async () => (await heardHertz(bob.page)) === undefined)
  }

  it('takes the call: the two are connected at once, directly, and nothing rings', async () => {
    await talk('callAudio')
    const heard = await listen(alice.page)
    await ask()
    await until('who waits is read out', async () => (await heard()).includes('Bob is on hold.'))
    await carol.accept()
    await hears(carol.page, 440)
    expect(await heardHertz(bob.page), 'who waits hears none of it').toBeUndefined()
    await alice.says('Bob is on hold.')
    expect(await barriers(alice.page)).toEqual([])
    await bob.page
      .getByRole('status')
      .filter({ hasText: /^On hold$/ })
      .waitFor({ timeout: 20_000 })
    for (const { page } of [alice, bob]) expect(await outOfSight(page)).toEqual([])
    await alice.press('Connect Bob and Carol')
    await Promise.all([bob.talksWith('Carol'), carol.talksWith('Bob'), alice.ready()])
    await alice.says('Bob is talking with Carol now.')
    await Promise.all([bob.inCall(), carol.inCall()])
    await hears(carol.page, 1_000)
    expect(await selectedPair(bob.page)).toMatchObject({ localAddress: house.host('bob').address })
    await carol.hangUp()
    await Promise.all([bob.ready(), carol.ready()])
    expect((await house.daemon.calls()).slice(0, 3)).toMatchObject([
      { callerUser: 'bob', calleeUser: 'carol', missed: false },
      { callerUser: 'alice', calleeUser: 'carol', missed: false },
      { callerUser: 'alice', calleeUser: 'bob', missed: false },
    ])
  })

  it('does not take it: the talk goes on, with the picture there was', async () => {
    await talk('callVideo')
    await sees(bob.page, 'red')
    await ask()
    const isBack = 'Carol declined. You are back with Bob.'
    const heardBefore = await listen(alice.page)
    await carol.decline()
    await alice.says(isBack)
    await until('that is read out', async () => (await heardBefore()).includes(isBack))
    await alice.talksWith('Bob')
    await hears(bob.page, 440)
    await Promise.all([sees(bob.page, 'red'), sees(alice.page, 'blue')])
    expect(await bob.page.getByText(/on hold/).count()).toBe(0)

    // Taken, and said no to.
    await ask()
    await carol.accept()
    await hears(carol.page, 440)
    await alice.press('Back to Bob: hang up on Carol')
    await Promise.all([alice.talksWith('Bob'), carol.ready()])
    await hears(bob.page, 440)
    await sees(bob.page, 'red')

    // Who waits need not.
    await ask()
    await carol.accept()
    await bob.hangUp()
    await alice.says('Bob, who was on hold, has hung up.')
    await alice.talksWith('Carol')
    await hears(carol.page, 440)
    const heard = await listen(alice.page)
    await alice.hangUp()
    await until('the end is read out', async () => (await heard()).includes('Call with Carol ended'))
    await Promise.all([alice.ready(), bob.ready(), carol.ready()])
  })
})
