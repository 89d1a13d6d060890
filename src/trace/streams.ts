/**
 * What one party sent beside what the other received, stream by stream. Where both told their last counts, taken when
 * nothing was on its way any more, these are compared. While a call goes on the two count at different moments: a count
 * between two samples is not known, only that it lies between theirs. So there are three answers: within 2 % (holds),
 * outside of what any count between the samples could be (fails), and everything else (cannot be told).
 *
 * More than was sent is a lie whenever it is said. Less need not be one: what a receiver misses at an interruption it may
 * not count as lost (libwebrtc takes a gap of some dozens of sequence numbers for a stream begun anew).
 *
 * Of a picture Chromium counts at both ends what goes over the stream's RTX as well: packets sent again, and those by
 * which it probes the way. Firefox counts neither, so what its packets leave open its frames must tell. And a packet that
 * arrives when it is sent again is lost no more: it was sent twice and is received once.
 */
import type { PartyEvidence, StreamEvidence } from './evidence.ts'

export interface StreamComparison {
  readonly outcome: 'holds' | 'fails' | 'missing'
  readonly figures: string
}

/** Of what was sent; the design's bound. */
const tolerance = 0.02
/** How long a packet may be on its way, by a network that is slow to the point of being useless for calls. */
const transitMilliseconds = 250
/** Packets on their way at either end of the interval. */
const inFlight = 3
/** A stream of no more is none that its sender must have told of; so long may it take to do so. */
const strayPackets = 50
const knownMilliseconds = 2_500
/** Frames that are being put together or decoded. */
const framesOff = 2
/** A shorter interval says nothing. */
const leastMilliseconds = 1_500
/** RTP header with extensions, which some stacks count among the bytes and others do not (RFC 3550 §5.1, RFC 8285). */
const headerBytes = 60

/** In less than that one interruption cannot be told from counts that are wrong throughout. */
const windowMilliseconds = 4_000
/** Moments near the beginning from which is compared. */
const mostBegins = 8
/** How late a stack says that its way broke. */
const noticedMilliseconds = 6_000

/** Every stream that `sender` says it sent. */
export function compareStreams(sender: PartyEvidence, receiver: PartyEvidence): StreamComparison[] {
  const error = sender.clockErrorMilliseconds + receiver.clockErrorMilliseconds
  const disturbed = [...sender.disturbances, ...receiver.disturbances]
  const sent = sender.streams.filter(
    one => one.direction === 'sent' && (one.samples.at(-1)?.packets ?? 0) > 0,
  )
  const compared = sent.map((one): StreamComparison => {
    const other = receiver.streams.find(each => each.direction === 'received' && each.ssrc === one.ssrc)
    const name = `${one.media} ${hex(one.ssrc)}`
    if (other === undefined)
      return { outcome: 'missing', figures: `${name}: the other end does not name this stream` }
    if (fell(one) || fell(other)) return { outcome: 'missing', figures: `${name}: a counter began anew` }
    const during = compareDuring(name, one, other, error, disturbed)
    const whole = compareWhole(name, one, other)
    // The last counts need no clocks: where they agree nothing is missing, and nothing is too much.
    if (whole === undefined) return during
    return whole.outcome === 'missing' && during.outcome !== 'missing' ? during : whole
  })
  return [...compared, ...unsent(sender, receiver)]
}

/** Streams that one end receives and the other, which told later what it sends, does not know. */
function unsent(sender: PartyEvidence, receiver: PartyEvidence): StreamComparison[] {
  const own = sender.streams.filter(one => one.direction === 'sent')
  const told = Math.max(...own.map(({ samples }) => samples.at(-1)?.atMilliseconds ?? 0), 0)
  return receiver.streams.flatMap(({ direction, ssrc, media, samples }): StreamComparison[] => {
    const { packets = 0 } = samples.at(-1) ?? {}
    if (direction !== 'received' || packets <= strayPackets || own.length === 0) return []
    if (own.some(one => one.ssrc === ssrc) || samples[0]!.atMilliseconds + knownMilliseconds > told) return []
    const figures = `${media} ${hex(ssrc)}: received ${packets} packets of a stream that the other end does not send`
    return [{ outcome: 'fails', figures }]
  })
}

/** By the last counts of both; undefined where one of them did not tell them. */
function compareWhole(
  name: string,
  sent: StreamEvidence,
  received: StreamEvidence,
): StreamComparison | undefined {
  const [from, to] = [sent.samples.at(-1)!, received.samples.at(-1)!]
  if (from.final !== true || to.final !== true) return undefined
  const got = to.packets + to.lost
  const { repeats = 0 } = from
  // Of a handful of packets one is already more than 2 %.
  const most = Math.max(tolerance * from.packets, Math.min(inFlight, 0.06 * from.packets))
  const told = tellRepeats(got - from.packets, most, { sent: repeats, received: to.repeats ?? 0 })
  const figures = `${name}: sent ${from.packets}, received ${to.packets} + lost ${to.lost} in all (${percent(got, from.packets)})${told}`
  if (got - (to.repeats ?? 0) > from.packets + most) return { outcome: 'fails', figures }
  if (got < from.packets - repeats - most) {
    return isWithoutRepeats(received)
      ? byFrames(figures, from, to)
      : { outcome: 'missing', figures: `${figures}: not all is accounted for` }
  }
  const [least, largest] = [from.bytes * (to.packets / from.packets) * 0.9, from.bytes * 1.1]
  const header = headerBytes * to.packets
  return to.bytes >= least - header && to.bytes <= largest + header
    ? { outcome: 'holds', figures }
    : { outcome: 'fails', figures: `${figures}; sent ${from.bytes} bytes, received ${to.bytes}` }
}

/** Where more or less arrived than is let pass: what was sent again, which may account for it. */
function tellRepeats(
  difference: number,
  most: number,
  repeats: { readonly sent: number; readonly received: number },
): string {
  const count = Math.round(Math.abs(difference))
  if (difference > most && repeats.received > 0)
    return `: ${count} more, and ${repeats.received} were sent again or to probe the way`
  if (difference < -most && repeats.sent > 0)
    return `: ${count} fewer, and ${Math.round(repeats.sent)} were sent again`
  return ''
}

/** A picture whose receiver does not count what was sent again. */
const isWithoutRepeats = ({ media, samples }: StreamEvidence): boolean =>
  media === 'video' && samples.at(-1)?.repeats === undefined

/** All frames that were sent, though not all packets. */
function byFrames(figures: string, from: Sample, to: Sample): StreamComparison {
  if (from.frames === undefined || to.frames === undefined) {
    return { outcome: 'missing', figures: `${figures}: one end does not count what is sent again` }
  }
  const frames = `${figures}; frames sent ${from.frames}, received ${to.frames}`
  return Math.abs(to.frames - from.frames) <= Math.max(tolerance * from.frames, framesOff)
    ? { outcome: 'holds', figures: `${frames}, so the rest was sent again or to probe the way` }
    : { outcome: 'missing', figures: frames }
}

/** Over the time in which both counted. */
function compareDuring(
  name: string,
  sent: StreamEvidence,
  received: StreamEvidence,
  error: number,
  disturbed: readonly number[],
): StreamComparison {
  const first = sent.samples[0]!.atMilliseconds
  const final = sent.samples.at(-1)!
  const last = final.final ? Number.POSITIVE_INFINITY : final.atMilliseconds
  const within = received.samples.filter(({ atMilliseconds: at }) => at >= first && at <= last)
  const to = within.at(-1)
  if (to !== undefined) {
    const { packets, lost, repeats = 0 } = to
    const most = mostUntil(sent, to.atMilliseconds, error + transitMilliseconds)
    const off = most * tolerance + inFlight
    if (packets + lost - repeats > most + off) {
      const told = tellRepeats(packets + lost - most, off, { sent: 0, received: repeats })
      const figures = `${name}: received ${packets} + lost ${lost} when at most ${most} had been sent${told}`
      return { outcome: 'fails', figures }
    }
  }
  // RFC 3550 appendix A.1: nobody can count as lost what was sent before the first packet that arrived.
  const counted = within.filter(({ packets }) => packets > 0)
  if (to !== undefined && counted.length === 0) {
    return { outcome: 'missing', figures: `${name}: nothing of ${final.packets} packets arrived` }
  }
  const lasted = to === undefined ? 0 : to.atMilliseconds - counted[0]!.atMilliseconds
  if (lasted < leastMilliseconds) {
    return {
      outcome: 'missing',
      figures: `${name}: both ends counted together for less than ${leastMilliseconds / 1_000} s`,
    }
  }
  // From whichever moment near the beginning it is best known what had been sent by then.
  const begins = counted
    .slice(0, mostBegins)
    .filter(({ atMilliseconds: at }, index) => index === 0 || to!.atMilliseconds - at >= (lasted * 2) / 3)
  const spans = begins.map((_, index) =>
    compareSpan(name, sent, received, counted.slice(index) as [Sample, ...Sample[]], error, disturbed),
  )
  const known = spans.toSorted((one, other) => one.unknown - other.unknown)
  return spans.find(({ outcome }) => outcome === 'fails') ?? known[0]!
}

/** From the first of the receiver's samples to its last; `unknown`: how many packets more or fewer it may have been. */
function compareSpan(
  name: string,
  sent: StreamEvidence,
  received: StreamEvidence,
  samples: readonly [Sample, ...Sample[]],
  error: number,
  disturbed: readonly number[],
): StreamComparison & { readonly unknown: number } {
  const [from, to] = [samples[0], samples.at(-1)!]
  const got = to.packets + to.lost - from.packets - from.lost
  const packets = between(sent, from.atMilliseconds, to.atMilliseconds, error, packetsOf)
  const unknown = packets.most - packets.least
  const lost = to.lost - from.lost
  const seconds = (to.atMilliseconds - from.atMilliseconds) / 1_000
  const again = between(sent, from.atMilliseconds, to.atMilliseconds, error, repeatsOf)
  const repeats = Math.max(0, repeatsOf(to) - repeatsOf(from))
  const off = Math.max(tolerance * packets.likely, inFlight)
  const told = tellRepeats(got - packets.likely, off, { sent: again.likely, received: repeats })
  const figures = `${name}: sent ${Math.round(packets.likely)}, received ${got - lost} + lost ${lost} in ${seconds.toFixed(1)} s (${percent(got, packets.likely)})${told}`
  if (isShort(sent, from, to, error)) {
    const why = isWithoutRepeats(received)
      ? 'one end does not count what is sent again'
      : interruption(sent, samples, error, disturbed)
    return why === undefined
      ? { outcome: 'fails', figures, unknown }
      : { outcome: 'missing', figures: `${figures}: ${why}`, unknown }
  }
  const bytes = bytesFit(sent, from, to, error)
  if (bytes !== undefined) return { outcome: 'fails', figures: `${figures}; ${bytes}`, unknown }
  // A report may wait on its way for longer than the round trips that were measured say.
  const { most } = between(
    sent,
    from.atMilliseconds,
    to.atMilliseconds,
    error + transitMilliseconds,
    packetsOf,
  )
  if (got - repeats > most * (1 + tolerance) + inFlight) return { outcome: 'fails', figures, unknown }
  return got - repeats <= packets.likely + off && got >= packets.likely - again.most - off
    ? { outcome: 'holds', figures, unknown }
    : { outcome: 'missing', figures: `${figures}: counted too seldom to tell`, unknown }
}

/** The most that a party can have sent by a moment. */
function mostUntil({ samples }: StreamEvidence, at: number, error: number): number {
  const next = samples.find(one => one.atMilliseconds >= at + error)
  if (next !== undefined) return next.packets
  const [first, last] = [samples[0]!, samples.at(-1)!]
  if (last.final) return last.packets
  const rate = last.packets / Math.max(1, last.atMilliseconds - first.atMilliseconds)
  return Math.ceil(last.packets + rate * (at + error - last.atMilliseconds))
}

/** Fewer than were sent between the two and had time to arrive. */
function isShort(sent: StreamEvidence, from: Sample, to: Sample, error: number): boolean {
  const got = to.packets + to.lost - from.packets - from.lost
  const arrived = to.atMilliseconds - transitMilliseconds
  const { least } = between(sent, from.atMilliseconds, arrived, error, packetsOf)
  const again = between(sent, from.atMilliseconds, to.atMilliseconds, error, repeatsOf)
  return got < least * (1 - tolerance) - inFlight - again.most
}

/** How much of what was probably sent did not arrive, 0 to 1. */
function shortShare(sent: StreamEvidence, from: Sample, to: Sample, error: number): number {
  const got = to.packets + to.lost - from.packets - from.lost
  const { likely } = between(sent, from.atMilliseconds, to.atMilliseconds, error, packetsOf)
  return likely <= 0 ? 0 : 1 - got / likely
}

/** What may have kept packets away that no end counts as lost; undefined where they are missing throughout. */
function interruption(
  sent: StreamEvidence,
  samples: readonly Sample[],
  error: number,
  disturbed: readonly number[],
): string | undefined {
  const [from, to] = [samples[0]!, samples.at(-1)!]
  if (disturbed.some(at => at >= from.atMilliseconds && at <= to.atMilliseconds + noticedMilliseconds))
    return 'the way was interrupted or changed meanwhile'
  const heard = samples.findLast((one, at) => one.packets > (samples[at - 1]?.packets ?? one.packets))
  if (heard !== undefined && heard !== to && !isShort(sent, from, heard, error))
    return `nothing arrived in the last ${((to.atMilliseconds - heard.atMilliseconds) / 1_000).toFixed(1)} s`
  // Counts that are wrong throughout are so in most windows, by about the same share.
  const share = shortShare(sent, from, to, error)
  let [windows, short] = [0, 0]
  for (let begin = from; ; windows++) {
    const end = samples.find(one => one.atMilliseconds >= begin.atMilliseconds + windowMilliseconds)
    if (end === undefined) break
    if (shortShare(sent, begin, end, error) >= share / 2) short++
    begin = end
  }
  return windows >= 2 && short <= windows / 2 ? 'for a part of the time too few arrived' : undefined
}

/** RFC 3550 §6.4.1: a count only grows, unless who counts began anew. */
const fell = ({ samples }: StreamEvidence): boolean =>
  samples.some((sample, index) => index > 0 && sample.packets < samples[index - 1]!.packets)

type Sample = StreamEvidence['samples'][number]

const packetsOf = ({ packets }: Sample): number => packets
const repeatsOf = ({ repeats = 0 }: Sample): number => repeats

/** A sentence if the receiver's bytes cannot be the sender's. */
function bytesFit(sent: StreamEvidence, from: Sample, to: Sample, error: number): string | undefined {
  const received = to.packets - from.packets
  const total = received + Math.max(0, to.lost - from.lost)
  if (total <= 0 || received <= 0) return undefined
  const bytes = between(sent, from.atMilliseconds, to.atMilliseconds, error, sample => sample.bytes)
  const share = received / total
  const got = to.bytes - from.bytes
  const least = bytes.least * share * 0.9 - headerBytes * received
  const most = bytes.most * 1.1 + headerBytes * (received + inFlight)
  if (got >= least && got <= most) return undefined
  return `sent ${Math.round(bytes.likely)} bytes, received ${got}`
}

/** How much a counter grew between two moments: interpolated, and the least and most it can have been. */
function between(
  stream: StreamEvidence,
  from: number,
  to: number,
  error: number,
  value: (sample: Sample) => number,
): { readonly likely: number; readonly least: number; readonly most: number } {
  const { samples } = stream
  const before = (at: number): number =>
    value(samples.findLast(one => one.atMilliseconds <= at) ?? samples[0]!)
  const after = (at: number): number =>
    value(samples.find(one => one.atMilliseconds >= at) ?? samples.at(-1)!)
  const at = (moment: number): number => {
    const left = samples.findLast(one => one.atMilliseconds <= moment) ?? samples[0]!
    const right = samples.find(one => one.atMilliseconds >= moment) ?? samples.at(-1)!
    const span = right.atMilliseconds - left.atMilliseconds
    return span <= 0
      ? value(left)
      : value(left) + ((value(right) - value(left)) * (moment - left.atMilliseconds)) / span
  }
  // Beyond the last sample the clock's error leaves room for as much as the mean rate brings, unless nothing follows.
  const rate =
    (value(samples.at(-1)!) - value(samples[0]!)) /
    Math.max(1, samples.at(-1)!.atMilliseconds - samples[0]!.atMilliseconds)
  const slack = samples.at(-1)!.final ? 0 : Math.max(0, rate * error)
  return {
    likely: at(to) - at(from),
    // Clocks that may be further apart than the interval is long leave nothing that is certain.
    least: Math.max(0, before(to - error) - after(from + error) - slack),
    most: after(to + error) - before(from - error) + slack,
  }
}

const percent = (got: number, sent: number): string =>
  sent <= 0 ? 'none sent' : `${(((got - sent) / sent) * 100).toFixed(1)} %`

const hex = (ssrc: number): string => `0x${ssrc.toString(16).padStart(8, '0')}`
