/** What a person is told when a capture could not be read to its end. */
import { type Ending, limits, type StopReason } from './message.ts'

const sentences: Readonly<Record<StopReason, string>> = {
  empty: 'The file is empty. Was the capture stopped before its first packet was written?',
  notACapture: 'This is neither a pcap nor a pcapng file. Save the capture as one of these.',
  compressed: 'The file is compressed. Unpack it first (gunzip, unzstd or lz4 -d).',
  unsupportedVersion: 'It is a capture file of a version that is not known here. Save it again as pcapng.',
  blockLength: 'A block’s length is wrong: the file is damaged there.',
  blockTooLarge: `A block is longer than ${limits.blockBytes} bytes: the file is damaged there.`,
  packetLength: 'A packet’s length is wrong: the file is damaged there.',
  unknownInterface: 'A packet names an interface that the file does not describe: it is damaged there.',
  tooManyInterfaces: `It has more than ${limits.interfaces} interfaces. Take the call’s part out of it first.`,
  truncated: 'The file ends in the middle of a packet: it was cut off, or the capture was still running.',
}

/** Undefined where it was read to its end. */
export function explainStop({ stop, frames }: Pick<Ending, 'stop' | 'frames'>): string | undefined {
  if (stop === undefined) return undefined
  const sentence = sentences[stop.reason]
  if (frames === 0) return `${sentence} No packet could be read (byte ${stop.offset}).`
  return `${sentence} ${frames} packets were read up to byte ${stop.offset}; what they show is used.`
}
