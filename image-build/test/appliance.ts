/** The image as its owner meets it: asked over HTTPS through a forwarded port, logged in, its power cut. */
import { once } from 'node:events'
import { request } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'
import type { Health } from '../../src/admin/message.ts'
import { Vm, type VmOptions } from '../vm.ts'

export interface Asked {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: bodies are checked field by field where it matters
  readonly body: any
  readonly cookies: readonly string[]
}

export interface Login {
  readonly user: string
  readonly password: string
}

const forwards = [
  { protocol: 'tcp', guest: 443 },
  { protocol: 'udp', guest: 5060 },
] as const

export class Appliance {
  readonly vm: Vm
  #headers: Readonly<Record<string, string>> = {}

  private constructor(vm: Vm) {
    this.vm = vm
  }

  static async start(options: Omit<VmOptions, 'forwards' | 'architecture'>): Promise<Appliance> {
    return new Appliance(await Vm.start({ niceness: 0, ...options, architecture: 'amd64', forwards }))
  }

  /** Rejects when there is no answer. A file is sent as it is. */
  async ask(method: string, path: string, body?: unknown): Promise<Asked> {
    const isFile = body instanceof Uint8Array
    const sent = request({
      ...{ host: '127.0.0.1', port: this.vm.port('tcp', 443), path: `/api/v1${path}`, method, agent: false },
      ...{ rejectUnauthorized: false, timeout: 60_000 },
      headers: {
        host: 'lanline.local',
        ...(body === undefined
          ? {}
          : { 'content-type': isFile ? 'application/octet-stream' : 'application/json' }),
        ...(isFile ? { 'content-length': body.length } : {}),
        ...this.#headers,
      },
    })
    const answered = once(sent, 'response')
    sent.on('timeout', () => sent.destroy(new Error(`no answer to ${method} ${path}`)))
    // Who refuses in the middle of an upload takes no more of it.
    sent.on('error', () => {})
    sent.end(isFile ? body : body === undefined ? undefined : JSON.stringify(body))
    const [answer] = await answered
    const chunks: Buffer[] = []
    for await (const chunk of answer) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString('utf8')
    const cookies: string[] = answer.headers['set-cookie'] ?? []
    return { status: answer.statusCode, body: text === '' ? undefined : JSON.parse(text), cookies }
  }

  /** From now on with the session that an answer began. */
  use(answer: Asked): void {
    const session = answer.body.session ?? answer.body
    const cookie = answer.cookies.map(line => line.split(';', 1)[0]).join('; ')
    this.#headers = { cookie, 'x-csrf-token': session.csrfToken }
  }

  async logIn(login: Login): Promise<void> {
    this.#headers = {}
    const answer = await this.ask('POST', '/session', login)
    if (answer.status !== 200) throw new Error(`login: ${answer.status} ${JSON.stringify(answer.body)}`)
    this.use(answer)
  }

  async health(): Promise<Health | undefined> {
    const answer = await Promise.race([this.ask('GET', '/health').catch(() => undefined), pause(20_000)])
    return answer?.status === 200 ? (answer.body as Health) : undefined
  }

  /** Resolves once it answers, with that version if one is given. */
  async untilWell(limitSeconds: number, version?: string): Promise<Health> {
    let last: Health | undefined
    await this.vm.until(
      async () => {
        last = await this.health()
        return last?.parts.store?.state === 'ok' && (version === undefined || last.version === version)
      },
      limitSeconds,
      `lanline ${version ?? ''} well`,
    )
    return last!
  }
}
