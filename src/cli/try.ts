/**
 * Proof without a browser: two clients enrol, register and call each other through the exchange, and what each end saw
 * is printed. Both run in this process, so it proves the signalling and that media goes around the exchange, not that
 * a network lets it: that is why it says "same machine".
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Call } from '../../client/call.ts'
import type { MediaFacts } from '../../client/report.ts'
import type { Enrolment, Health } from '../admin/message.ts'
import type { CallRow, SelectedPair } from '../calls/message.ts'
import type { Config } from '../config.ts'
import { silent } from '../core/log.ts'
import { ownAddresses } from '../runtime/interfaces.ts'
import type { SignedTrace } from '../trace/document.ts'
import { ladderOf, ladderText } from '../trace/ladder.ts'
import type { Verdict } from '../trace/message.ts'
import { api, NotRunning } from './api.ts'
import { pair } from './call.ts'
import { type Command, CommandError, type Invocation, UsageError } from './command.ts'
import { exportTrace, fetchTrace, verdictLines } from './trace.ts'
import type { Party } from './try-party.ts'
import { ownVersion } from './version.ts'

/** Both ends are to count together for a while. */
const talkMilliseconds = 4_000
/** How long a step may take by default: both clients and the exchange may share one slow board that has compiled nothing yet. */
const patienceSeconds = 30

export const tryOut: Command = {
  name: 'try',
  usage: '[--patience SECONDS]',
  about: 'two clients in this process call each other through the exchange: proof without a browser',
  options: { patience: { type: 'string' } },
  help: [
    [
      '--patience',
      `how long to wait for each step, ${patienceSeconds} seconds if not given; more on a slow machine`,
    ],
  ],
  run: async call => {
    const steps = stepsOf(call)
    const exchange = await runningOrOwn(call)
    try {
      const proof = await prove(exchange.config, steps)
      call.print(proof, () => tell(proof, exchange.own))
      if (proof.failed.length > 0) throw new CommandError(`not as it should be: ${proof.failed.join('; ')}`)
    } finally {
      await exchange.close()
      // werift keeps timers of connections that were closed.
      setTimeout(() => process.exit(), 300).unref()
    }
  },
}

/** Says what it is waiting for, and for how long at most. */
interface Steps {
  say(what: string): void
  /** Rejects with `otherwise` when `work` takes longer than a step may. */
  within<Value>(work: Promise<Value>, otherwise: string): Promise<Value>
}

function stepsOf({ options }: Invocation): Steps {
  const seconds = Number(options.patience ?? patienceSeconds)
  if (!(seconds > 0 && seconds <= 3_600))
    throw new UsageError('--patience is seconds a step may take, 1 to 3600')
  return {
    say: what => void (options.json || process.stderr.write(`${what} …\n`)),
    within: (work, otherwise) =>
      new Promise((resolve, reject) => {
        const late = (): void => reject(new CommandError(`${otherwise} within ${seconds} s`))
        const timer = setTimeout(late, seconds * 1_000)
        work.then(resolve, reject).finally(() => clearTimeout(timer))
      }),
  }
}

interface Exchange {
  readonly config: Config
  readonly own: boolean
  close(): Promise<void>
}

/** The running daemon, or one of our own on a data directory that is removed afterwards. */
async function runningOrOwn(call: Invocation): Promise<Exchange> {
  try {
    await api(call.config, 'GET', '/health')
    return { config: call.config, own: false, close: async () => {} }
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error
  }
  const dir = mkdtempSync(join(tmpdir(), 'lanline-try-'))
  const anyFree = (key: string) => ({ key, explicit: 0, fallback: 0 })
  const config: Config = {
    ...call.config,
    data: { dir },
    http: { port: anyFree('http.port'), tlsPort: anyFree('http.tls_port'), origins: [] },
    sip: { port: anyFree('sip.port'), tlsPort: anyFree('sip.tls_port') },
  }
  const { Daemon } = await import('../daemon.ts')
  const daemon = await Daemon.start({ config, environment: {}, log: silent, version: ownVersion() })
  const close = async (): Promise<void> => {
    await daemon.stop()
    rmSync(dir, { recursive: true, force: true })
  }
  return { config, own: true, close }
}

interface Proof {
  readonly where: 'same machine'
  readonly call: string
  readonly ladder: readonly string[]
  readonly callerPair: SelectedPair | null
  readonly calleePair: SelectedPair | null
  readonly bytesToCallee: number
  readonly bytesToCaller: number
  readonly bytesDaemonCarried: number
  readonly verdict: Verdict
  /** The file with its trace, as a page. */
  readonly trace: string
  readonly seconds: number
  /** What is not as it should be; empty when all is well. */
  readonly failed: readonly string[]
}

async function prove(config: Config, steps: Steps): Promise<Proof> {
  const begin = performance.now()
  const mark = randomBytes(3).toString('hex')
  const people = ['alice', 'bob'].map(label => ({ label, user: `try-${label}-${mark}` }))
  const parties: Party[] = []
  const added: string[] = []
  try {
    steps.say('alice and bob register')
    for (const { label, user } of people) {
      await api(config, 'POST', '/users', { name: user, displayName: label })
      added.push(user)
      parties.push(await register(config, steps, user, label))
    }
    const [alice, bob] = parties as [Party, Party]
    const seen = await talk(steps, alice, bob, people[1]!.user)
    steps.say('asking lanline for the call, and for its verdict')
    const row = await steps.within(
      closedRow(config, seen.call),
      'the call log does not know the end of the call',
    )
    const trace = await wholeTrace(config, seen.call)
    const page = await keepPage(config, seen.call)
    const seconds = (performance.now() - begin) / 1_000
    return {
      ...judge(seen, row, trace.verdict),
      ...{ ladder: ladderText(ladderOf(trace.events)), trace: page },
      seconds: Math.round(seconds * 100) / 100,
    }
  } finally {
    for (const party of parties) party.close()
    for (const user of added) await api(config, 'DELETE', `/users/${user}`)
  }
}

/** The two tell their last counts a quarter of a second after the end; with these nothing has to be estimated. */
async function wholeTrace(config: Config, call: string): Promise<SignedTrace> {
  for (let looks = 1; ; looks++) {
    const trace = await fetchTrace(config, call)
    const told = new Set(
      trace.events.map(event => (event.kind === 'quality' && event.final === true ? event.source : '')),
    )
    if ((told.has('caller') && told.has('callee')) || looks === 20) return trace
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

/** To be opened and looked at; it outlasts a lanline that was started for this alone. */
async function keepPage(config: Config, call: string): Promise<string> {
  const file = join(tmpdir(), `lanline-trace-${call}.html`)
  await exportTrace(config, call, 'html', file)
  return file
}

async function register(config: Config, steps: Steps, user: string, label: string): Promise<Party> {
  const wish = { displayName: label, deviceName: 'lanline try', kind: 'app', user }
  const enrolment = await api<Enrolment>(config, 'POST', '/devices', wish)
  const { Party } = await import('./try-party.ts')
  const party = await Party.make({
    label,
    url: await channelUrl(config),
    token: enrolment.token,
    client: `lanline try ${ownVersion()}`,
    mediaAddress: mediaAddress(config),
  })
  const welcome = party.phone.next('welcome')
  party.phone.start()
  await steps.within(welcome, `${label} could not register`)
  return party
}

interface Seen {
  readonly call: string
  readonly caller: MediaFacts
  readonly callee: MediaFacts
  readonly bytesToCaller: number
  readonly bytesToCallee: number
}

async function talk(steps: Steps, alice: Party, bob: Party, callee: string): Promise<Seen> {
  steps.say('alice calls bob')
  const ringing = bob.phone.next('incoming')
  const out = alice.phone.call({ user: callee, name: 'bob' }, { video: false })
  const incoming = await steps.within(Promise.race([ringing, failure(out)]), "bob's phone did not ring")
  void incoming.answer({ video: false })
  const both = Promise.all([connected(out), connected(incoming)])
  await steps.within(Promise.race([both, failure(out), failure(incoming)]), 'no media path')
  steps.say(`they talk for ${talkMilliseconds / 1_000} s`)
  await new Promise(resolve => setTimeout(resolve, talkMilliseconds))
  if (!out.facts || !incoming.facts || !out.id)
    throw new CommandError('the two ends know nothing of their call')
  const seen = {
    call: out.id,
    caller: out.facts,
    callee: incoming.facts,
    bytesToCaller: alice.receivedBytes,
    bytesToCallee: bob.receivedBytes,
  }
  const ended = incoming.next('ended')
  out.hangUp()
  await steps.within(ended, 'hanging up did not reach bob')
  return seen
}

const failure = (call: Call): Promise<never> =>
  call
    .next('ended')
    .then(end => Promise.reject(new CommandError(`the call ended: ${end.reason} by ${end.by}`)))

async function connected(call: Call): Promise<void> {
  if (call.state !== 'connected') await call.next('changed', one => one.state === 'connected')
}

/** Reports and the end may still be on their way to the log. */
async function closedRow(config: Config, id: string): Promise<CallRow> {
  for (;;) {
    const row = await api<CallRow>(config, 'GET', `/calls/${id}`).catch(() => undefined)
    if (row?.endedAt != null) return row
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

function judge(seen: Seen, row: CallRow, verdict: Verdict): Omit<Proof, 'ladder' | 'trace' | 'seconds'> {
  const { caller, callee, call, bytesToCaller, bytesToCallee } = seen
  const direct = mirrors(caller.pair, callee.pair)
  const checks: readonly [boolean, string][] = [
    [direct, 'the two selected pairs are not each other’s mirror'],
    [caller.dtls === 'connected' && callee.dtls === 'connected', 'DTLS is not connected'],
    [
      caller.localFingerprint === callee.remoteFingerprint,
      "the callee applied another fingerprint than the caller's",
    ],
    [
      callee.localFingerprint === caller.remoteFingerprint,
      "the caller applied another fingerprint than the callee's",
    ],
    [bytesToCallee > 0, 'nothing reached the callee'],
    [bytesToCaller > 0, 'nothing reached the caller'],
    [row.reason === 'hangup' && row.endedBy === 'caller', 'the call log tells another end'],
    [row.callerPair != null && row.calleePair != null, 'the call log lacks a selected pair'],
    [verdict.path === 'direct', `the verdict is ${verdict.path}`],
  ]
  return {
    where: 'same machine',
    call,
    callerPair: caller.pair,
    calleePair: callee.pair,
    bytesToCallee,
    bytesToCaller,
    // Each end's packets go straight to the other's socket, so none of them can have been the exchange's.
    verdict,
    bytesDaemonCarried: direct ? 0 : bytesToCallee + bytesToCaller,
    failed: checks.filter(([good]) => !good).map(([, what]) => what),
  }
}

function mirrors(a: SelectedPair | null, b: SelectedPair | null): boolean {
  if (a === null || b === null) return false
  return (
    a.localAddress === b.remoteAddress &&
    a.localPort === b.remotePort &&
    b.localAddress === a.remoteAddress &&
    b.localPort === a.remotePort &&
    [a, b].every(one => one.localType !== 'relay' && one.remoteType !== 'relay')
  )
}

function tell(proof: Proof, own: boolean): string {
  return [
    `same machine: both clients run here${own ? ', and so does a lanline of their own for this try' : ''}`,
    ...proof.ladder,
    `caller  ${pair(proof.callerPair)}`,
    `callee  ${pair(proof.calleePair)}`,
    `bytes caller to callee ${proof.bytesToCallee}, callee to caller ${proof.bytesToCaller} (silence in Opus, 3 a packet)`,
    `bytes the daemon carried ${proof.bytesDaemonCarried}${proof.bytesDaemonCarried === 0 ? ': each end’s packets go to the other’s own socket' : ''}`,
    ...verdictLines(proof.verdict),
    `trace    ${proof.trace}${own ? '' : `; also: lanline trace export ${proof.call}`}`,
    `call ${proof.call} in ${proof.seconds} s: ${proof.failed.length === 0 ? 'all is well' : 'FAILED'}`,
  ].join('\n')
}

/** Where the daemon listens for pages of this computer: it says so among its parts. */
async function channelUrl(config: Config): Promise<string> {
  const health = await api<Health>(config, 'GET', '/health')
  const port = /\bHTTP (\d+)/.exec(health.parts.web?.detail ?? '')?.[1]
  if (port === undefined) throw new CommandError('the daemon does not say on which port its pages are')
  return `ws://127.0.0.1:${port}/ws`
}

function mediaAddress(config: Config): string {
  const own = ownAddresses(config.net.bind).filter(address => address.family === 4)
  const address = (own.find(one => !one.loopback) ?? own[0])?.address
  if (address === undefined) throw new CommandError('this machine has no IPv4 address')
  return address
}
