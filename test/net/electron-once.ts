/** Runs inside a host of the LAN: what Electron's main process does, and what it makes of the certificates it meets. */
import { connect, type DetailedPeerCertificate } from 'node:tls'
import { openAppliance, vouches } from '../../examples/electron/appliance.ts'

const invitation = process.argv[2]
const { kept, origin } = await openAppliance(undefined, invitation)
const again = await openAppliance(kept, undefined)
const host = new URL(origin).hostname
const chain = await new Promise<string[]>((resolve, reject) => {
  const socket = connect({ host, port: 443, rejectUnauthorized: false }, () => {
    const pems: string[] = []
    let one: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
    for (
      ;
      one?.raw && pems.length < 5;
      one = one.issuerCertificate === one ? undefined : one.issuerCertificate
    ) {
      pems.push(`-----BEGIN CERTIFICATE-----\n${one.raw.toString('base64')}\n-----END CERTIFICATE-----\n`)
    }
    socket.destroy()
    resolve(pems)
  })
  socket.on('error', reject)
})
console.log(
  JSON.stringify({
    user: kept.enrolment.user,
    sameOrigin: again.origin === origin,
    right: vouches(kept.authority, host, chain),
    name: vouches(kept.authority, 'lanline.local', chain),
    otherHost: vouches(kept.authority, '10.77.0.99', chain),
    otherAuthority: vouches(chain[1]!, host, [chain[0]!].concat(chain[0]!)),
    expired: vouches(kept.authority, host, chain, new Date('2040-01-01')),
    nothing: vouches(kept.authority, host, []),
  }),
)
process.exit(0)
