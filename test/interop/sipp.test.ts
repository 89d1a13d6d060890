/** SIPp as callers and callees: 1,000 authenticated calls through the proxy, over UDP and over TCP. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import { freePorts } from './free-ports.ts'
import { type LocalDaemon, startLocalDaemon } from './local-daemon.ts'
import { authentication, runSipp, sippInstalled, startCallee } from './sipp/sipp.ts'

const calls = 1_000
const callsPerSecond = 100
const password = 'secret'
const pairs = 20

const installed = sippInstalled()
if (!installed && process.env.CI === 'true') throw new Error('sipp is missing: apt-get install sip-tester')

describe.skipIf(!installed)(`SIPp${installed ? '' : ' (skipped: sipp is not installed)'}`, () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'lanline-sipp-'))
  const named = (role: string): string[] => Array.from({ length: pairs }, (_, index) => `${role}${index}`)
  const people = {
    udp: [named('caller-u'), named('callee-u')],
    tcp: [named('caller-t'), named('callee-t')],
  } as const
  let daemon: LocalDaemon

  beforeAll(async () => {
    const users = [...people.udp, ...people.tcp].flat().map(name => ({ name, password }))
    daemon = await startLocalDaemon({ directory, users })
  })

  afterAll(async () => {
    await daemon?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  it.each([
    'udp',
    'tcp',
  ] as const)(`${calls} authenticated calls over %s, none failed, each in the log`, async transport => {
    const [callers, callees] = people[transport]
    const [callerPort, calleePort] = (await freePorts(2)) as [number, number]
    const common = { transport, server: { address: '127.0.0.1', port: daemon.ports.sip }, directory }
    for (const [users, localPort] of [
      [callers, callerPort],
      [callees, calleePort],
    ] as const) {
      const fields = users.map(user => `${user};${authentication(user, password)};${localPort}`)
      const registered = await runSipp({
        ...common,
        scenario: 'register',
        localPort,
        fields,
        count: pairs,
        perSecond: pairs,
      })
      expect(registered).toMatchObject({ successful: pairs, failed: 0 })
    }
    const stop = await startCallee({ transport, localPort: calleePort, directory })
    const result = await runSipp({
      ...common,
      scenario: 'caller',
      localPort: callerPort,
      fields: callers.map((user, at) => `${user};${authentication(user, password)};${callees[at]}`),
      count: calls,
      perSecond: callsPerSecond,
    }).finally(stop)
    expect(result).toMatchObject({ successful: calls, failed: 0, errors: '' })

    const rows = (await loggedCalls()).filter(row => callers.includes(row.callerUser))
    expect(rows).toHaveLength(calls)
    expect(rows.filter(row => row.answeredAt && row.endedAt && row.endedBy === 'caller')).toHaveLength(calls)
  })

  /** The log is written behind the signalling: a last batch may still be on its way to the disk. */
  async function loggedCalls(): Promise<readonly CallRow[]> {
    const parsed = JSON.parse(daemon.cli('call', 'list', '--json', '--limit', '5000')) as
      | readonly CallRow[]
      | { calls: readonly CallRow[] }
    return 'calls' in parsed ? parsed.calls : parsed
  }
})
