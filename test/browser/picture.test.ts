/** A picture that comes into a call which was begun with sound, and goes again. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { barriers } from '../net/axe.ts'
import { aliceSeat, bobSeat, House } from '../net/house.ts'
import { hears, sees } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { pause, until } from '../net/wait.ts'

const patience = { timeout: 10_000 }

describeWith(['namespaces', 'chromium', 'certutil'], 'a call begun with sound', () => {
  let house: House
  let alice: PhonePage
  let bob: PhonePage

  beforeAll(async () => {
    house = await House.build({ seats: [aliceSeat, bobSeat] })
    await house.owner.addUser('alice', 'Alice')
    await house.owner.addUser('bob', 'Bob')
    alice = await house.phone('Alice', 'alice')
    bob = await house.phone('Bob', 'bob')
  }, 120_000)
  afterAll(() => house?.remove())

  const begin = async (from: PhonePage, to: PhonePage, [caller, callee]: readonly [string, string]) => {
    await from.callAudio(callee)
    await to.rings(caller)
    await to.accept()
    await Promise.all([alice.inCall(), bob.inCall()])
  }
  const says = (phone: PhonePage, text: string) =>
    phone.page.getByRole('status').getByText(text, { exact: true })
  const ownPicture = (phone: PhonePage) => phone.page.getByLabel('Your camera')
  const shows = (phone: PhonePage) => phone.page.locator('main.with-picture')

  it('shows the picture of who turns the camera on, and asks none of the other; the log has a direct video call', async () => {
    await begin(alice, bob, ['Alice', 'Bob'])
    await hears(bob.page, 440)
    await alice.press('Turn camera on')
    await sees(bob.page, 'red')
    await says(bob, 'Alice turned the camera on. Alice does not see you.').waitFor(patience)
    await ownPicture(alice).waitFor(patience)
    expect(await ownPicture(bob).count()).toBe(0)
    expect(await shows(alice).count(), 'nothing of Bob').toBe(0)
    expect(await barriers(bob.page)).toEqual([])
    await bob.press('Turn camera on')
    await sees(alice.page, 'blue')
    expect(await barriers(alice.page)).toEqual([])
    await says(bob, 'Alice turned the camera on. Alice does not see you.').waitFor({ state: 'detached' })
    await pause(4_000)
    await alice.press('Turn camera off')
    await shows(bob).waitFor({ state: 'detached' })
    await shows(alice).waitFor(patience)
    await alice.press('Turn camera on')
    await shows(bob).waitFor(patience)
    await alice.hangUp()
    await Promise.all([alice.ready(), bob.ready()])
    const row = await closedCall()
    // The last counts of both ends come a moment after the call's end.
    const verdict = await until('every stream is counted to its end', async () => {
      const made = (await house.owner.trace(row.id)).verdict
      const { figures } = made.checked.find(line => line.id === 'streams')!
      const counted = figures.match(/: sent \d+, received \d+ \+ lost \d+ in all/g)
      return counted?.length === 4 ? made : undefined
    })
    for (const { outcome, question, figures } of verdict.checked)
      console.info(`${outcome} ${question}\n    ${figures}`)
    expect(verdict).toMatchObject({ path: 'direct', grade: 'bothEnds', contradictions: [] })
    expect(row).toMatchObject({ video: true })
  })

  it('takes both pictures when both turn their cameras on in the same moment', async () => {
    await begin(bob, alice, ['Bob', 'Alice'])
    await Promise.all([alice.press('Turn camera on'), bob.press('Turn camera on')])
    await Promise.all([sees(bob.page, 'red'), sees(alice.page, 'blue')])
    const sections = await alice.page.evaluate(() => {
      const { connections } = (window as unknown as { watched: { connections: RTCPeerConnection[] } }).watched
      return connections.at(-1)!.getTransceivers().length
    })
    expect(sections, 'sound and one picture').toBe(2)
    await bob.hangUp()
    await Promise.all([alice.ready(), bob.ready()])
  })

  it('says while the appliance is away that the camera has to wait, and goes on', async () => {
    await begin(alice, bob, ['Alice', 'Bob'])
    await house.daemon.kill()
    await alice.lineAway()
    const camera = alice.page.getByRole('button', { name: 'Turn camera on' })
    expect(await camera.getAttribute('aria-disabled')).toBe('true')
    await camera.focus()
    await alice.page.keyboard.press('Enter')
    await says(alice, 'The camera can be turned on when the appliance is back.').waitFor(patience)
    expect(await ownPicture(alice).count()).toBe(0)
    await house.daemon.start()
    await Promise.all([alice.lineBack(), bob.lineBack()])
    expect(await camera.evaluate(button => document.activeElement === button)).toBe(true)
    await alice.page.keyboard.press('Enter')
    await sees(bob.page, 'red')
    await hears(alice.page, 1_000)
    await bob.hangUp()
    await Promise.all([alice.ready(), bob.ready()])
  })

  /** The newest. */
  const closedCall = () =>
    until('the call is over in the log', async () => {
      const [newest] = await house.daemon.calls()
      return typeof newest?.endedAt === 'number' ? newest : undefined
    })
})
