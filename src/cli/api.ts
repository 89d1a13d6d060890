/** The running daemon's REST interface, through the socket in its data directory. */
import { existsSync } from 'node:fs'
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ErrorBody } from '../admin/message.ts'
import { type Config, serviceDataDirectory } from '../config.ts'
import { CommandError } from './command.ts'

export const socketPath = (config: Config): string => join(config.data.dir, 'lanline.sock')

export class NotRunning extends CommandError {}

/** The daemon's own refusal, with its code. */
class Refused extends CommandError {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** What was asked for is not there: says as well where to look for what is. */
export const orSay = <Answer>(asked: Promise<Answer>, hint: string): Promise<Answer> =>
  asked.catch(error => {
    if (!(error instanceof Refused) || error.code !== 'notFound') throw error
    throw new CommandError(`${error.message}; ${hint}`)
  })

const timeoutMilliseconds = 30_000

/**
 * One request under `/api/v1`; the answer's JSON. Rejects with `NotRunning` when no daemon has this data directory,
 * with `CommandError` and the daemon's own sentence when it refuses.
 */
export async function api<Answer>(
  config: Config,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<Answer> {
  const text = await apiText(config, method, path, body)
  return (text === '' ? undefined : JSON.parse(text)) as Answer
}

/** The same as it is sent. */
export async function apiText(
  config: Config,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<string> {
  return textOrRefusal(send(config, method, path, body), method, path)
}

async function textOrRefusal(asked: Promise<IncomingMessage>, method: string, path: string): Promise<string> {
  const answer = await asked
  const text = await textOf(answer)
  const status = answer.statusCode ?? 0
  if (status >= 200 && status < 300) return text
  throw refusedBy(text, `${method} ${path} with ${status}`)
}

/** Sends `body` as it comes, no faster than it is taken; the answer's JSON. Rejects as `api` does, or with what `body` throws. */
export async function apiUpload<Answer>(
  config: Config,
  path: string,
  body: AsyncIterable<Uint8Array>,
): Promise<Answer> {
  // After `Connection: close` the daemon would hang up with its refusal, and what is still being sent would lose it.
  const headers = { 'content-type': 'application/octet-stream', connection: 'keep-alive' }
  const { sent, answer } = open(config, 'POST', path, headers)
  const text = textOrRefusal(answer, 'POST', path)
  // Whoever refuses takes no more of it: the answer says why, not that the line broke.
  const [told, writing] = await Promise.allSettled([text, pipeline(Readable.from(body), sent)])
  if (told.status === 'fulfilled') return JSON.parse(told.value) as Answer
  if (writing.status === 'rejected' && writing.reason instanceof CommandError) throw writing.reason
  throw told.reason
}

/** What is under `path`, as it comes. Rejects as `api` does. */
export async function apiDownload(config: Config, path: string): Promise<IncomingMessage> {
  const answer = await send(config, 'GET', path, undefined)
  const status = answer.statusCode ?? 0
  if (status >= 200 && status < 300) return answer
  throw refusedBy(await textOf(answer), `GET ${path} with ${status}`)
}

function send(config: Config, method: string, path: string, body: unknown): Promise<IncomingMessage> {
  const payload = body === undefined ? undefined : JSON.stringify(body)
  const { sent, answer } = open(config, method, path, payload ? { 'content-type': 'application/json' } : {})
  sent.end(payload)
  return answer
}

function open(config: Config, method: string, path: string, headers: OutgoingHttpHeaders) {
  // A connection of its own: one that was kept the daemon may just have closed.
  const options = { socketPath: socketPath(config), path: `/api/v1${path}`, method, agent: false }
  const sent = request({ ...options, headers: { host: 'localhost', ...headers } })
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    sent.on('response', resolve)
    sent.setTimeout(timeoutMilliseconds, () => sent.destroy(new Error('no answer')))
    sent.on('error', (error: NodeJS.ErrnoException) => {
      reject(refusal(config, error))
    })
  })
  return { sent, answer }
}

function refusal(config: Config, error: NodeJS.ErrnoException): CommandError {
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') {
    return new NotRunning(`no lanline is running on ${config.data.dir}; start it with: ${howToStart(config)}`)
  }
  if (error.code === 'EACCES') {
    return new CommandError(`${socketPath(config)} belongs to another user; run this as that user or as root`)
  }
  return new CommandError(`the daemon does not answer (${error.message}); look at its log`)
}

function howToStart(config: Config): string {
  if (config.container) return 'docker start lanline, or docker compose up -d'
  if (config.data.dir === serviceDataDirectory) return 'systemctl start lanline'
  // Packages have the command, checkouts the script, which also brings what is needed.
  return existsSync(new URL('../../scripts/start', import.meta.url)) ? './scripts/start' : 'lanline serve'
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function refusedBy(text: string, what: string): CommandError {
  try {
    const { code, message } = (JSON.parse(text) as ErrorBody).error
    return new Refused(code, message)
  } catch {
    return new CommandError(`the daemon refused ${what}`)
  }
}
