import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadPages } from '../../src/admin/pages.ts'
import { AdminHouse, type Asked } from './house.ts'

let house: AdminHouse
beforeAll(async () => {
  house = await AdminHouse.open()
  await house.owner()
})
afterAll(() => house.close())

const knock = (path: string, headers: Record<string, string> = {}, host = '10.1.1.1:8080'): Promise<Asked> =>
  house.ask('GET', path, { host, headers, env: { listener: 'http', peer: '10.1.1.9' } })

test.each([
  [
    'an iPhone',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) Safari/604.1',
    'ios',
    'lanline.mobileconfig',
  ],
  ['an Android phone', 'Mozilla/5.0 (Linux; Android 16) Chrome/150.0 Mobile', 'android', 'CA certificate'],
  ['Windows', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/150.0', 'windows', 'Trusted Root'],
  ['a Mac', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) Safari/605', 'macos', 'Always Trust'],
  ['Firefox on Linux', 'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Firefox/153.0', 'firefox', 'Authorities'],
])('%s is told its own steps only', async (_, userAgent, system, word) => {
  const page = (await knock('/', { 'user-agent': userAgent })).text
  expect(page.match(/data-system="(\w+)"/g)).toEqual([`data-system="${system}"`])
  expect(page).toContain(word)
})

test('the page leads to HTTPS under the name it was called by, and shows the fingerprint', async () => {
  expect((await knock('/')).text).toContain('href="https://10.1.1.1:8443/"')
  expect((await knock('/j')).text).toContain('href="https://10.1.1.1:8443/j"')
  expect((await knock('/', {}, '[fd00::1]:8080')).text).toContain('href="https://[fd00::1]:8443/"')
  const page = (await knock('/what/ever')).text
  expect(page).toContain('href="https://10.1.1.1:8443/"')
  expect(page.replaceAll('<wbr>', '')).toMatch(/([0-9A-F]{2}:){31}[0-9A-F]{2}/)
})

test('while nobody owns the appliance every way leads to its claim, and no longer once somebody does', async () => {
  const fresh = await AdminHouse.open()
  const env = { listener: 'http' as const, peer: '10.1.1.9' }
  const page = async (path: string) => (await fresh.ask('GET', path, { host: '10.1.1.1:8080', env })).text
  for (const path of ['/', '/j', '/admin/']) {
    expect(await page(path), path).toContain('href="https://10.1.1.1:8443/admin/"')
    expect(await page(path), path).toContain('Set it up now')
  }
  await fresh.owner()
  expect(await page('/')).toContain('href="https://10.1.1.1:8443/"')
  expect(await page('/')).not.toContain('Set it up')
  await fresh.close()
})

test('its script is a file of its own, for the policy allows nothing inline', async () => {
  const page = await knock('/')
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self'")
  expect(page.text).not.toMatch(/<script(?![^>]*src=)|\son\w+=|style=/)
  expect((await knock('/door.js')).headers.get('content-type')).toContain('javascript')
})

test('the certificate can be had in both forms, with their types', async () => {
  expect((await knock('/lanline.crt')).headers.get('content-type')).toBe('application/x-x509-ca-cert')
  const profile = await knock('/lanline.mobileconfig')
  expect(profile.headers.get('content-type')).toBe('application/x-apple-aspen-config')
  expect(profile.text).toContain('lanline – Mill')
})

test('no answer ever pins HTTPS', async () => {
  for (const answer of [await knock('/'), await house.ask('GET', '/'), await house.api('GET', '/health')]) {
    expect(answer.headers.has('strict-transport-security')).toBe(false)
  }
})

test('pages come from a fixed map: typed, cached by their names, revalidated otherwise', async () => {
  const phone = join(house.directory, 'phone')
  mkdirSync(join(phone, 'assets'), { recursive: true })
  writeFileSync(join(phone, 'index.html'), '<!doctype html>phone')
  writeFileSync(join(phone, 'assets', 'a-1234.js'), '1')
  writeFileSync(join(phone, '.secret'), 'x')
  for (const [suffix, text] of [
    ['br', 'small'],
    ['gz', 'smaller'],
  ] as const)
    writeFileSync(join(phone, 'assets', `a-1234.js.${suffix}`), text)
  const other = await AdminHouse.open({ pages: loadPages({ phone, admin: join(house.directory, 'none') }) })
  const index = await other.ask('GET', '/')
  expect(index.headers.get('content-type')).toContain('text/html')
  expect(index.headers.get('cache-control')).toBe('no-cache')
  const policy = index.headers.get('content-security-policy')
  // Itself, and itself by its other names.
  expect(policy).toContain(
    "connect-src 'self' wss://lanline.local:8443 https://lanline.local:8443 https://10.1.1.1:8443;",
  )
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).not.toMatch(/unsafe|eval/)
  const again = await other.ask('GET', '/', { headers: { 'if-none-match': index.headers.get('etag')! } })
  expect([again.status, again.text]).toEqual([304, ''])
  expect((await other.ask('GET', '/assets/a-1234.js')).headers.get('cache-control')).toContain('immutable')
  const asked = async (accepts: string) => {
    const answer = await other.ask('GET', '/assets/a-1234.js', { headers: { 'accept-encoding': accepts } })
    return [answer.headers.get('content-encoding'), answer.text]
  }
  expect(await asked('gzip, deflate, br')).toEqual(['br', 'small'])
  expect(await asked('gzip, br;q=0')).toEqual(['gzip', 'smaller'])
  expect(await asked('identity')).toEqual([null, '1'])
  expect((await other.ask('GET', '/assets/a-1234.js.br')).status).toBe(404)
  expect((await other.ask('GET', '/j')).text).toBe(index.text)
  expect((await other.ask('GET', '/.secret')).status).toBe(404)
  expect((await other.ask('GET', '/admin')).headers.get('location')).toBe('/admin/')
  await other.close()
})
