/** The root certificate in the forms in which systems take it. */
import { createHash } from 'node:crypto'
import { fingerprintOf, pemOf } from './reading.ts'

export interface Download {
  readonly contentType: string
  readonly fileName: string
  readonly body: Uint8Array<ArrayBuffer>
}

/** For Android, Windows, Linux, macOS: the certificate itself, DER. */
export const crtDownload = (root: Uint8Array): Download => ({
  contentType: 'application/x-x509-ca-cert',
  fileName: 'lanline.crt',
  body: new Uint8Array(root),
})

/**
 * For SIP phones that take a file of authorities: PEM, the intermediate before the root. mbedTLS (Linphone's) skips the
 * root, whose critical name constraints it cannot read, and trusts the intermediate; OpenSSL wants the root.
 */
export const pemDownload = (root: Uint8Array, intermediate: Uint8Array): Download => ({
  contentType: 'application/x-pem-file',
  fileName: 'lanline.pem',
  body: new TextEncoder().encode(pemOf(intermediate, 'CERTIFICATE') + pemOf(root, 'CERTIFICATE')),
})

/**
 * For iPhone, iPad and Mac: a configuration profile with the one certificate. Its identifiers follow from the
 * certificate, so that installing it twice replaces it.
 */
export function mobileconfigDownload(root: Uint8Array, place: string): Download {
  const title = place === '' ? 'lanline' : `lanline – ${place}`
  const mark = fingerprintOf(root).replaceAll(':', '').slice(0, 12).toLowerCase()
  const data = Buffer.from(root).toString('base64')
  const body = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>PayloadContent</key>
  <array>
    <dict>
      <key>PayloadCertificateFileName</key><string>lanline.crt</string>
      <key>PayloadContent</key><data>${data}</data>
      <key>PayloadDescription</key><string>Lets this device reach lanline without a warning. Valid for names and addresses of local networks only.</string>
      <key>PayloadDisplayName</key><string>${escapeXml(title)}</string>
      <key>PayloadIdentifier</key><string>lanline.${mark}.root</string>
      <key>PayloadType</key><string>com.apple.security.root</string>
      <key>PayloadUUID</key><string>${uuidFrom(root, 'certificate')}</string>
      <key>PayloadVersion</key><integer>1</integer>
    </dict>
  </array>
  <key>PayloadDisplayName</key><string>${escapeXml(title)}</string>
  <key>PayloadIdentifier</key><string>lanline.${mark}</string>
  <key>PayloadType</key><string>Configuration</string>
  <key>PayloadUUID</key><string>${uuidFrom(root, 'profile')}</string>
  <key>PayloadVersion</key><integer>1</integer>
</dict>
</plist>
`
  return {
    contentType: 'application/x-apple-aspen-config',
    fileName: 'lanline.mobileconfig',
    body: new TextEncoder().encode(body),
  }
}

/** RFC 9562 §5.8: version 8, the bits from a hash. */
function uuidFrom(root: Uint8Array, purpose: string): string {
  const bytes = createHash('sha256').update(purpose).update(root).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x80
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    .toUpperCase()
}

const escapeXml = (text: string): string =>
  text.replace(/[<>&"']/g, character => `&#${character.charCodeAt(0)};`)
