import { afterEach, beforeEach, expect, test } from 'vitest'
import { provisioningLimits } from '../../src/admin/provisioning.ts'
import type { Monotonic } from '../../src/core/clock.ts'
import { AdminHouse, type Asked, type AskOptions } from './house.ts'

const fromLan = { env: { listener: 'http' as const, peer: '10.1.1.9' }, host: '10.1.1.1:8080' }
const browser = { ...fromLan, headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } }

let house: AdminHouse
let member: Awaited<ReturnType<AdminHouse['member']>>
beforeEach(async () => {
  house = await AdminHouse.open()
  await house.owner()
  member = await house.member()
})
afterEach(() => house.close())

interface Made {
  readonly device: string
  readonly password: string
  readonly linphone: { readonly url: string; readonly expiresInSeconds: number }
}

async function softphone(): Promise<Made> {
  const made = await house.api('POST', '/softphones', { headers: member, body: { deviceName: 'Linphone' } })
  expect(made.status).toBe(201)
  return made.body
}

const fetchOf = (made: Made, query = '', options: AskOptions = fromLan): Promise<Asked> =>
  house.ask('GET', new URL(made.linphone.url).pathname + query, options)

test('the address is of this house, hard to guess, and good for a quarter of an hour', async () => {
  const [one, other] = [await softphone(), await softphone()]
  expect(one.linphone.url).toMatch(/^http:\/\/10\.1\.1\.1:8080\/linphone\/[\w-]{32}$/)
  expect(one.linphone.expiresInSeconds).toBe(900)
  expect(other.linphone.url).not.toBe(one.linphone.url)
})

test('Linphone fetches its account at the door, once; the typed password is not in it', async () => {
  const made = await softphone()
  const answer = await fetchOf(made)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('application/xml; charset=utf-8')
  expect(answer.headers.get('cache-control')).toBe('no-store')
  const { ha1Sha256, digestUser } = house.store.directory.device(made.device)!
  expect(answer.text).toContain(`<entry name="ha1" overwrite="true">${ha1Sha256}</entry>`)
  expect(answer.text).toContain(`<entry name="userid" overwrite="true">${digestUser}</entry>`)
  expect(answer.text).not.toContain(made.password)
  const again = await fetchOf(made)
  expect([again.status, again.text.includes(ha1Sha256!)]).toEqual([410, false])
  expect(again.text).toContain('This code was used')
})

test('of many who ask at once, one gets it', async () => {
  const made = await softphone()
  const answers = await Promise.all(Array.from({ length: 20 }, () => fetchOf(made)))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
})

test('it is served over HTTPS and to this computer as well, by the same rules', async () => {
  const made = await softphone()
  expect((await fetchOf(made, '', {})).status).toBe(200)
  expect((await fetchOf(made)).status).toBe(410)
})

test('an expired, altered or invented address gives nothing away', async () => {
  const made = await softphone()
  house.monotonic = (house.monotonic + provisioningLimits.lifetimeMilliseconds - 1) as Monotonic
  expect((await fetchOf(made, '', browser)).status).toBe(200)
  house.monotonic = (house.monotonic + 1) as Monotonic
  const wrong = [
    new URL(made.linphone.url).pathname,
    `${new URL((await softphone()).linphone.url).pathname}x`,
    `/linphone/${'A'.repeat(32)}`,
    '/linphone/',
    '/linphone/__proto__',
    '/linphone/%00',
  ]
  for (const path of wrong) {
    const answer = await house.ask('GET', path, fromLan)
    expect([path, answer.status]).toEqual([path, 410])
    expect(answer.text).not.toContain('ha1')
  }
})

test('it is void once the phone is removed, and once it has registered with what was typed', async () => {
  const removed = await softphone()
  await house.store.directory.revokeDevice(removed.device)
  expect((await fetchOf(removed)).status).toBe(410)
  const typed = await softphone()
  house.store.directory.seen(typed.device)
  expect((await fetchOf(typed)).status).toBe(410)
})

test('a browser that opens the code is shown the way into Linphone, and does not use it up', async () => {
  const made = await softphone()
  const page = await fetchOf(made, '?root_ca=%2Fa%2Fb.pem', browser)
  expect(page.status).toBe(200)
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(page.text).toContain(`href="linphone-config:${made.linphone.url}?root_ca=%2Fa%2Fb.pem"`)
  expect(page.text).not.toContain('ha1')
  expect((await house.ask('HEAD', new URL(made.linphone.url).pathname, fromLan)).status).toBe(200)
  expect((await house.ask('POST', new URL(made.linphone.url).pathname, fromLan)).status).toBe(405)
  expect((await fetchOf(made)).status).toBe(200)
})

test('what somebody hangs on the address comes back as text, not as markup', async () => {
  const made = await softphone()
  const page = await fetchOf(made, '?"><script>alert(1)</script>', browser)
  expect(page.text).not.toMatch(/<script|"></)
})

test('with the file’s place TLS is told, a place that is none is refused and uses nothing up', async () => {
  const made = await softphone()
  for (const path of [
    '',
    'lanline.pem',
    '../x',
    '/',
    '/a\nb',
    `/${'x'.repeat(256)}`,
    'http://evil.example/x',
  ]) {
    expect((await fetchOf(made, `?root_ca=${encodeURIComponent(path)}`)).status).toBe(400)
  }
  const windows = 'C:\\Users\\Mia & Co\\lanline.pem'
  const answer = await fetchOf(made, `?root_ca=${encodeURIComponent(windows)}`)
  expect(answer.text).toContain('C:\\Users\\Mia &#38; Co\\lanline.pem')
  expect(answer.text).toContain('&#60;sip:10.1.1.1:5061;transport=tls&#62;')
})

test('a foreign name and a foreign page get nothing', async () => {
  const made = await softphone()
  expect((await fetchOf(made, '', { ...fromLan, host: 'evil.example' })).status).toBe(421)
  const foreign = { ...fromLan, headers: { origin: 'https://evil.example' } }
  expect((await fetchOf(made, '', foreign)).status).toBe(403)
  expect((await fetchOf(made)).status).toBe(200)
})

test('of too many addresses the oldest are void; their phones stay', async () => {
  const first = await softphone()
  const { directory } = house.store
  const unix = { env: { listener: 'unix' as const, peer: '' } }
  for (let made = 0; made < provisioningLimits.offers; ) {
    const name = `p${made}`
    await house.api('POST', '/users', { ...unix, body: { name } })
    for (let phone = 0; phone < 40 && made < provisioningLimits.offers; phone++, made++)
      await house.api('POST', '/softphones', { ...unix, body: { deviceName: 'x', user: name } })
  }
  expect((await fetchOf(first)).status).toBe(410)
  expect(directory.device(first.device)).toBeDefined()
})

test('the file of authorities for phones is to be had at the door and inside', async () => {
  for (const where of [fromLan, {}]) {
    const answer = await house.ask('GET', '/lanline.pem', where)
    expect(answer.status).toBe(200)
    expect(answer.text.match(/-----BEGIN CERTIFICATE-----/g)).toHaveLength(2)
    expect(answer.headers.get('content-disposition')).toContain('lanline.pem')
  }
})
