import { afterEach, beforeAll, expect, it } from 'vitest'
import { type Made, makeChain } from '../tls/own-certificate.ts'
import { AdminHouse } from './house.ts'

let house: AdminHouse
let made: Made
beforeAll(() => {
  made = makeChain({ names: ['phone.example.com', 'lanline.local'] })
})
afterEach(() => house.close())

it('of the owner’s is looked through with what it changes, used, and given up', async () => {
  house = await AdminHouse.open()
  const headers = await house.owner()
  const body = { certificate: made.leaf + made.intermediate, key: made.key }
  const seen = await house.api('POST', '/certificate/look', { headers, body })
  expect(seen.body).toMatchObject({
    names: ['phone.example.com', 'lanline.local'],
    issuer: 'Mill Lane Authority',
    isPublic: false,
    takesOver: ['lanline.local'],
    leaves: [],
  })
  expect((await house.api('GET', '/certificate', { headers })).body.own).toBeUndefined()
  const used = await house.api('POST', '/certificate/own', { headers, body })
  expect(used.body.own).toEqual(seen.body)
  expect(house.store.settings.ownCertificate()?.key).toBe(made.key)
  const told = await house.api('GET', '/certificate', { headers })
  expect(told.body.own).toEqual(seen.body)
  for (const { text } of [seen, used, told]) expect(text).not.toMatch(/PRIVATE|BEGIN/)
  expect((await house.api('DELETE', '/certificate/own', { headers })).status).toBe(204)
  expect((await house.api('GET', '/certificate', { headers })).body.own).toBeUndefined()
  expect(house.store.settings.ownCertificate()).toBeUndefined()
})

it('that would not do is refused with a stable word and a sentence, and changes nothing', async () => {
  house = await AdminHouse.open()
  const headers = await house.owner()
  const other = makeChain({ names: ['phone.example.com'] })
  for (const path of ['/certificate/look', '/certificate/own']) {
    const refused = await house.api('POST', path, {
      headers,
      body: { certificate: made.leaf, key: other.key },
    })
    expect([refused.status, refused.body.error.code, refused.body.error.detail]).toEqual([
      422,
      'badCertificate',
      'otherKey',
    ])
    expect(refused.body.error.message).toContain('private key')
    const large = await house.api('POST', path, {
      headers,
      body: { certificate: made.leaf, key: 'x'.repeat(15_001) },
    })
    expect(large.status).toBe(400)
    expect(large.text).not.toContain('xxx')
  }
  expect((await house.api('GET', '/certificate', { headers })).body.own).toBeUndefined()
})
