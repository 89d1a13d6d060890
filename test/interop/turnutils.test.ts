/** Debian's coturn clients through a grant by hand: another implementation of TURN, by every transport and method. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RelayGrant, RelayState } from '../../src/admin/message.ts'
import { Daemon } from '../net/daemon.ts'
import { type Host, Lan, must } from '../net/lan.ts'
import { Owner } from '../net/owner.ts'
import { describeWith } from '../net/peers.ts'
import { until } from '../net/wait.ts'

const echoPort = 3_480

/** What `turnutils_uclient` is asked for besides. */
const transports: readonly (readonly [string, readonly string[]])[] = [
  ['UDP', []],
  ['TCP', ['-t']],
  ['TLS', ['-t', '-S']],
]
/** By family: the appliance and the client on one network, the peer on another. */
const addresses = {
  4: { appliance: '10.77.0.11', client: '10.77.0.12', peer: '10.78.0.13' },
  6: { appliance: 'fd77::11', client: 'fd77::12', peer: 'fd78::13' },
} as const
type Family = keyof typeof addresses

describeWith(
  ['namespaces', 'turnutils_uclient', 'turnutils_peer', 'turnutils_stunclient'],
  'coturn’s clients, through a grant made by hand',
  () => {
    let lan: Lan
    let daemon: Daemon
    let client: Host
    let owner: Owner

    beforeAll(async () => {
      const names = { 'lanline.local': 'pi' }
      lan = await Lan.create({ hosts: ['pi', 'client', 'peer'], names, ipv6: true })
      client = lan.host('client')
      await lan.join('pi', 'eth0.20', 'vlan20')
      await lan.move('peer', 'vlan20')
      const add = (host: string, address: string, networkInterface: string) =>
        must(lan.host(host).exec('ip', ['addr', 'add', `${address}/64`, 'dev', networkInterface, 'nodad']))
      await add('pi', 'fd78::11', 'eth0.20')
      await add('peer', addresses[6].peer, 'eth0')
      daemon = new Daemon(lan.host('pi'))
      await daemon.start()
      const listening = async (): Promise<number> =>
        (await must(lan.host('peer').exec('ss', ['-Hnlu']))).stdout.split(`:${echoPort} `).length - 1
      for (const family of [4, 6] as const) {
        const options = ['-L', addresses[family].peer, '-p', String(echoPort)]
        lan.host('peer').spawn('turnutils_peer', options, { stdio: 'ignore' })
      }
      await until('the peers listen', async () => (await listening()) === 2)
      owner = await Owner.claim(daemon)
    }, 60_000)
    afterAll(() => lan?.remove())

    const credentials: string[] = []

    async function grant(family: Family): Promise<RelayGrant> {
      const granted = await granting(family)
      credentials.push(granted.credential)
      return granted
    }

    /** By the API for IPv4, by the command line for IPv6. */
    async function granting(family: Family): Promise<RelayGrant> {
      const { peer, client: from } = addresses[family]
      const wish = ['--peer', peer, '--for', from, '--seconds', '60', '--json']
      if (family === 6)
        return JSON.parse((await daemon.cli(['relay', 'grant', ...wish])).stdout) as RelayGrant
      const answer = await owner.request('POST', '/relay/grants', { peer, for: from, seconds: 60 })
      return JSON.parse(answer.body) as RelayGrant
    }

    describe.concurrent.each(transports)('over %s', (transport, transportOptions) => {
      it.each([
        ['channels and one allocation', 4, ['-c'], 1],
        ['channels, an even port and, reserved, the next', 4, [], 2],
        ['channels and one allocation of IPv6', 6, ['-c', '-x'], 1],
        ['Send and one allocation', 4, ['-s', '-c'], 1],
        ['Send, an even port and, reserved, the next', 4, ['-s'], 2],
      ] as const)('with %s lose nothing', async (_what, family, options, allocations) => {
        const { call, username, credential } = await grant(family)
        const { appliance, peer } = addresses[family]
        // By TLS slower: see below.
        const [each, interval] = transport === 'TLS' ? [25, 70] : [60, 25]
        const packets = each * allocations
        const load = ['-n', `${each}`, '-m', '1', '-l', '172', '-z', `${interval}`]
        const where = ['-u', username, '-w', credential, '-e', peer, '-r', String(echoPort), appliance]
        const all = [...transportOptions, ...options, ...load, ...where]
        const { stdout, stderr } = await client.exec('turnutils_uclient', all)
        const said = stdout + stderr
        const [, sent, received] = /start_mclient: tot_send_msgs=(\d+), tot_recv_msgs=(\d+)/.exec(said) ?? []
        expect(Number(sent), said).toBe(packets)
        // uclient takes one message out of each TLS record, and one record each time its socket turns readable: of those
        // that come together on a busy machine it loses some. Whether lanline lost any the ledger says.
        expect(Number(received), said).toBeGreaterThanOrEqual(transport === 'TLS' ? packets * 0.9 : packets)
        // It is told once a second.
        const ledger = await until('all of it is in the ledger', async () => {
          const { grants } = JSON.parse((await owner.request('GET', '/relay')).body) as RelayState
          const found = grants.find(grant => grant.call === call)?.ledger.caller
          return found?.sentPackets === packets && found.receivedPackets === packets ? found : undefined
        })
        expect(ledger).toMatchObject({ refusals: 0, droppedPackets: 0 })
      })
    })

    it('no credential of a grant is in what the appliance keeps, logs or shows', async () => {
      const files = readdirSync(daemon.dataDirectory, { recursive: true, encoding: 'utf8' })
        .map(name => join(daemon.dataDirectory, name))
        .filter(file => statSync(file).isFile())
      const shown = await owner.request('GET', '/relay')
      const texts = [...files.map(file => readFileSync(file, 'latin1')), daemon.output, shown.body]
      expect(credentials.length).toBeGreaterThan(0)
      expect(credentials.filter(one => texts.some(text => text.includes(one)))).toEqual([])
    })

    it.each([4, 6] as const)('turnutils_stunclient agrees on its address, IPv%s', async family => {
      const { appliance, client: own } = addresses[family]
      const { stdout, stderr } = await client.exec('turnutils_stunclient', ['-p', '3478', appliance])
      expect(stdout + stderr).toContain(`UDP reflexive addr: ${own}:`)
    })
  },
)
