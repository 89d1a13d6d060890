/** One encrypted file with everything, and the way back in two steps: looked through, then put in place. */
import type { BackupProblem, Manifest } from '../../backup/message.ts'
import { HttpError, problemsOf } from '../errors.ts'
import type { RestoreApplied } from '../message.ts'
import type { AppDeps } from '../ports.ts'
import { type Route, route } from '../route.ts'
import * as schemas from '../schemas.ts'

type Deps = Pick<AppDeps, 'backup' | 'help' | 'clock' | 'log'>

const uploadLimitBytes = 4_294_967_296
const statusOf: Readonly<Record<BackupProblem, number>> = {
  notABackup: 400,
  wrongPassphrase: 403,
  damaged: 422,
  newer: 409,
  tooLarge: 413,
  noRoom: 507,
}
const told = problemsOf('BackupError', statusOf)

export function backupRoutes({ backup, help, clock, log }: Deps): Route[] {
  let isBusy = false
  const begin = (): void => {
    if (isBusy) throw new HttpError(503, 'busy', 'a backup is being made or read; try again in a moment')
    isBusy = true
  }
  const end = (): void => {
    isBusy = false
  }
  return [
    route({
      method: 'POST',
      path: '/backup',
      who: 'owner',
      summary:
        'One file with people, devices, calls, traces, settings, authority and keys, encrypted with the passphrase.',
      body: schemas.backupRequest,
      answers: { 200: 'application/octet-stream' },
      handle: async call => {
        begin()
        const day = new Date(clock.epoch()).toISOString().slice(0, 10)
        log.info('backup')
        const content = await streamOf(backup.make(call.body.passphrase), end)
        return {
          status: 200,
          file: { contentType: 'application/octet-stream', name: `lanline-${day}.backup`, content },
        }
      },
    }),
    route({
      method: 'POST',
      path: '/restore',
      who: 'owner',
      summary:
        'Takes in a backup, decrypts it and looks through it; nothing is replaced yet. The passphrase is in the header x-backup-passphrase, percent-encoded.',
      headers: { 'x-backup-passphrase': 'The passphrase of the backup, percent-encoded UTF-8.' },
      upload: { limitBytes: uploadLimitBytes, contentType: 'application/octet-stream' },
      answers: { 200: schemas.backupManifest },
      handle: async call => {
        const passphrase = passphraseIn(call.header('x-backup-passphrase'))
        begin()
        const body: Manifest = await backup.check(call.upload, passphrase).catch(told).finally(end)
        return { status: 200, body }
      },
    }),
    route({
      method: 'POST',
      path: '/restore/apply',
      who: 'owner',
      summary:
        'What was looked through takes the place of everything when lanline starts next, which is now where the answer’s `restarts` is true.',
      answers: { 200: schemas.restoreApplied },
      handle: async () => {
        if (!(await backup.accept()))
          throw new HttpError(404, 'notFound', 'no backup was looked through; upload it first')
        log.warn('restore')
        const body: RestoreApplied = { restarts: help.canRestart }
        if (help.canRestart) help.restart()
        return { status: 200, body }
      },
    }),
    route({
      method: 'DELETE',
      path: '/restore',
      who: 'owner',
      summary: 'Forgets a backup that was looked through.',
      answers: { 204: null },
      handle: async () => {
        await backup.forget()
        return { status: 204 }
      },
    }),
  ]
}

function passphraseIn(header: string | undefined): string {
  try {
    if (header !== undefined && header !== '') return decodeURIComponent(header)
  } catch {
    // As if there were none.
  }
  throw new HttpError(400, 'badBody', 'x-backup-passphrase: the passphrase of the backup is missing')
}

/** No faster than it is read; who goes away ends it. What keeps it from beginning is still an answer. */
async function streamOf(
  parts: AsyncGenerator<Uint8Array<ArrayBuffer>>,
  onEnd: () => void,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  let first: Uint8Array<ArrayBuffer> | undefined
  try {
    first = (await parts.next()).value ?? undefined
  } catch (error) {
    onEnd()
    return told(error)
  }
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start(controller) {
        if (first !== undefined) controller.enqueue(first)
      },
      async pull(controller) {
        try {
          const { value, done } = await parts.next()
          if (!done) return controller.enqueue(value)
          onEnd()
          controller.close()
        } catch (error) {
          onEnd()
          controller.error(error)
        }
      },
      async cancel() {
        onEnd()
        await parts.return(undefined)
      },
    },
    { highWaterMark: 1 },
  )
}
