/** Help: what failed for whom, which networks reach which, diagnostics to pass on, and a restart. */
import type { Epoch } from '../../core/clock.ts'
import { HttpError } from '../errors.ts'
import type { HelpState } from '../message.ts'
import type { AppDeps } from '../ports.ts'
import { type Route, route } from '../route.ts'
import * as schemas from '../schemas.ts'

export function helpRoutes({ help, directory, log }: Pick<AppDeps, 'help' | 'directory' | 'log'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/help',
      who: 'owner',
      summary:
        'What can be done here: whether a restart is possible, because something starts lanline again.',
      answers: { 200: schemas.helpState },
      handle: () => {
        const body: HelpState = { canRestart: help.canRestart }
        return { status: 200, body }
      },
    }),
    route({
      method: 'GET',
      path: '/help/diagnosis',
      who: 'owner',
      summary:
        'What failed for a person at a time (milliseconds since 1970; now without it): stage, evidence and one fix, the strongest first.',
      query: schemas.diagnosisQuery,
      answers: { 200: schemas.diagnosis },
      handle: async ({ query }) => {
        if (directory.user(query.user) === undefined)
          throw new HttpError(404, 'notFound', 'there is no such person')
        return { status: 200, body: await help.diagnose(query.user, query.at as Epoch | undefined) }
      },
    }),
    route({
      method: 'GET',
      path: '/help/networks',
      who: 'owner',
      summary: 'Network by network, what became of the newest calls between them.',
      answers: { 200: schemas.networkTable },
      handle: async () => ({ status: 200, body: await help.networks() }),
    }),
    route({
      method: 'GET',
      path: '/help/diagnostics',
      who: 'owner',
      summary:
        'A file to pass on when asking for help: version, configuration, health, recent refusals, calls and log, without secrets.',
      answers: { 200: 'application/json' },
      handle: async () => ({
        status: 200,
        file: { contentType: 'application/json', content: await help.diagnostics() },
      }),
    }),
    route({
      method: 'POST',
      path: '/help/restart',
      who: 'owner',
      summary:
        'Ends lanline so that it is started again; calls in progress go on. 409 `notSupervised` where nothing would start it.',
      answers: { 202: null },
      handle: () => {
        if (!help.canRestart) {
          throw new HttpError(
            409,
            'notSupervised',
            'nothing here would start lanline again; stop and start it where you started it',
          )
        }
        log.warn('restart')
        help.restart()
        return { status: 202 }
      },
    }),
  ]
}
