/**
 * What one party sent beside what the other received, stream by stream. The two count at different moments: a count
 * between two samples is not known, only that it lies between theirs. So there are three answers: within 2 % (holds),
 * outside of what any count between the samples could be (fails), and everything else (cannot be told).
 */
import type { PartyEvidence, StreamEvidence } from './evidence.ts'

export interface StreamComparison {
  readonly outcome: 'holds' | 'fails' | 'missing'
  readonly figures: string
}

/** Of what was sent; the design's bound. */
export const tolerance = 0.02
/** Packets on their way at either end of the interval. */
const inFlight = 3
/** A shorter interval says nothing. */
const leastMilliseconds = 1_500
/** RTP header with extensions, which some stacks count among the bytes and others do not (RFC 3550 §5.1, RFC 8285). */
const headerBytes = 60

/** Every stream that `sender` says it sent. */
export function compareStreams(sender: PartyEvidence, receiver: PartyEvidence): StreamComparison[] {
  const error = sender.clockErrorMilliseconds + receiver.clockErrorMilliseconds
  const sent = sender.streams.filter(
    one => one.direction === 'sent' && (one.samples.at(-1)?.packets ?? 0) > 0,
  )
  return sent.map(one => {
    const other = receiver.streams.find(each => each.direction === 'received' && each.ssrc === one.ssrc)
    const name = `${one.media} ${hex(one.ssrc)}`
    if (other === undefined)
      return { outcome: 'missing', figures: `${name}: the other end does not name this stream` }
    return compare(name, one, other, error)
  })
}

function compare(
  name: string,
  sent: StreamEvidence,
  received: StreamEvidence,
  error: number,
): StreamComparison {
  const [first, last] = [sent.samples[0]!.atMilliseconds, sent.samples.at(-1)!.atMilliseconds]
  const within = received.samples.filter(({ atMilliseconds: at }) => at >= first && at <= last)
  const [from, to] = [within[0], within.at(-1)]
  const lasted = from && to ? to.atMilliseconds - from.atMilliseconds : 0
  if (!from || !to || lasted < leastMilliseconds) {
    return {
      outcome: 'missing',
      figures: `${name}: both ends counted together for less than ${leastMilliseconds / 1_000} s`,
    }
  }
  const got = to.packets + to.lost - from.packets - from.lost
  const packets = between(sent, from.atMilliseconds, to.atMilliseconds, error, sample => sample.packets)
  const seconds = (lasted / 1_000).toFixed(1)
  const lost = to.lost - from.lost
  if (fell(sent) || fell(received) || got < 0) {
    return { outcome: 'missing', figures: `${name}: a counter began anew` }
  }
  const figures = `${name}: sent ${Math.round(packets.likely)}, received ${got - lost} + lost ${lost} in ${seconds} s (${percent(got, packets.likely)})`
  const bytes = bytesFit(sent, from, to, error)
  if (bytes !== undefined) return { outcome: 'fails', figures: `${figures}; ${bytes}` }
  if (Math.abs(got - packets.likely) <= Math.max(tolerance * packets.likely, inFlight))
    return { outcome: 'holds', figures }
  const possible =
    got >= packets.least * (1 - tolerance) - inFlight && got <= packets.most * (1 + tolerance) + inFlight
  return possible
    ? { outcome: 'missing', figures: `${figures}: counted too seldom to tell` }
    : { outcome: 'fails', figures }
}

/** RFC 3550 §6.4.1: a count only grows, unless who counts began anew. */
const fell = ({ samples }: StreamEvidence): boolean =>
  samples.some((sample, index) => index > 0 && sample.packets < samples[index - 1]!.packets)

type Sample = StreamEvidence['samples'][number]

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
  // Beyond the last sample the clock's error leaves room for as much as the mean rate brings.
  const rate =
    (value(samples.at(-1)!) - value(samples[0]!)) /
    Math.max(1, samples.at(-1)!.atMilliseconds - samples[0]!.atMilliseconds)
  const slack = Math.max(0, rate * error)
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
