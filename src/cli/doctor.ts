/** Looks the appliance over: gathers facts from the daemon, the network and this machine, and prints what they mean. */

import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { discover } from '../../client/node.ts'
import type { CallList, Device, Health, Network, SetupState } from '../admin/message.ts'
import type { Config } from '../config.ts'
import { canonicalAddress } from '../core/endpoint.ts'
import { judge } from '../doctor/judge.ts'
import type { Facts, Finding, Told } from '../doctor/message.ts'
import { isBridged } from '../runtime/bridged.ts'
import { numberIn, readMachine } from '../runtime/machine.ts'
import { holdersOf } from '../runtime/ports.ts'
import { api, NotRunning } from './api.ts'
import { type Command, CommandError } from './command.ts'

/** As long as somebody in front of a terminal waits without asking himself what it does. */
const lookMilliseconds = 2_500
const connectMilliseconds = 2_000
const mdnsPort = 5353

export const doctor: Command = {
  name: 'doctor',
  usage: '',
  about: 'looks over name, ports, certificate, clock, disk and network, and says what to do',
  run: async call => {
    if (!call.options.json) process.stderr.write('looking …\n')
    const findings = judge(await gather(call.config))
    call.print({ findings }, () => findings.map(line).join('\n'))
    const bad = findings.filter(({ level }) => level === 'problem').length
    if (bad > 0)
      throw new CommandError(
        `${bad} ${bad === 1 ? 'problem' : 'problems'} found; what to do stands beside each`,
      )
  },
}

const marks = { ok: 'ok     ', warning: 'warning', problem: 'PROBLEM', unknown: '?      ' } as const

const line = ({ level, check, found, advice }: Finding): string =>
  `${marks[level]}  ${check}: ${found}${advice === undefined ? '' : `\n           ${advice}`}`

async function gather(config: Config): Promise<Facts> {
  const told = await ask(config)
  const { network } = told ?? {}
  const [seen, lookedUp, ports, certificate] = await Promise.all([
    told === undefined ? [] : discover({ timeoutMilliseconds: lookMilliseconds }),
    network && lookUp(`${network.hostname}.local`),
    network ? openPorts(network) : {},
    network && shownCertificate(network.ports.https),
  ])
  return {
    now: Date.now(),
    told,
    bridged: isBridged(config),
    seen,
    lookedUp,
    mdnsHolders: config.container ? undefined : othersOnMdns(config),
    ports,
    certificate,
    ...readMachine(config.data.dir),
  }
}

const othersOnMdns = (config: Config): string[] =>
  holdersOf(mdnsPort)
    .filter(({ pid }) => pid !== daemonPid(config))
    .map(({ name }) => name)

async function ask(config: Config): Promise<Told | undefined> {
  try {
    const [health, network, setup, devices, list] = await Promise.all([
      api<Health>(config, 'GET', '/health'),
      api<Network>(config, 'GET', '/network'),
      api<SetupState>(config, 'GET', '/setup'),
      api<Device[]>(config, 'GET', '/devices'),
      api<CallList>(config, 'GET', '/calls?limit=50'),
    ])
    return { health, network, caFingerprint: setup.caFingerprint, devices, calls: list.calls }
  } catch (error) {
    if (error instanceof NotRunning) return undefined
    throw error
  }
}

async function lookUp(name: string): Promise<string | undefined> {
  const late = new Promise<undefined>(resolve => setTimeout(resolve, lookMilliseconds, undefined).unref())
  const found = lookup(name, { family: 4 }).then(
    ({ address }) => address,
    () => undefined,
  )
  return Promise.race([found, late])
}

async function openPorts({ ports }: Network): Promise<Record<string, boolean>> {
  const results = await Promise.all(
    Object.entries(ports).map(async ([name, port]) => [name, await takesConnections(port)] as const),
  )
  return Object.fromEntries(results)
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port, timeout: connectMilliseconds })
    const finish = (open: boolean) => (): void => {
      socket.destroy()
      resolve(open)
    }
    socket.on('connect', finish(true)).on('error', finish(false)).on('timeout', finish(false))
  })
}

function shownCertificate(port: number): Promise<Facts['certificate']> {
  return new Promise(resolve => {
    // What it says is judged here; whether it is trusted is the phones' affair.
    const socket = connectTls({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      timeout: connectMilliseconds,
    })
    const finish = (certificate: Facts['certificate']): void => {
      socket.destroy()
      resolve(certificate)
    }
    socket.on('error', () => finish(undefined)).on('timeout', () => finish(undefined))
    socket.on('secureConnect', () => {
      const { subjectaltname = '', valid_from, valid_to } = socket.getPeerCertificate()
      const names = subjectaltname.split(', ').map(nameIn)
      finish({ names, notBefore: Date.parse(valid_from), notAfter: Date.parse(valid_to) })
    })
  })
}

/** `DNS:lanline.local`, `IP Address:FD77:0:0:0:0:0:0:11`. */
function nameIn(entry: string): string {
  const name = entry.replace(/^(DNS|IP Address):/, '').toLowerCase()
  return canonicalAddress(name) ?? name
}

function daemonPid(config: Config): number | undefined {
  return numberIn(`${config.data.dir}/lanline.pid`, 10)
}
