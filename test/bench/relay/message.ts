/** What the benchmark tells its two ends and what they tell it: one line of JSON each, answered one by one. */
import type { Endpoint } from '../../../src/core/endpoint.ts'
import type { Credential } from './turn-control.ts'

export const flowsPerWay = 8
/** Of the data relayed, without the four bytes of ChannelData. */
export const dataBytes = 1_000

/** A set of sockets of an end, by what they are for. */
export type Way = string

export type Order =
  /** Eight sockets; answered with where they are. */
  | { readonly do: 'open'; readonly way: Way; readonly address: string }
  /** An allocation for each; answered with the relayed addresses. */
  | {
      readonly do: 'allocate'
      readonly way: Way
      readonly server: Endpoint
      readonly credential: Credential
    }
  /** Data goes through a channel to these peers, one a socket. Given again it makes the channels last anew. */
  | { readonly do: 'bind'; readonly way: Way; readonly peers: readonly Endpoint[] }
  /** Data goes to these as it is. */
  | { readonly do: 'aim'; readonly way: Way; readonly peers: readonly Endpoint[] }
  | {
      readonly do: 'run'
      readonly way: Way
      readonly run: number
      readonly packetsPerSecond: number
      /** Packets of one socket, and so of one flow, in a row, if so many are due. */
      readonly burst: number
      /** Of the monotonic clock, which all processes of a machine share. */
      readonly startMilliseconds: number
      readonly seconds: number
    }

export interface RunResult {
  readonly sent: number
  readonly received: number
  /** Of another size than what was sent. */
  readonly wrong: number
  /** Buckets of a `Histogram`: from just before the send to the arrival in the other end's kernel. */
  readonly latency: readonly number[]
}

/** The clock of `startMilliseconds`. */
export const monotonicMilliseconds = (): number => Number(process.hrtime.bigint()) / 1e6
