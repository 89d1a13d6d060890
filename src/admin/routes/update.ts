/** A newer version of the image: taken in and verified, then given to root to install. */
import type { UpdateProblem, UpdateState } from '../../update/message.ts'
import { HttpError, problemsOf } from '../errors.ts'
import type { AppDeps } from '../ports.ts'
import { type Route, route } from '../route.ts'
import * as schemas from '../update-schemas.ts'

type Deps = Pick<AppDeps, 'update' | 'log'>

/** The largest root file system that a bundle may say, and its head. */
const uploadLimitBytes = 2_000_010_000

const statusOf: Readonly<Record<UpdateProblem, number>> = {
  ...{ notAnUpdate: 400, untrusted: 403, damaged: 422, tooLarge: 413, busy: 503, noRoom: 507, failed: 500 },
  ...{ wrongArchitecture: 409, notNewer: 409, schemaOlder: 409, bootTooOld: 409, notAnImage: 409 },
}
const told = problemsOf('UpdateError', statusOf)

export function updateRoutes({ update, log }: Deps): Route[] {
  return [
    route({
      method: 'GET',
      path: '/update',
      who: 'owner',
      summary: 'Which version runs, how it is updated here, what was uploaded, and how the last update went.',
      answers: { 200: schemas.updateState },
      handle: async () => {
        const body: UpdateState = await update.state()
        return { status: 200, body }
      },
    }),
    route({
      method: 'POST',
      path: '/update',
      who: 'owner',
      summary:
        'Takes in an update (`lanline-….update`) and verifies all of it; nothing is installed yet. Images only.',
      upload: { limitBytes: uploadLimitBytes, contentType: 'application/octet-stream' },
      answers: { 200: schemas.readyUpdate },
      handle: async call => {
        const body = await update.take(call.upload).catch(told)
        log.info('updateTaken', { version: body.manifest.version })
        return { status: 200, body }
      },
    }),
    route({
      method: 'POST',
      path: '/update/install',
      who: 'owner',
      summary:
        'What was uploaded is written to the slot that does not run, and started: `GET /update` tells how far it is. With `evenIfNotNewer` also an older version.',
      body: schemas.installRequest,
      answers: { 202: null },
      handle: async call => {
        const { evenIfNotNewer = false } = call.body
        if (!(await update.install(evenIfNotNewer).catch(told)))
          throw new HttpError(404, 'notFound', 'no update was uploaded; upload it first')
        log.warn('updateInstall')
        return { status: 202 }
      },
    }),
    route({
      method: 'DELETE',
      path: '/update',
      who: 'owner',
      summary: 'Forgets an update that was uploaded.',
      answers: { 204: null },
      handle: async () => {
        await update.forget()
        return { status: 204 }
      },
    }),
  ]
}
