/** A running SIP server under load: what the benchmark needs to know of it. */
export interface Server {
  readonly name: string
  readonly pid: number
  /** SIP over UDP and TCP on 127.0.0.1. */
  readonly port: number
  stop(): Promise<void>
}
