/** Every message of `lanline.v1`, said by everybody: before hello, by a guest, a member, the owner, and a stranger to the call. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import type { Epoch, Monotonic } from '../../src/core/clock.ts'
import { noQuiet } from '../../src/core/quiet-hours.ts'
import { clientMessages } from '../../src/signalling/codec.ts'
import { SignallingMachine } from '../../src/signalling/machine.ts'
import type { ClientMessage, ServerMessage, SignallingEffect } from '../../src/signalling/message.ts'

const roles = { olivia: 'owner', mia: 'member', mallory: 'member', gast: 'guest' } as const
type User = keyof typeof roles

const call = 'c'.repeat(32)
const sdp = 'v=0\r\n'
const report = {
  ...{ atMilliseconds: 1, iceConnection: '', iceGathering: '', connection: '', dtls: '' },
  ...{ localFingerprint: '', remoteFingerprint: '', streams: [], pair: null },
}

/** One of each type, about Olivia's call to Mia where it is about a call. */
const said: { readonly [Type in ClientMessage['type']]: Extract<ClientMessage, { type: Type }> } = {
  hello: { type: 'hello', token: 'a wrong one', client: '', tab: 'tab', resume: [] },
  ping: { type: 'ping', id: 1 },
  doNotDisturb: { type: 'doNotDisturb', on: true },
  quietHours: { type: 'quietHours', hours: null },
  missedSeen: { type: 'missedSeen' },
  answerRequest: { type: 'answerRequest', id: 'r1', allow: true },
  call: { type: 'call', ref: 'r', to: 'mia', sdp, video: false },
  ringing: { type: 'ringing', call },
  answer: { type: 'answer', call, sdp },
  decline: { type: 'decline', call, reason: 'declined' },
  candidate: { type: 'candidate', call, candidate: { candidate: '' } },
  offer: { type: 'offer', call, sdp },
  refer: { type: 'refer', call, to: 'mia' },
  bye: { type: 'bye', call, reason: 'hangup' },
  report: { type: 'report', call, report },
  noPath: { type: 'noPath', call },
  mediaProblem: { type: 'mediaProblem', call, problem: 'noMicrophone' },
  relayReady: { type: 'relayReady', call },
}

/** What may come of it: an error's code, or what it makes the daemon do in the name of the one who says it. */
type Outcome = string
interface Expected {
  readonly stranger: Outcome
  readonly guest: Outcome
  readonly member: Outcome
  readonly owner: Outcome
}
const everybody = (outcome: Outcome): Omit<Expected, 'stranger'> => ({
  ...{ guest: outcome, member: outcome, owner: outcome },
})
/** Nobody here is a party: the call is Olivia's tablet's and Mia's. */
const notTheirs: Expected = { stranger: 'notReady', ...everybody('noSuchCall') }

const expected: { readonly [Type in ClientMessage['type']]: Expected } = {
  hello: { stranger: 'badToken', ...everybody('wrongState') },
  ping: { stranger: 'notReady', ...everybody('pong') },
  doNotDisturb: { stranger: 'notReady', ...everybody('saveDoNotDisturb of self') },
  quietHours: { stranger: 'notReady', ...everybody('saveQuietHours of self') },
  missedSeen: { stranger: 'notReady', ...everybody('missedSeen of self') },
  answerRequest: { stranger: 'notReady', guest: 'wrongState', member: 'wrongState', owner: 'answerRequest' },
  call: { stranger: 'notReady', ...everybody('invite by self') },
  ringing: notTheirs,
  answer: notTheirs,
  decline: notTheirs,
  candidate: notTheirs,
  offer: notTheirs,
  refer: notTheirs,
  bye: notTheirs,
  report: notTheirs,
  noPath: notTheirs,
  mediaProblem: { stranger: 'notReady', ...everybody('mediaProblem of self, of no call') },
  relayReady: notTheirs,
}

const row = {
  ...{ id: call, callerUser: 'olivia', callerName: 'Olivia', callerDevice: 'olivia-tablet' },
  ...{ calleeUser: 'mia', calleeName: 'Mia', calleeDevice: 'mia-page', video: false, missed: false },
  ...{ startedAt: 1 as Epoch, aliveAt: 1 as Epoch, missedSeen: false },
} as CallRow

class Channel {
  readonly #machine: SignallingMachine

  constructor() {
    const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
    const known = new Map(
      Object.keys(roles).map(user => [
        hash(`${user}'s token`),
        { device: `${user}-page`, user, displayName: user },
      ]),
    )
    const people = Object.entries(roles).map(([user, role]) => ({
      ...{
        user,
        displayName: user,
        number: user,
        doNotDisturb: false,
        role,
        seenByGuests: false,
        alsoRings: [],
        doorKeys: '',
      },
    }))
    this.#machine = new SignallingMachine({
      devices: {
        byTokenHash: hashed => known.get(hashed),
        people: () => people,
        person: user => people.find(person => person.user === user),
        ...{ place: () => 'Home', staySeconds: () => null, joinAsks: () => [] },
        ...{ quiet: () => noQuiet, untilHoursTurn: () => undefined },
      },
      callLog: {
        find: id => (id === call ? row : undefined),
        open: () => [row],
        openOf: () => [row],
        missed: () => [],
      },
      version: '1',
    })
  }

  /** A connection of that person, or of one who has not said who they are. */
  open(connection: string, user?: User): readonly SignallingEffect[] {
    const [remote, local] = [
      { address: '10.0.0.9', port: 1 },
      { address: '10.0.0.1', port: 443 },
    ]
    this.#machine.handle({ kind: 'opened', connection, remote, local }, 0 as Monotonic)
    return user === undefined ? [] : this.say(connection, hello(user))
  }

  say(connection: string, message: ClientMessage): readonly SignallingEffect[] {
    return this.#machine.handle({ kind: 'frame', connection, text: JSON.stringify(message) }, 0 as Monotonic)
  }
}

const hello = (
  user: User,
  resume: Extract<ClientMessage, { type: 'hello' }>['resume'] = [],
): ClientMessage => ({
  ...{ type: 'hello', token: `${user}'s token`, client: '', tab: 'tab', resume },
})

const toldIn = (effects: readonly SignallingEffect[]): ServerMessage[] =>
  effects.flatMap(effect => (effect.kind === 'sendFrame' ? [JSON.parse(effect.text)] : []))

/** One word for all that came of it. */
function outcomeOf(effects: readonly SignallingEffect[], user: string | undefined): Outcome {
  const self = (name: string | undefined): string => (name === user ? 'self' : `${name}`)
  for (const effect of effects) {
    if (effect.kind === 'answerRequest') return effect.kind
    if (effect.kind === 'saveDoNotDisturb' || effect.kind === 'saveQuietHours')
      return `${effect.kind} of ${self(effect.user)}`
    if (effect.kind === 'mediaProblem')
      return `mediaProblem of ${self(effect.user)}, of ${effect.call || 'no call'}`
    if (effect.kind === 'agent')
      return `${effect.command.kind} by ${effect.device === `${user}-page` ? 'self' : effect.device}`
    if (effect.kind === 'callFact')
      return `${effect.input.kind} of ${self('user' in effect.input ? effect.input.user : undefined)}`
    if (effect.kind === 'relayFact' || effect.kind === 'reported') return effect.kind
  }
  const [first] = toldIn(effects)
  return first?.type === 'error' ? first.code : (first?.type ?? 'nothing')
}

describe('every message of the channel', () => {
  it.each(
    Object.keys(clientMessages) as ClientMessage['type'][],
  )('%s does what its sender may, and no more', type => {
    const outcome = (user?: User): Outcome => {
      const channel = new Channel()
      channel.open('c', user)
      return outcomeOf(channel.say('c', said[type]), user)
    }
    const outcomes = {
      ...{
        stranger: outcome(),
        guest: outcome('gast'),
        member: outcome('mallory'),
        owner: outcome('olivia'),
      },
    }
    expect(outcomes).toEqual(expected[type])
  })

  it('about the call of others tells its sender nothing of them', () => {
    for (const type of Object.keys(clientMessages) as ClientMessage['type'][]) {
      const channel = new Channel()
      channel.open('c', 'mallory')
      const told = JSON.stringify(toldIn(channel.say('c', said[type])).filter(one => one.type !== 'roster'))
      expect(told, type).not.toMatch(/olivia/i)
    }
  })

  it('that claims the call of others at hello gets neither it nor word of it, and ends nothing', () => {
    for (const ended of [undefined, { by: 'self', reason: 'hangup', agoMilliseconds: 1 } as const]) {
      for (const user of ['mallory', 'gast'] as const) {
        const channel = new Channel()
        channel.open('c')
        const effects = channel.say('c', hello(user, [{ call, dialog: 'forged', ended }]))
        expect(toldIn(effects)[0]).toMatchObject({
          ...{ type: 'welcome', resumed: [{ call, state: 'ended', reason: 'lost' }] },
        })
        const acts = effects.filter(effect => effect.kind === 'callFact' || effect.kind === 'relayFact')
        expect(acts).toEqual([])
        const commands = effects.flatMap(effect => (effect.kind === 'agent' ? [effect.command.kind] : []))
        expect(commands).toEqual(['attach'])
      }
    }
  })

  it('whose type is an own word of JavaScript is no message', () => {
    for (const type of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '']) {
      const channel = new Channel()
      channel.open('c', 'mallory')
      expect(outcomeOf(channel.say('c', { type } as unknown as ClientMessage), 'mallory')).toBe('badMessage')
    }
  })
})
