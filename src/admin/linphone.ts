/**
 * A SIP phone's account as Linphone's remote configuration: XML of sections and entries, each of which liblinphone puts
 * into its own configuration file (`http://www.linphone.org/xsds/lpconfig.xsd`). What it makes of them was read in its
 * source and seen with Debian's 5.1; see this room's README.
 */
export interface LinphoneAccount {
  /** The address's user part. */
  readonly user: string
  readonly displayName: string
  readonly digestUser: string
  readonly realm: string
  /** RFC 8760 §2.4: H(user ":" realm ":" password) by SHA-256, in hexadecimal. */
  readonly ha1Sha256: string
  /** The appliance's name, which its certificate has, and where it is reached: names may not resolve. */
  readonly hostName: string
  readonly address: string | undefined
  readonly port: number
  readonly tlsPort: number
  /** Where, on the device, our authority's file lies; undefined: there is none, so TLS could not be checked. */
  readonly rootCa: string | undefined
}

type Entries = Readonly<Record<string, string | number>>

/** How often a phone shows that it is still there. */
const registrationSeconds = 600

export function linphoneConfig(account: LinphoneAccount): string {
  const { user, hostName, realm, rootCa } = account
  const server = serverUri(account)
  return document({
    sip: {
      default_proxy: 0,
      // What pages and apps speak, and nothing less: RFC 5763.
      media_encryption: 'dtls',
      media_encryption_mandatory: 1,
      ...(rootCa === undefined ? {} : certificateChecks(rootCa, hostName)),
    },
    net: { nat_policy_ref: 'lanline' },
    // RFC 8445 between addresses of the LAN: there is no STUN server to ask.
    nat_policy_0: { ref: 'lanline', protocols: 'ice' },
    // RFC 5761, RFC 9143: with a picture in one bundle, Linphone 5.1 refused every check of a browser's as forged.
    rtp: { rtcp_mux: 1, bundle: 0 },
    proxy_0: {
      reg_identity: `${quoted(account.displayName)} <sip:${user}@${hostName}>`,
      reg_proxy: server,
      // Everything goes by way of the appliance, so that the name needs no resolving.
      reg_route: server,
      reg_sendregister: 1,
      reg_expires: registrationSeconds,
      realm,
      // RFC 4585: browsers ask for pictures anew by it.
      avpf: 1,
      publish: 0,
      quality_reporting_enabled: 0,
      // There is no way from here to a phone maker's push service.
      push_notification_allowed: 0,
      remote_push_notification_allowed: 0,
      nat_policy_ref: 'lanline',
    },
    auth_info_0: {
      username: user,
      userid: account.digestUser,
      realm,
      domain: hostName,
      algorithm: 'SHA-256',
      ha1: account.ha1Sha256,
    },
    // The address is good once: without this every start would ask it again.
    misc: { transient_provisioning: 1 },
  })
}

/**
 * Signed by our authority, and for our name. mbedTLS before 3.5 finds no address in a certificate, and the address is
 * what the phone connects to; so that check is left out, and the certificate's names are held against ours instead.
 * No public authority signs a `.local` name: should the file be missing, nothing is connected to rather than too much.
 */
const certificateChecks = (rootCa: string, hostName: string): Entries => ({
  root_ca: rootCa,
  verify_server_certs: 1,
  verify_server_cn: 0,
  tls_certificate_subject_regexp: `^${hostName.replace(/[.]/g, '\\.')}$`,
})

/** By address, as in our Record-Routes: names may not resolve, and one connection is to serve for everything. */
function serverUri({ hostName, address, port, tlsPort, rootCa }: LinphoneAccount): string {
  const host = address === undefined ? hostName : address.includes(':') ? `[${address}]` : address
  return rootCa === undefined
    ? `<sip:${host}:${port};transport=tcp>`
    : `<sip:${host}:${tlsPort};transport=tls>`
}

/** RFC 3261 §25.1, quoted-string; one line, since the phone keeps it as a line of a file. */
const quoted = (text: string): string => `"${oneLine(text).replace(/["\\]/g, '\\$&')}"`

const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')

function document(sections: Readonly<Record<string, Entries>>): string {
  const lines = Object.entries(sections).flatMap(([section, entries]) => [
    `  <section name="${section}">`,
    // What the phone had of its own under the name would otherwise stay.
    ...Object.entries(entries).map(
      ([name, value]) =>
        `    <entry name="${name}" overwrite="true">${escapeXml(oneLine(String(value)))}</entry>`,
    ),
    '  </section>',
  ])
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<config xmlns="http://www.linphone.org/xsds/lpconfig.xsd">',
    ...lines,
    '</config>',
    '',
  ].join('\n')
}

/** XML 1.0 §2.2, §2.4: what is no character of XML at all becomes U+FFFD. */
const escapeXml = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[<>&"']/g, character => `&#${character.charCodeAt(0)};`)
