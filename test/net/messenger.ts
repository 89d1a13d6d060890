/**
 * Runs inside a host's namespace, a child of `reach.ts`: carries out one HTTP request per message and sends back what
 * came. Exists because a process cannot change its network namespace once it runs.
 */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

export interface Errand {
  readonly id: number
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  /** PEM of the authority to trust for this request. */
  readonly authority: string | undefined
}

export interface Reply {
  readonly id: number
  readonly error: string | undefined
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The body, in base64. */
  readonly body: string
}

process.on('message', (errand: Errand) => {
  const send = (reply: Omit<Reply, 'id'>): void => {
    process.send?.({ id: errand.id, ...reply })
  }
  const failed = (error: string): void => send({ error, status: 0, headers: {}, body: '' })
  try {
    const start = errand.url.startsWith('https:') ? httpsRequest : httpRequest
    const request = start(
      errand.url,
      { method: errand.method, headers: errand.headers, ca: errand.authority, agent: false, timeout: 10_000 },
      response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk))
        response.on('error', error => failed(error.message))
        response.on('end', () => {
          const body = Buffer.concat(chunks).toString('base64')
          send({ error: undefined, status: response.statusCode ?? 0, headers: response.headers, body })
        })
      },
    )
    request.on('timeout', () => request.destroy(new Error('no answer in 10 s')))
    request.on('error', error => failed(error.message))
    request.end(errand.body)
  } catch (error) {
    failed(String(error))
  }
})
process.on('disconnect', () => process.exit(0))
