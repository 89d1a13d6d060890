/** A talk that is handed on to somebody else by who is in it, between three pages. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { barriers } from '../net/axe.ts'
import { aliceSeat, bobSeat, House } from '../net/house.ts'
import { hears, selectedPair } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'

const patience = { timeout: 15_000 }

describeWith(['namespaces', 'chromium', 'certutil'], 'a talk that is handed on', () => {
  let house: House
  let alice: PhonePage
  let bob: PhonePage
  let carol: PhonePage

  beforeAll(async () => {
    house = await House.build({ seats: [aliceSeat, bobSeat] })
    for (const name of ['Alice', 'Bob', 'Carol']) await house.owner.addUser(name.toLowerCase(), name)
    alice = await house.phone('Alice', 'alice')
    bob = await house.phone('Bob', 'bob')
    carol = await house.phone('Carol', 'alice')
  }, 120_000)
  afterAll(() => house?.remove())

  const talk = async () => {
    await alice.callAudio('Bob')
    await bob.rings('Alice')
    await bob.accept()
    await Promise.all([alice.inCall(), bob.inCall()])
    await hears(bob.page, 440)
  }
  const transfer = async () => {
    await alice.press('Transfer Bob to somebody else')
    expect(await barriers(alice.page)).toEqual([])
    await alice.press('Carol Available')
    await carol.rings('Bob')
    await carol.says('transferred by Alice')
    await alice.says('It rings at Carol’s. You and Bob talk on until somebody answers.')
    await bob.says('Alice is transferring you to Carol. You two talk on until somebody answers.')
  }
  const focused = ({ page }: PhonePage) =>
    page.evaluate(() => {
      const { activeElement: has } = document
      return has?.getAttribute('aria-label') ?? has?.textContent
    })

  it('goes on until it is answered there, and the two then talk directly', async () => {
    await talk()
    await bob.press('Mute')
    await transfer()
    expect(await focused(alice)).toBe('Transfer Bob to somebody else')
    await Promise.all([alice.talksWith('Bob'), bob.talksWith('Alice')])
    await hears(bob.page, 440)
    expect(await barriers(bob.page)).toEqual([])
    await bob.page.getByRole('button', { name: 'Hang up' }).focus()
    await carol.accept()
    await Promise.all([bob.talksWith('Carol'), carol.talksWith('Bob'), alice.ready()])
    await bob.says('Alice transferred you to Carol.')
    // What is pressed a moment too late does not hang up on somebody else.
    expect(await focused(bob)).toBe('Carol')
    await bob.page.keyboard.press('Enter')
    await alice.says('Bob is talking with Carol now.')
    await Promise.all([bob.inCall(), carol.inCall()])
    // He is as muted as he was.
    await bob.says('You are muted')
    await hears(bob.page, 440)
    await bob.press('Unmute')
    await hears(carol.page, 1_000)
    expect(await selectedPair(bob.page)).toMatchObject({
      localAddress: house.host('bob').address,
      remoteAddress: house.host('alice').address,
    })
    await carol.hangUp()
    await Promise.all([bob.ready(), carol.ready()])
    const rows = (await house.daemon.calls()).slice(0, 2)
    expect(rows).toMatchObject([
      { callerUser: 'bob', calleeUser: 'carol', endedBy: 'callee', reason: 'hangup' },
      { callerUser: 'alice', calleeUser: 'bob', endedBy: 'caller', reason: 'hangup' },
    ])
  })

  it('goes on where they decline there, or whoever is handed on wants to stay', async () => {
    await talk()
    await transfer()
    await carol.decline()
    await alice.says('Carol declined.')
    await bob.says('Carol declined.')
    await Promise.all([alice.inCall(), bob.inCall()])
    await transfer()
    await bob.press('Stay with Alice')
    await alice.says('Bob stays with you.')
    await carol.ready()
    await hears(bob.page, 440)
    await alice.hangUp()
    await Promise.all([alice.ready(), bob.ready()])
  })

  it('is begun once at a time, and who it goes to is found among many by a few letters', async () => {
    const many = ['Dora', 'Emil', 'Fay', 'Gus', 'Hal', 'Ida', 'Jan', 'Kim']
    for (const name of many) await house.owner.addUser(name.toLowerCase(), name)
    await talk()
    await alice.press('Transfer Bob to somebody else')
    const dialog = alice.page.getByRole('dialog', { name: 'Transfer Bob to…' })
    await dialog.getByRole('searchbox', { name: 'Find a person' }).fill('ca')
    await dialog.getByRole('status').getByText('1 person found. Enter transfers to Carol.').waitFor(patience)
    expect(await dialog.getByRole('listitem').count()).toBe(1)
    expect(await barriers(alice.page)).toEqual([])
    await alice.page.keyboard.press('Tab')
    const row = dialog.getByRole('button', { name: 'Carol Available' })
    expect(await row.evaluate(one => one.matches(':focus') && getComputedStyle(one).outlineStyle)).toBe(
      'solid',
    )
    await alice.page.keyboard.press('Shift+Tab')
    await alice.page.keyboard.press('Enter')
    await carol.rings('Bob')
    expect(await focused(alice)).toBe('Transfer Bob to somebody else')
    await alice.page.keyboard.press('Enter')
    await alice.says('Bob is being transferred already.')
    expect(await dialog.count()).toBe(0)
    // Who is done with the one is done with the other.
    await bob.hangUp()
    await Promise.all([alice.ready(), bob.ready(), carol.ready()])
  })

  it('has its buttons in the window, however small, on a wall as well', async () => {
    const { page } = alice
    const wall = async () => {
      await alice.press('This phone')
      await page.getByRole('switch', { name: 'Wall phone' }).click()
      await alice.press('Close')
    }
    const buttons = ['Mute', 'Turn camera on', 'Devices', 'Transfer Bob to somebody else', 'Hang up']
    for (const isWall of [false, true]) {
      if (isWall) await wall()
      await talk()
      for (const [width, height] of [
        [320, 568],
        [844, 390],
        [320, 200],
      ] as const) {
        await page.setViewportSize({ width, height })
        let right = 0
        for (const name of buttons) {
          const box = (await page.getByRole('button', { name, exact: true }).boundingBox())!
          const where = `${name} at ${width} × ${height}${isWall ? ' on a wall' : ''}`
          expect(box.x, where).toBeGreaterThanOrEqual(right)
          expect(box.y + box.height, where).toBeLessThanOrEqual(height)
          right = box.x + box.width
        }
        expect(right, 'the last one').toBeLessThanOrEqual(width)
      }
      await page.setViewportSize({ width: 390, height: 844 })
      await alice.hangUp()
      await Promise.all([alice.ready(), bob.ready()])
    }
    await wall()
  })

  it('need not be waited out by who hands it on', async () => {
    await talk()
    await transfer()
    await alice.hangUp()
    await alice.ready()
    await bob.says('Ringing at Carol’s…')
    await bob.says('Alice has hung up. You are being transferred to Carol.')
    await carol.accept()
    await Promise.all([bob.talksWith('Carol'), carol.talksWith('Bob')])
    await bob.says('Alice transferred you to Carol.')
    await hears(carol.page, 1_000)
    await bob.hangUp()
    await Promise.all([bob.ready(), carol.ready()])
  })
})
