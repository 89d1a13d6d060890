import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { type HttpListener, listenHttp } from '../../src/runtime/http.ts'
import { WebSockets } from '../../src/runtime/websocket.ts'

let listener: HttpListener | undefined
afterEach(() => listener?.close())

interface Heard {
  readonly refused: string[]
  /** Answered so far, and at most how many at once and how many in one turn of the event loop. */
  readonly seen: { answered: number; atOnce: number; inOneTurn: number }
}

/** A server that takes 5 ms for each answer, its path as the body. */
async function slowServer(): Promise<Heard & { port: number }> {
  const heard: Heard = { refused: [], seen: { answered: 0, atOnce: 0, inOneTurn: 0 } }
  const { seen } = heard
  let now = 0
  let inTurn = 0
  listener = await listenHttp({
    port: 0,
    allowLocal: () => true,
    onRefused: reason => heard.refused.push(reason),
    listener: async (request, response) => {
      if (inTurn++ === 0)
        setImmediate(() => {
          inTurn = 0
        })
      seen.inOneTurn = Math.max(seen.inOneTurn, inTurn)
      seen.atOnce = Math.max(seen.atOnce, ++now)
      await sleep(5)
      now--
      seen.answered++
      response.end(request.url)
    },
  })
  return { ...heard, port: listener.port }
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`

/** Everything that comes back on one connection, until it is closed or holds `until`. */
function say(port: number, text: string, until: string): Promise<string> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    let heard = ''
    socket.on('data', chunk => {
      heard += chunk
      if (heard.includes(until)) socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(heard))
  })
}

/** What comes back until writing fails, on a connection whose own half is never closed. */
function sayAndStay(port: number, text: string): Promise<string> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => socket.write(text))
    let heard = ''
    socket.on('data', chunk => {
      heard += chunk
    })
    socket.on('error', () => {})
    const more = setInterval(() => socket.write('x'), 10)
    socket.on('close', () => {
      clearInterval(more)
      resolve(heard)
    })
  })
}

describe('an HTTP connection', () => {
  it('that does not wait for its answers gets them one after the other, in order', async () => {
    const { port, seen } = await slowServer()
    const heard = await say(port, get('/one') + get('/two') + get('/three'), '/three')
    expect([...heard.matchAll(/^\/(one|two|three)/gm)].map(match => match[1])).toEqual([
      'one',
      'two',
      'three',
    ])
    expect(seen.atOnce).toBe(1)
  })

  it('that sends a thousand requests at once is cut, and costs the handler one of them', async () => {
    const { port, seen, refused } = await slowServer()
    await say(port, get('/').repeat(1_000), 'never')
    expect(refused).toEqual(['pipelined'])
    await sleep(20)
    expect(seen.answered).toBeLessThanOrEqual(1)
    expect(await say(port, get('/after'), '/after')).toContain('200 OK')
  })

  it('is taken a turn of the event loop each, however many come together', async () => {
    const { port, seen } = await slowServer()
    await Promise.all(Array.from({ length: 40 }, (_, index) => say(port, get(`/${index}.`), `/${index}.`)))
    expect([seen.answered, seen.inOneTurn]).toEqual([40, 1])
    expect(seen.atOnce).toBeGreaterThan(1)
  })

  it('with a header that is too large is refused and gone, though its own half stays open', async () => {
    const { port } = await slowServer()
    const large = `GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`
    expect(await sayAndStay(port, large)).toContain('400')
  })

  it('that asks nothing in time is told so in the word for it, upon which browsers ask again elsewhere', async () => {
    listener = await listenHttp({
      ...{ port: 0, allowLocal: () => true, onRefused: () => {}, listener: () => {} },
      headersMilliseconds: 50,
    })
    for (const text of ['', 'GET / HTTP/1.1\r\nHost: localhost\r\n'])
      expect(await say(listener.port, text, 'never')).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('whose upgrade is refused is gone too', async () => {
    const webSockets = new WebSockets({ routes: [], refuse: () => undefined, onFault: () => {} })
    listener = await listenHttp({
      ...{ port: 0, allowLocal: () => true, onRefused: () => {}, listener: () => {} },
      webSockets,
    })
    const upgrade =
      'GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    expect(await sayAndStay(listener.port, upgrade)).toContain('404')
  })
})
