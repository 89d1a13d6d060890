/** HTTP from inside a host of the LAN, for a test that lives outside of it. */
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Host } from './lan.ts'
import type { Errand, Reply } from './messenger.ts'

export interface Answer {
  readonly status: number
  readonly headers: Reply['headers']
  readonly body: string
  readonly bytes: Buffer
}

const messengers = new WeakMap<Host, Messenger>()

/** One request from the host; rejects when no answer came. A body is sent as JSON. */
export function reach(
  host: Host,
  url: string,
  options: {
    method?: string
    headers?: Readonly<Record<string, string>>
    body?: unknown
    authority?: string | undefined
  } = {},
): Promise<Answer> {
  let messenger = messengers.get(host)
  if (messenger === undefined) {
    messenger = new Messenger(host)
    messengers.set(host, messenger)
  }
  const { method = 'GET', headers = {}, body, authority } = options
  const text = body === undefined ? undefined : JSON.stringify(body)
  const all = { ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...headers }
  return messenger.run({ url, method, headers: all, body: text, authority })
}

class Messenger {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>()
  #serial = 0

  constructor(host: Host) {
    const script = fileURLToPath(new URL('./messenger.ts', import.meta.url))
    this.#child = host.spawn(process.execPath, [script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#child.on('message', (reply: Reply) => {
      const waiting = this.#waiting.get(reply.id)
      this.#waiting.delete(reply.id)
      const bytes = Buffer.from(reply.body, 'base64')
      if (reply.error !== undefined) waiting?.reject(new Error(reply.error))
      else
        waiting?.resolve({
          status: reply.status,
          headers: reply.headers,
          body: bytes.toString('utf8'),
          bytes,
        })
    })
    this.#child.on('exit', () => {
      messengers.delete(host)
      for (const { reject } of this.#waiting.values())
        reject(new Error(`the messenger of ${host.name} is gone`))
    })
    this.#child.unref()
    this.#child.channel?.unref()
  }

  run(errand: Omit<Errand, 'id'>): Promise<Answer> {
    const id = this.#serial++
    this.#child.channel?.ref()
    return new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ id, ...errand })
    }).finally(() => {
      if (this.#waiting.size === 0) this.#child.channel?.unref()
    })
  }
}
