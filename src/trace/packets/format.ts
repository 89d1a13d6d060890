/** What `frames.ts` asks of each file format. */
import type { CaptureInterface, Frame, StopReason } from './message.ts'
import type { ByteQueue } from './queue.ts'

export type FrameSink = (frame: Omit<Frame, 'number'>) => void

export interface FileFormat {
  readonly name: 'pcap' | 'pcapng'
  readonly interfaces: readonly CaptureInterface[]
  /** Takes every whole record off the queue. A reason: the record at the queue's beginning cannot be read. */
  read(queue: ByteQueue, sink: FrameSink): StopReason | undefined
}
