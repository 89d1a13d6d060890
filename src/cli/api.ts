/** The running daemon's REST interface, through the socket in its data directory. */
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import type { ErrorBody } from '../admin/message.ts'
import type { Config } from '../config.ts'
import { CommandError } from './command.ts'

export const socketPath = (config: Config): string => join(config.data.dir, 'lanline.sock')

export class NotRunning extends CommandError {}

const timeoutMilliseconds = 15_000

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
  const answer = await send(config, method, path, body)
  const text = await textOf(answer)
  const status = answer.statusCode ?? 0
  if (status >= 200 && status < 300) return text
  throw new CommandError(sentenceOf(text) ?? `the daemon refused ${method} ${path} with ${status}`)
}

function send(config: Config, method: string, path: string, body: unknown): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body)
    const headers = { host: 'localhost', ...(payload ? { 'content-type': 'application/json' } : {}) }
    const sent = request({ socketPath: socketPath(config), path: `/api/v1${path}`, method, headers }, resolve)
    sent.setTimeout(timeoutMilliseconds, () => sent.destroy(new Error('no answer')))
    sent.on('error', (error: NodeJS.ErrnoException) => {
      reject(refusal(config, error))
    })
    sent.end(payload)
  })
}

function refusal(config: Config, error: NodeJS.ErrnoException): CommandError {
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') {
    return new NotRunning(`no lanline is running on ${config.data.dir}; start it with: lanline serve`)
  }
  if (error.code === 'EACCES') {
    return new CommandError(`${socketPath(config)} belongs to another user; run this as that user or as root`)
  }
  return new CommandError(`the daemon does not answer (${error.message}); look at its log`)
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function sentenceOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as ErrorBody).error.message
  } catch {
    return undefined
  }
}
