/** Requests to join: asked, answered, and the answer fetched with the secret that only the asker has. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { sourceOf } from '../../core/endpoint.ts'
import type { JoinAsk } from '../../signalling/message.ts'
import { sha256 } from '../credentials.ts'
import type { RequestRow } from '../message.ts'
import * as tables from '../tables.ts'
import { type Drafts, newId } from './drafts.ts'
import type { Held } from './held.ts'
import { type DeviceWish, DirectoryError, limits, type NewDevice, notFound } from './message.ts'

export class Requests {
  readonly #held: Held
  readonly #drafts: Drafts

  constructor(held: Held, drafts: Drafts) {
    this.#held = held
    this.#drafts = drafts
  }

  asks(): readonly JoinAsk[] {
    return [...this.#held.requests.values()]
      .filter(request => request.state === 'waiting')
      .map(({ id, displayName, deviceName, createdAt }) => ({
        id,
        name: displayName,
        device: deviceName,
        at: createdAt,
      }))
  }

  /**
   * Somebody at `address` asks to join. The secret fetches the answer; it is told only here. A page that gives the id it
   * made for itself has one open request: asking again tells the same secret, under another name it is a new request in
   * place of the old. Rejects (`tooManyWaiting`).
   */
  add(wish: {
    readonly displayName: string
    readonly device: DeviceWish
    readonly address: string
    readonly page?: string | undefined
  }): Promise<{ readonly request: RequestRow; readonly secret: string }> {
    return this.#held.exclusively(async () => {
      const { displayName, device, address, page } = wish
      const said = { displayName, deviceName: device.name, kind: device.kind, address }
      const pageHash = page === undefined ? undefined : sha256(page)
      const open = this.#openRequestOf(pageHash)
      // What the owner has answered for stays as it was; what waits keeps the name they may be answering for just now.
      if (open !== undefined && (open.state === 'allowed' || open.displayName === displayName))
        return { request: open, secret: this.#pageSecret(page!, open.id) }
      if (open === undefined) this.#refuseTooManyWaiting(address)
      const id = newId()
      const secret = page === undefined ? randomBytes(24).toString('base64url') : this.#pageSecret(page, id)
      const request: RequestRow = {
        ...said,
        id,
        secretHash: sha256(secret),
        pageHash,
        state: 'waiting',
        user: undefined,
        device: undefined,
        createdAt: this.#held.now(),
      }
      await this.#held.write(...(open ? [tables.deleteRequest(open.id)] : []), tables.putRequest(request))
      if (open) this.#held.requests.delete(open.id)
      this.#held.requests.set(id, request)
      this.#held.tell({ kind: 'requests' })
      return { request, secret }
    })
  }

  /** Lets the asker in as `user`, or as a new person named as they said, who is a guest if the stay is limited. */
  allow(
    id: string,
    how: { readonly user?: string | undefined; readonly staySeconds?: number | undefined },
  ): Promise<RequestRow> {
    const { user, staySeconds } = how
    return this.#held.exclusively(async () => {
      const request = this.#held.requests.get(id)
      if (request === undefined || request.state !== 'waiting') throw notFound('this request')
      if (user !== undefined && !this.#held.users.has(user)) throw notFound(user)
      const person =
        user === undefined ? this.#drafts.newUser(request.displayName, { staySeconds }) : undefined
      const answered: RequestRow = { ...request, state: 'allowed', user: user ?? person!.name }
      await this.#held.write(...(person ? [tables.putUser(person)] : []), tables.putRequest(answered))
      if (person) this.#held.keepUser(person)
      this.#held.requests.set(id, answered)
      this.#held.tell({ kind: 'requests' })
      if (person) this.#held.tell({ kind: 'people' })
      return answered
    })
  }

  deny(id: string): Promise<RequestRow> {
    return this.#held.exclusively(async () => {
      const request = this.#held.requests.get(id)
      if (request === undefined || request.state !== 'waiting') throw notFound('this request')
      const answered: RequestRow = { ...request, state: 'denied' }
      await this.#held.write(tables.putRequest(answered))
      this.#held.requests.set(id, answered)
      this.#held.tell({ kind: 'requests' })
      return answered
    })
  }

  /**
   * What the asker may know. An allowed request becomes a device at the first fetch; later fetches with the same
   * secret tell the same token, so that a lost answer costs nothing. Rejects (`notFound`) on a wrong secret.
   */
  fetch(
    id: string,
    secret: string,
  ): Promise<{ readonly state: RequestRow['state']; readonly enrolled: NewDevice | undefined }> {
    return this.#held.exclusively(async () => {
      const request = this.#held.requests.get(id)
      if (request === undefined || !sameText(request.secretHash, sha256(secret)))
        throw notFound('this request')
      if (request.state !== 'allowed') return { state: request.state, enrolled: undefined }
      const token = createHmac('sha256', this.#held.settings.identity().tokenKey)
        .update(`request:${id}:${secret}`)
        .digest('base64url')
      const known = this.#held.devices.get(request.device ?? '')
      if (known) return { state: 'allowed', enrolled: this.#drafts.told(known, token) }
      if (request.device !== undefined) throw notFound('this request')
      const user = this.#held.users.get(request.user!)
      if (user === undefined) throw notFound('this request')
      const { device } = this.#drafts.newDevice(user, { name: request.deviceName, kind: request.kind }, token)
      const done = { ...request, device: device.id }
      await this.#held.write(tables.putDevice(device), tables.putRequest(done))
      this.#held.keepDevice(device)
      this.#held.requests.set(id, done)
      return { state: 'allowed', enrolled: this.#drafts.told(device, token) }
    })
  }

  /** Waiting, or allowed and not fetched. */
  #openRequestOf(pageHash: string | undefined): RequestRow | undefined {
    if (pageHash === undefined) return undefined
    return [...this.#held.requests.values()].find(
      request => request.pageHash === pageHash && request.state !== 'denied' && request.device === undefined,
    )
  }

  #pageSecret(page: string, id: string): string {
    const { tokenKey } = this.#held.settings.identity()
    return createHmac('sha256', tokenKey).update(`page:${id}:${page}`).digest('base64url')
  }

  #refuseTooManyWaiting(address: string): void {
    const waiting = [...this.#held.requests.values()].filter(request => request.state === 'waiting')
    const source = sourceOf(address)
    const here = waiting.filter(request => sourceOf(request.address) === source)
    if (waiting.length < limits.requestsWaiting && here.length < limits.requestsPerSource) return
    throw new DirectoryError(
      'tooManyWaiting',
      'enough people are waiting to be let in; ask the owner to answer them, then try again',
    )
  }
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
