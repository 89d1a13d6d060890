/** A link that takes less than is sent on it, as a wireless one behind two walls. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Lan, must } from './lan.ts'
import { describeWith } from './peers.ts'

/** Sends for a second what a hundred calls would, and says what became of it. */
const sender = `
import { openUdp } from ${JSON.stringify(new URL('../../src/runtime/udp.ts', import.meta.url).pathname)}
let dropped = 0
const socket = await openUdp({
  local: { address: process.argv[1], port: 0 },
  onMessage: () => {}, onClosed: () => {}, onSendError: () => dropped++,
})
let sent = 0
const end = Date.now() + 1_000
while (Date.now() < end) {
  for (let packet = 0; packet < 200; packet++, sent++)
    socket.send(Buffer.alloc(1_200), { address: process.argv[2], port: 9 })
  await new Promise(resolve => setTimeout(resolve, 5))
}
console.log(JSON.stringify({ sent, dropped }))
process.exit()
`

describeWith(['namespaces', 'tc'], 'a link of one megabit', () => {
  let lan: Lan
  beforeAll(async () => {
    lan = await Lan.create({ hosts: ['pi', 'alice'] })
    const shaped = ['qdisc', 'add', 'dev', 'eth0', 'root', 'tbf', 'rate', '1mbit', 'burst', '10k']
    await must(lan.host('pi').exec('tc', [...shaped, 'limit', '100000000']))
  })
  afterAll(() => lan?.remove())

  it('has no more than some hundred packets waiting for it in this process', async () => {
    const { address } = lan.host('alice')
    const pi = lan.host('pi')
    const said = await must(
      pi.exec(process.execPath, ['--input-type=module', '-e', sender, pi.address, address]),
    )
    const { sent, dropped } = JSON.parse(said.stdout) as { sent: number; dropped: number }
    expect(sent).toBeGreaterThan(5_000)
    // 2 MB are what the system may hold for a socket, 256 kB what we do.
    expect(sent - dropped).toBeLessThan(3_000)
  })
})
