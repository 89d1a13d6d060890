/** Uploads over real sockets: who may, how much, and what is left when one is not finished. */
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as schemas from '../../src/admin/capture-schemas.ts'
import { nodeListener } from '../../src/admin/listener.ts'
import type { ImportedCapture } from '../../src/admin/message.ts'
import { captureLimitBytes } from '../../src/admin/routes/captures.ts'
import { linkType } from '../../src/trace/packets/message.ts'
import { until } from '../net/wait.ts'
import { eventsOfKept } from '../trace/packets/calls.ts'
import { captured, pcap } from '../trace/packets/files.ts'
import { TraceHouse } from '../trace/packets/house.ts'
import { AdminHouse } from './house.ts'

type Headers = Readonly<Record<string, string>>
type Body = Uint8Array | AsyncIterable<Uint8Array>

interface Told {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  // biome-ignore lint/suspicious/noExplicitAny: bodies are checked field by field where it matters
  readonly body: any
}

let house: AdminHouse
let traces: TraceHouse
let server: Server
let people: Readonly<Record<'owner' | 'caller' | 'callee' | 'stranger', Headers>>

beforeAll(async () => {
  house = await AdminHouse.open({
    trace: {
      ...{
        file: async () => Buffer.alloc(0),
        pagePolicy: '',
        key: () => ({ publicKey: '', fingerprint: '' }),
      },
      capturePlan: async () => ({ state: 'ringing', caller: [], callee: [], captures: [] }),
      importCapture: (row, upload) => traces.io.importCapture(row, upload),
    },
  })
  traces = TraceHouse.on(house.store)
  people = {
    owner: await house.owner(),
    caller: await house.member('mia'),
    callee: await house.member('tom'),
    stranger: await house.member('zoe'),
  }
  server = createServer(nodeListener(house.app, 'https'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  server.close()
  server.closeAllConnections()
  await traces.close()
  await house.close()
})

function open(query: string, headers: Headers) {
  const { port } = server.address() as AddressInfo
  const path = `/api/v1/calls/${call}/capture${query}`
  const host = 'lanline.local:8443'
  const sent = request({ port, host: '127.0.0.1', path, method: 'POST', headers: { host, ...headers } })
  const told = new Promise<Told>((resolve, reject) => {
    sent.on('error', reject)
    sent.on('response', async response => {
      const text = (await response.toArray()).map(String).join('')
      resolve({ status: response.statusCode!, headers: response.headers, body: JSON.parse(text) })
    })
  })
  return { sent, told }
}

async function upload(body: Body, headers: Headers, query = ''): Promise<Told> {
  const { sent, told } = open(query, headers)
  // Whoever refuses takes no more of it.
  void pipeline(Readable.from(body instanceof Uint8Array ? [body] : body), sent).catch(() => {})
  const answer = await told
  if (answer.status === 200) schemas.importedCapture.parse(answer.body)
  return answer
}

let call = ''
const keep = async (): Promise<void> => {
  await traces.keep('direct')
  call = (await traces.row('direct')).id
}

describe('a capture sent to its call', () => {
  it('is taken from the two of the call and the owner, and told to be theirs', async () => {
    for (const who of ['caller', 'callee', 'owner'] as const) {
      await keep()
      const { status, body } = await upload(captured('direct'), people[who], '?name=my.pcapng&takenAt=client')
      expect(status).toBe(200)
      expect(body as ImportedCapture).toMatchObject({
        ...{ kind: 'added', verdict: { path: 'direct', grade: 'packets' } },
        facts: { name: 'my.pcapng', takenAt: 'client', importedBy: who },
      })
    }
  })

  it('is taken from nobody else, and nothing of it is read', async () => {
    await keep()
    const { 'x-csrf-token': _, ...withoutToken } = people.caller
    const refused: readonly [Headers, number, string][] = [
      [people.stranger, 404, 'notFound'],
      [{}, 401, 'notLoggedIn'],
      [withoutToken, 403, 'csrf'],
    ]
    for (const [headers, status, code] of refused) {
      const { sent, told } = open('', headers)
      // Headers only: an answer comes although the body never does.
      sent.flushHeaders()
      expect(await told).toMatchObject({ status, body: { error: { code } } })
      sent.destroy()
    }
    expect((await traces.trace('direct')).events.some(({ kind }) => kind === 'capture')).toBe(false)
  })

  it('is taken from a device with its token', async () => {
    await keep()
    const { token } = await house.store.directory.enrol({ user: 'tom' }, { name: 'Phone', kind: 'page' })
    const { body } = await upload(captured('direct'), { authorization: `Bearer ${token}` })
    expect(body).toMatchObject({ kind: 'added', facts: { importedBy: 'callee', name: 'capture' } })
  })

  it('may not name itself with what people cannot see, nor be taken by lanline itself', async () => {
    await keep()
    const name = encodeURIComponent(`a\u0000\u202eb${'x'.repeat(200)}`)
    const { body } = await upload(captured('direct'), people.caller, `?name=${name}`)
    expect(body.facts.name).toBe(`a  b${'x'.repeat(76)}`)
    const wrong = await upload(captured('direct'), people.caller, '?takenAt=appliance')
    expect(wrong).toMatchObject({ status: 400, body: { error: { code: 'badQuery' } } })
  })

  it('that says it is too large is refused before it comes', async () => {
    await keep()
    const { sent, told } = open('', {
      ...people.caller,
      'content-length': String(captureLimitBytes + 1),
    })
    sent.flushHeaders()
    expect(await told).toMatchObject({ status: 413, body: { error: { code: 'tooLarge' } } })
    sent.destroy()
  })

  it('that turns out too large is refused while it comes, and leaves nothing', async () => {
    await keep()
    const frame = Buffer.alloc(262_144)
    const one = pcap(linkType.ethernet, [frame])
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield captured('direct').subarray(0, 0)
      yield one
      const record = one.subarray(24)
      for (;;) yield record
    }
    expect(await upload(endless(), people.caller)).toMatchObject({
      status: 413,
      body: { error: { code: 'tooLarge', message: expect.stringContaining('at most 200 MB') } },
    })
    expect((await traces.trace('direct')).events.some(({ kind }) => kind === 'capture')).toBe(false)
  })

  it('that stops in the middle leaves nothing, and the next one is taken', async () => {
    await keep()
    const { sent, told } = open('', people.caller)
    told.catch(() => {})
    sent.write(captured('direct').subarray(0, 60_000))
    await until('it is being read', async () => (await busy()) !== undefined)
    sent.destroy()
    await until('its place is free', async () => (await busy()) === undefined)
    expect((await traces.trace('direct')).events.some(({ kind }) => kind === 'capture')).toBe(false)
    expect((await upload(captured('direct'), people.caller)).body.kind).toBe('added')
  })

  it('waits while the sender’s last one is read: 503, and when to try again', async () => {
    await keep()
    const { sent, told } = open('', people.caller)
    sent.write(captured('direct').subarray(0, 60_000))
    const answer = await until('it is being read', busy)
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '5' } })
    expect(answer.body.error.code).toBe('busy')
    sent.end(captured('direct').subarray(60_000))
    expect((await told).body.kind).toBe('added')
  })

  it('says with a stable word what is wrong with it or with the call', async () => {
    await keep()
    expect(await upload(Buffer.from('no capture'), people.caller)).toMatchObject({
      status: 400,
      body: { error: { code: 'notACapture', detail: 'notACapture' } },
    })
    expect(await upload(Buffer.alloc(0), people.caller)).toMatchObject({
      status: 400,
      body: { error: { code: 'notACapture', detail: 'empty' } },
    })
    await traces.keep('direct', eventsOfKept('direct').slice(1))
    call = (await traces.row('direct')).id
    expect(await upload(captured('direct'), people.caller)).toMatchObject({
      status: 409,
      body: { error: { code: 'forgotten' } },
    })
  })

  it('is described for whoever writes a client', async () => {
    const { body } = await house.api('GET', '/openapi.json')
    const { post } = body.paths['/calls/{id}/capture']
    expect(post.requestBody).toEqual({ required: true, content: { 'application/octet-stream': {} } })
    expect(post.parameters.map(({ name }: { name: string }) => name)).toEqual([
      'id',
      'name',
      'takenAt',
      'x-csrf-token',
    ])
  })
})

/** What a second upload of the caller is told while the first is read. */
async function busy(): Promise<Told | undefined> {
  const told = await upload(Buffer.from('no capture'), people.caller)
  return told.status === 503 ? told : undefined
}
