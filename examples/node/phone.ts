/**
 * A phone without a face: finds the appliance, joins with an invitation, registers, and takes calls or places one. What
 * it says is a 1 kHz tone; what it hears is counted.
 *
 *   node_modules/.bin/node examples/node/phone.ts <invitation> [--call <user>] [--state <file>]
 *
 * The invitation is needed once: the credential is kept in the state file.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Call } from '../../client/call.ts'
import { enrol } from '../../client/enrol.ts'
import { discover, fetchAuthority, inviteToken, pinned } from '../../client/node.ts'
import { Phone } from '../../client/phone.ts'
import { toneMedia } from './tone.ts'

/** What is kept: who the appliance is, whom to trust about that, and this device's right. */
interface State {
  readonly appliance: string
  readonly authority: string
  readonly token: string
}

const { positionals, values } = parsed()
const say = (what: string, more: object = {}): void => console.log(JSON.stringify({ what, ...more }))

const found = existsSync(values.state) ? findAgain(values.state) : join(positionals[0])
const { origin, state } = await found.catch(error => {
  console.error(`phone: ${error instanceof Error ? error.message : error}`)
  process.exit(1)
})
const { openMedia, RTCPeerConnection } = await toneMedia(1_000)
const phone = new Phone({
  url: `${origin.replace(/^http/, 'ws')}/ws`,
  token: state.token,
  client: 'lanline example 1.0',
  openMedia,
  env: { ...pinned(state.authority), RTCPeerConnection },
})

phone.on('state', ({ state: line, reason }) => {
  say('line', { state: line, reason })
  if (line === 'stopped') process.exit(1)
})
phone.on('welcome', ({ user, name, place }) => {
  say('registered', { user, name, place })
  if (values.call !== undefined && phone.calls.length === 0) {
    watch(phone.call({ user: values.call, name: values.call }, { video: false }))
  }
})
phone.on('incoming', call => {
  say('incoming', { from: call.party.user })
  watch(call)
  call.answer({ video: false })
})
phone.start()
process.on('SIGINT', leave)
process.on('SIGTERM', leave)

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { call: { type: 'string' }, state: { type: 'string', default: 'lanline-phone.json' } },
    })
  } catch {
    console.error('usage: phone.ts [<invitation>] [--call <user>] [--state <file>]')
    process.exit(2)
  }
}

function watch(call: Call): void {
  let shown = ''
  call.on('facts', ({ pair }) => {
    const now = pair ? `${pair.localAddress} ${pair.remoteAddress}` : ''
    if (pair && now !== shown) say('path', { ...pair })
    shown = now
    say('media', { heardPackets: heardIn(call) })
  })
  call.on('changed', () => say('call', { state: call.state }))
  call.on('ended', ({ by, reason }) => say('ended', { by, reason, heardPackets: heardIn(call) }))
}

const heardIn = (call: Call): number =>
  (call.facts?.streams ?? [])
    .filter(stream => stream.direction === 'received')
    .reduce((sum, stream) => sum + stream.packets, 0)

/** Says goodbye: calls end, and the appliance knows at once that nobody is here. */
function leave(): void {
  phone.stop()
  setTimeout(() => process.exit(0), 200)
}

async function join(invitation: string | undefined): Promise<{ origin: string; state: State }> {
  if (invitation === undefined)
    throw new Error('give the invitation: the link that `lanline invite` prints, or the part behind the #')
  const [appliance] = await discover({ enough: 1 })
  if (appliance === undefined)
    throw new Error(
      'no appliance was found on this network: does lanline run there, and does mDNS get through?',
    )
  say('found', { ...appliance })
  const authority = await fetchAuthority(appliance)
  const joined = await enrol(pinned(authority).fetch, appliance.origin, {
    displayName: 'Example',
    deviceName: 'Node example',
    kind: 'app',
    invite: inviteToken(invitation),
  })
  if (joined.kind !== 'enrolled') {
    throw new Error(
      joined.kind === 'refused' ? `${joined.code}: ${joined.message}` : 'the owner has to allow it first',
    )
  }
  const state: State = { appliance: appliance.id, authority, token: joined.enrolment.token }
  // It is the device's password.
  writeFileSync(values.state, JSON.stringify(state), { mode: 0o600 })
  return { origin: appliance.origin, state }
}

/** Whatever answers under the same id still has to prove itself by the authority that is kept. */
async function findAgain(file: string): Promise<{ origin: string; state: State }> {
  const state = JSON.parse(readFileSync(file, 'utf8')) as State
  const found = await discover({ enough: 1 })
  const appliance =
    found.find(one => one.id === state.appliance) ??
    (await discover()).find(one => one.id === state.appliance)
  if (appliance === undefined) throw new Error('the appliance was not found on this network')
  return { origin: appliance.origin, state }
}
