/** What the owner of the appliance does before anybody can call: claim it, add people, invite their devices. */
import type { Enrolment, Invite, SetupResponse, WaitingRequest } from '../../src/admin/message.ts'
import type { SignedTrace } from '../../src/trace/document.ts'
import type { Daemon } from './daemon.ts'
import type { Answer } from './reach.ts'

export class Owner {
  readonly #daemon: Daemon
  readonly #cookie: string
  readonly #csrfToken: string
  readonly enrolment: Enrolment

  private constructor(daemon: Daemon, cookie: string, setup: SetupResponse) {
    this.#daemon = daemon
    this.#cookie = cookie
    this.#csrfToken = setup.session.csrfToken
    this.enrolment = setup.enrolment
  }

  /** Claims the appliance with the code it printed. */
  static async claim(daemon: Daemon, displayName = 'Olivia Owner'): Promise<Owner> {
    const answer = await daemon.request('POST', '/api/v1/setup', {
      code: daemon.setupCode,
      place: 'Test house',
      displayName,
      password: 'correct horse battery',
    })
    if (answer.status !== 201) throw new Error(`claim: ${answer.status} ${answer.body}`)
    const cookies = [answer.headers['set-cookie'] ?? []].flat()
    const cookie = cookies.map(each => String(each).split(';')[0]).join('; ')
    return new Owner(daemon, cookie, JSON.parse(answer.body) as SetupResponse)
  }

  /** A REST request with the owner's session; throws unless the answer is a 2xx. */
  async request(method: string, path: string, body?: unknown): Promise<Answer> {
    const headers = { cookie: this.#cookie, 'x-csrf-token': this.#csrfToken }
    const answer = await this.#daemon.request(method, `/api/v1${path}`, body, headers)
    if (answer.status < 200 || answer.status > 299)
      throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`)
    return answer
  }

  async addUser(name: string, displayName: string, sipPassword?: string): Promise<void> {
    await this.request('POST', '/users', {
      name,
      displayName,
      ...(sipPassword === undefined ? {} : { sipPassword }),
    })
  }

  /** A link that enrols the browser which opens it as a device of `user`. */
  async invite(user: string): Promise<Invite & { url: string; token: string }> {
    return JSON.parse((await this.request('POST', '/invites', { user })).body)
  }

  /** `trace.json` of a call. */
  async trace(call: string): Promise<SignedTrace> {
    return JSON.parse((await this.request('GET', `/calls/${call}/trace.json`)).body)
  }

  async waiting(): Promise<readonly WaitingRequest[]> {
    return JSON.parse((await this.request('GET', '/requests')).body)
  }

  async allow(request: WaitingRequest, user?: string): Promise<void> {
    await this.request('POST', `/requests/${request.id}/allow`, user === undefined ? {} : { user })
  }
}
