import { expect, it } from 'vitest'
import { MdnsIo } from '../../src/mdns/io.ts'

it('closed while its sockets are being opened, it leaves none of them open', async () => {
  const opened = (): number => process.getActiveResourcesInfo().filter(kind => kind === 'UDPWrap').length
  const before = opened()
  const io = new MdnsIo({ input: () => {}, onState: () => {}, onNote: () => {} })
  const updated = io.update([
    { name: 'lo', index: 1, addresses: [{ address: '127.0.0.1', prefixLength: 8 }] },
  ])
  await Promise.resolve()
  io.close()
  await updated
  await expect.poll(opened, { timeout: 2_000 }).toBe(before)
})
