import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type LinphoneAccount, linphoneConfig } from '../../src/admin/linphone.ts'
import { runs } from '../property/counts.ts'

const account: LinphoneAccount = {
  user: 'mia',
  displayName: 'Mia',
  digestUser: 'mia-2',
  realm: 'lanline-0123456789ab',
  ha1Sha256: 'ab'.repeat(32),
  hostName: 'lanline.local',
  address: '10.1.1.1',
  port: 5060,
  tlsPort: 5061,
  rootCa: undefined,
}

test('an account has its address, its name to authenticate with, and no password', () => {
  const { proxy_0: proxy, auth_info_0: auth, sip } = read(linphoneConfig(account))
  expect(proxy).toMatchObject({
    reg_identity: '"Mia" <sip:mia@lanline.local>',
    reg_proxy: '<sip:10.1.1.1:5060;transport=tcp>',
    reg_route: '<sip:10.1.1.1:5060;transport=tcp>',
  })
  expect(auth).toEqual({
    username: 'mia',
    userid: 'mia-2',
    realm: account.realm,
    domain: 'lanline.local',
    algorithm: 'SHA-256',
    ha1: account.ha1Sha256,
  })
  expect(sip).toMatchObject({ media_encryption: 'dtls', media_encryption_mandatory: '1' })
})

test('without a file of our authority nothing is said about certificates, so no check is ever turned off', () => {
  const text = linphoneConfig(account)
  expect(text).not.toMatch(/root_ca|verify|subject_regexp|transport=tls/)
})

test('with one, TLS is used, and only a certificate of ours with our name will do', () => {
  const { proxy_0: proxy, sip } = read(linphoneConfig({ ...account, rootCa: '/home/mia/lanline.pem' }))
  expect(proxy).toMatchObject({
    reg_proxy: '<sip:10.1.1.1:5061;transport=tls>',
    reg_route: '<sip:10.1.1.1:5061;transport=tls>',
  })
  expect(sip).toMatchObject({ root_ca: '/home/mia/lanline.pem', verify_server_certs: '1' })
  const names = new RegExp(sip!.tls_certificate_subject_regexp!)
  expect(
    ['lanline.local', 'lanlineXlocal', 'lanline.local.evil.example'].map(name => names.test(name)),
  ).toEqual([...[true, false, false]])
})

test('an IPv6 address stands in brackets; without any address there is the name', () => {
  const proxyOf = (address: string | undefined) =>
    read(linphoneConfig({ ...account, address })).proxy_0!.reg_proxy
  expect(proxyOf('fd00::1')).toBe('<sip:[fd00::1]:5060;transport=tcp>')
  expect(proxyOf(undefined)).toBe('<sip:lanline.local:5060;transport=tcp>')
})

test('quotes and backslashes of a name are escaped as SIP wants it, then as XML does', () => {
  const text = linphoneConfig({ ...account, displayName: 'A "B\\" <&>' })
  expect(read(text).proxy_0!.reg_identity).toBe('"A \\"B\\\\\\" <&>" <sip:mia@lanline.local>')
  expect(text).toContain('&#34;A \\&#34;B\\\\\\&#34; &#60;&#38;&#62;&#34; &#60;sip:')
})

test('whatever somebody is called and wherever the file lies, it is XML that says just that, a line an entry', () => {
  const anything = fc.string({ unit: 'binary', maxLength: 80 })
  const hostile = fc.constantFrom(
    ']]>',
    '</entry>',
    '<!--',
    '\u0000',
    '\ud800',
    '\ufffe',
    '\r\n[sip]\nx=1',
    '&amp;',
  )
  const text = fc.array(fc.oneof(anything, hostile)).map(parts => parts.join(''))
  fc.assert(
    fc.property(text, text, (displayName, rootCa) => {
      const config = linphoneConfig({ ...account, displayName, rootCa })
      // XML 1.0 §2.2: no other characters; and each stays in its element.
      expect(config).toMatch(/^[\n\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]*$/u)
      const { proxy_0: proxy, sip } = read(config)
      expect(proxy!.reg_identity).toMatch(/^"([^"\\]|\\["\\])*" <sip:mia@lanline\.local>$/u)
      expect(unquoted(proxy!.reg_identity!)).toBe(plain(displayName))
      expect(sip!.root_ca).toBe(plain(rootCa))
    }),
    { numRuns: runs },
  )
})

/** What may be kept of a text in one line of XML. */
const plain = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[\ufffe\uffff]/g, '\ufffd')

const unquoted = (identity: string): string =>
  identity.slice(1, identity.lastIndexOf('" <')).replace(/\\(.)/gsu, '$1')

/** Reads the document strictly: nothing but sections of entries, and character references in them. */
function read(text: string): Record<string, Record<string, string>> {
  const whole =
    /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<config xmlns="http:\/\/www\.linphone\.org\/xsds\/lpconfig\.xsd">\n(( {2}<section name="\w+">\n( {4}<entry name="\w+" overwrite="true">[^<>\n]*<\/entry>\n)+ {2}<\/section>\n)+)<\/config>\n$/
  const body = whole.exec(text)?.[1]
  if (body === undefined) throw new Error(`no such document:\n${text}`)
  return Object.fromEntries(
    [...body.matchAll(/<section name="(\w+)">(.*?)<\/section>/gsu)].map(([, section, entries]) => [
      section!,
      Object.fromEntries(
        [...entries!.matchAll(/<entry name="(\w+)" overwrite="true">(.*?)<\/entry>/gsu)].map(
          ([, name, value]) => [name!, unescaped(value!)],
        ),
      ),
    ]),
  )
}

function unescaped(value: string): string {
  if (/&(?!#\d+;)/.test(value)) throw new Error(`an ampersand that refers to nothing: ${value}`)
  return value.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
}
