/** The test call: a tone, and the camera's picture if there is one, to the built-in echo and back. */
import type { Call } from '../../../client/call.ts'
import { fixedMedia } from '../../../client/media.ts'
import type { Phone } from '../../../client/phone.ts'
import type { Person } from '../../../src/signalling/message.ts'
import type { EchoFacts } from './facts.ts'
import type { CheckSound } from './sound.ts'
import { poll, sleep } from './wait.ts'

/** The built-in person who sends everything back. */
export const echoUser = 'echo'

/** The appliance may have to start it first. */
const answerMilliseconds = 10_000
/** On a network that lets packets through it takes a tenth of that. */
const connectMilliseconds = 5_000
const talkMilliseconds = 4_000

const nothing = { sound: 'none', picture: 'notSent', pair: null, received: 0, lost: 0 } as const

export async function callEcho(
  phone: Phone | undefined,
  sound: CheckSound | undefined,
  camera: MediaStreamTrack | undefined,
  signal: AbortSignal,
): Promise<EchoFacts> {
  if (phone?.state !== 'online') return { outcome: 'noLine', ...nothing }
  const echo = phone.roster.find(({ user }) => user === echoUser)
  if (echo === undefined) return { outcome: 'noEcho', ...nothing }
  const facts = await testCall(phone, echo, sound, camera, signal)
  // With the appliance away nothing is known of the way.
  return phone.state !== 'online' && facts.sound === 'none' ? { outcome: 'noLine', ...nothing } : facts
}

async function testCall(
  phone: Phone,
  echo: Person,
  sound: CheckSound | undefined,
  camera: MediaStreamTrack | undefined,
  signal: AbortSignal,
): Promise<EchoFacts> {
  const openMedia = fixedMedia({ audio: sound?.tone(), video: camera })
  const call = phone.call(echo, { video: camera !== undefined, openMedia })
  try {
    const isAnswered = () =>
      ['connecting', 'connected', 'reconnecting', 'ended'].includes(call.state) || undefined
    await poll(answerMilliseconds, signal, isAnswered)
    if (call.state !== 'connecting' && call.state !== 'connected') {
      return { outcome: 'refused', ...nothing }
    }
    await poll(connectMilliseconds, signal, () => call.state !== 'connecting' || undefined)
    if (call.connectedAt === undefined) {
      const ice = call.peerConnection?.iceConnectionState
      return { outcome: ice === 'connected' || ice === 'completed' ? 'noKeys' : 'noPath', ...nothing }
    }
    return await talk(call, sound, camera !== undefined, signal)
  } finally {
    call.hangUp()
  }
}

async function talk(
  call: Call,
  sound: CheckSound | undefined,
  withCamera: boolean,
  signal: AbortSignal,
): Promise<EchoFacts> {
  const voice = call.remoteTracks.find(({ kind }) => kind === 'audio')
  const recognise = voice && sound?.recogniser(voice)
  let tones = 0
  let others = 0
  let quickest: number | undefined
  for (let waited = 0; waited < talkMilliseconds && call.state !== 'ended'; waited += 100) {
    await sleep(100, signal)
    const heard = recognise?.()
    if (heard === 'tone') tones++
    else if (heard === 'other') others++
    const rtt = call.facts?.pair?.rttMilliseconds
    if (rtt !== undefined) quickest = Math.min(rtt, quickest ?? rtt)
  }
  const pair = call.facts?.pair ?? null
  const streams = call.facts?.streams.filter(({ direction }) => direction === 'received') ?? []
  const received = streams.reduce((sum, { packets }) => sum + packets, 0)
  const voices = streams.some(({ kind, packets }) => kind === 'audio' && packets > 0)
  const frames = withCamera ? await framesDecoded(call) : 0
  return {
    outcome: 'connected',
    sound: tones >= 3 ? 'back' : others >= 3 ? 'other' : sound?.running || !voices ? 'none' : 'packets',
    picture: !withCamera ? 'notSent' : frames > 0 ? 'back' : 'none',
    // One answer may be late because this device or the appliance was busy; a slow way is slow each time.
    pair: pair && quickest !== undefined ? { ...pair, rttMilliseconds: quickest } : pair,
    received,
    lost: streams.reduce((sum, { lost }) => sum + lost, 0),
  }
}

async function framesDecoded(call: Call): Promise<number> {
  const stats = (await call.peerConnection?.getStats().catch(() => undefined)) as
    | ReadonlyMap<string, { readonly type: string; readonly kind?: string; readonly framesDecoded?: number }>
    | undefined
  const all = [...(stats?.values() ?? [])]
  return all.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video')?.framesDecoded ?? 0
}
