/** What this appliance has to say of itself on the network, from what it is and who is there. Pure. */
import type { Network } from './admin/message.ts'
import type { Publication, Service } from './mdns/message.ts'

export interface Presentable {
  readonly hostname: string
  readonly place: string
  readonly version: string
  /** The same over restarts and renamings. */
  readonly id: string
  readonly caFingerprint: string
  readonly ports: {
    readonly http: number
    readonly https: number
    readonly sip: number
    readonly sips: number
    readonly stun: number
  }
  /** Calls may be relayed at all. */
  readonly relays: boolean
  /** Those who can be called now; empty where names are not to be shown. */
  readonly people: readonly { readonly user: string; readonly name: string }[]
}

/** As many people as are told by name: more would fill every answer of a network. */
const peopleShown = 500

export function publicationOf(what: Presentable): Publication {
  const { hostname, ports } = what
  const instance = what.place === '' ? hostname : what.place
  const service = (
    key: string,
    name: string,
    protocol: string,
    port: number,
    txt: readonly string[],
  ): Service => ({
    ...{ key, type: [`_${name}`, `_${protocol}`], instance, port, txt },
  })
  const fingerprint = what.caFingerprint.replaceAll(':', '').toLowerCase()
  const all = [
    service('lanline', 'lanline', 'tcp', ports.https, [
      'txtvers=1',
      `version=${what.version}`,
      `id=${what.id}`,
      'ws=/ws',
      'sip=/sip',
      `ca=${fingerprint}`,
      `http=${ports.http}`,
    ]),
    service('https', 'https', 'tcp', ports.https, ['txtvers=1', 'path=/']),
    service('sip-udp', 'sip', 'udp', ports.sip, ['txtvers=1']),
    service('sip-tcp', 'sip', 'tcp', ports.sip, ['txtvers=1']),
    service('sips', 'sips', 'tcp', ports.sips, ['txtvers=1']),
    service('stun', 'stun', 'udp', ports.stun, ['txtvers=1']),
    // RFC 5928 §3's service names; who may use it is not for the network to know.
    service('turn', 'turn', 'udp', what.relays ? ports.stun : 0, ['txtvers=1']),
  ].filter(({ port }) => port > 0)
  if (ports.sip === 0) return { hostname, services: all }
  const people = what.people.slice(0, peopleShown).map(({ user, name }): Service => {
    // baresip, like draft-lee-sip-dns-sd-uri, reads the instance's name as the address.
    const uri = `sip:${user}@${hostname}.local`
    const txt = ['txtvers=1', `name=${name}`, `uri=${uri}`]
    return { key: `person ${user}`, type: ['_sipuri', '_udp'], instance: uri, port: ports.sip, txt }
  })
  return { hostname, services: [...all, ...people] }
}

/** How that goes, for people. `state` is the advertiser's, undefined where there is none; `hostname` is ours by now. */
export function discoveryStateOf(
  state:
    | {
        readonly way: 'builtin' | 'avahi'
        readonly hostname: string | undefined
        readonly probing: boolean
        readonly trouble: string | undefined
      }
    | undefined,
  hostname: string,
): Network['discovery'] {
  if (state === undefined) return { mode: 'off', state: 'off', detail: 'turned off by mdns.mode' }
  const { way: mode, probing, trouble } = state
  if (trouble !== undefined) return { mode, state: 'failed', detail: trouble }
  const name = `${state.hostname}.local${mode === 'avahi' ? ', by avahi-daemon' : ''}`
  if (!probing) return { mode, state: 'ready', detail: name }
  return { mode, state: state.hostname === hostname ? 'probing' : 'conflict', detail: `trying ${name}` }
}
