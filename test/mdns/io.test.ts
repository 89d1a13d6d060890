import { expect, it } from 'vitest'
import { MdnsIo, type MdnsTrouble } from '../../src/mdns/io.ts'
import type { Link } from '../../src/mdns/message.ts'

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

it('an IPv6 address that is still being checked for duplicates is no trouble while the other family speaks', async () => {
  const troubles: (MdnsTrouble | undefined)[] = []
  const links: (readonly Link[])[] = []
  const io = new MdnsIo({
    input: input => void (input.kind === 'links' && links.push(input.links)),
    onState: trouble => troubles.push(trouble),
    onNote: () => {},
  })
  const four = { address: '127.0.0.1', prefixLength: 8 }
  // Nobody's on this interface, as one that cannot be bound yet.
  const six = { address: 'fe80::1234', prefixLength: 64 }
  await io.update([{ name: 'lo', index: 1, addresses: [four, six] }])
  expect(troubles).toEqual([undefined])
  expect(links).toEqual([[{ name: 'lo', addresses: [four] }]])
  await io.update([{ name: 'lo', index: 1, addresses: [six] }])
  expect(troubles.at(-1)?.held).toBe(false)
  io.close()
})
