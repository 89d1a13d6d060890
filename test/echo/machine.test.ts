import { describe, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { EchoMachine, echoLimits } from '../../src/echo/machine.ts'
import type { EchoEffect, EchoInput } from '../../src/echo/message.ts'

const offer = 'v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=ice-ufrag:abcd\r\na=fingerprint:sha-256 00\r\n'

class Echo {
  readonly machine = new EchoMachine()
  now = 0

  give(input: EchoInput): EchoEffect[] {
    return this.machine.handle(input, this.now as Monotonic)
  }

  incoming(call: string, sdp = offer): EchoEffect[] {
    const from = { user: 'ann', displayName: 'Ann' }
    return this.give({
      ...{
        kind: 'agentEvent',
        event: { kind: 'incoming', call, from, sdp, trickle: true, video: true },
      },
    })
  }

  answered(call: string): EchoEffect[] {
    return this.give({ kind: 'worker', message: { kind: 'answer', call, sdp: 'answer' } })
  }

  pass(milliseconds: number): EchoEffect[] {
    this.now += milliseconds
    return this.machine.wake(this.now as Monotonic)
  }
}

const agent = (command: object) => ({ kind: 'agent', command })
const toWorker = (message: object) => ({ kind: 'toWorker', message })

describe('the echo', () => {
  it('rings, has its worker answer, and takes the call', () => {
    const echo = new Echo()
    expect(echo.incoming('a')).toEqual([
      agent({ kind: 'ringing', call: 'a' }),
      toWorker({ kind: 'open', call: 'a', sdp: offer }),
    ])
    expect(echo.answered('a')).toEqual([agent({ kind: 'answer', call: 'a', sdp: 'answer' })])
  })

  it('refuses at once who leaves the offer to it, in a call and for one', () => {
    const echo = new Echo()
    const refused = [agent({ kind: 'refuse', call: 'a', code: 488 })]
    expect(echo.incoming('a', '')).toEqual(refused)
    expect(echo.machine.size).toBe(0)
    echo.incoming('a')
    echo.answered('a')
    expect(echo.give({ kind: 'agentEvent', event: { kind: 'offerWanted', call: 'a' } })).toEqual(refused)
    expect(echo.machine.size).toBe(1)
  })

  it.each([
    ['neither encrypts nor speaks ICE', 'v=0\r\nm=audio 8000 RTP/AVP 8 0\r\n'],
    ['encrypts without ICE', offer.replace(/a=ice-ufrag.*\r\n/, '')],
    [
      'has its keys in the description',
      offer.replace(/a=fingerprint.*/, 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNf'),
    ],
  ])('refuses at once a phone that %s', (_, sdp) => {
    expect(new Echo().incoming('a', sdp)).toEqual([agent({ kind: 'refuse', call: 'a', code: 488 })])
  })

  it('is busy for the fifth, and free again when one has gone', () => {
    const echo = new Echo()
    for (const call of ['a', 'b', 'c', 'd']) echo.incoming(call)
    expect(echo.incoming('e')).toEqual([agent({ kind: 'refuse', call: 'e', code: 486 })])
    const over = { kind: 'ended', call: 'a', by: 'peer', code: 200, reason: 'hangup' } as const
    expect(echo.give({ kind: 'agentEvent', event: over })).toEqual([toWorker({ kind: 'close', call: 'a' })])
    expect(echo.incoming('f')).toHaveLength(2)
  })

  it('hangs up after two minutes', () => {
    const echo = new Echo()
    echo.incoming('a')
    echo.answered('a')
    expect(echo.pass(echoLimits.callMilliseconds - 1)).toEqual([])
    expect(echo.pass(1)).toEqual([
      agent({ kind: 'bye', call: 'a', reason: 'hangup' }),
      toWorker({ kind: 'close', call: 'a' }),
    ])
    expect(echo.machine.size).toBe(0)
  })

  it('refuses what its worker can make nothing of, or does not answer in time', () => {
    const echo = new Echo()
    echo.incoming('a')
    expect(
      echo.give({ kind: 'worker', message: { kind: 'failed', call: 'a', why: 'no media' } }),
    ).toContainEqual(agent({ kind: 'refuse', call: 'a', code: 488 }))
    echo.incoming('b')
    expect(echo.pass(echoLimits.answerMilliseconds)).toContainEqual(
      agent({ kind: 'refuse', call: 'b', code: 488 }),
    )
  })

  it('leaves a call as it was when a new offer within it fails', () => {
    const echo = new Echo()
    echo.incoming('a')
    echo.answered('a')
    expect(echo.give({ kind: 'agentEvent', event: { kind: 'offer', call: 'a', sdp: 'new' } })).toEqual([
      toWorker({ kind: 'offer', call: 'a', sdp: 'new' }),
    ])
    const failed = echo.give({ kind: 'worker', message: { kind: 'failed', call: 'a', why: 'bad' } })
    expect(failed.filter(({ kind }) => kind === 'agent')).toEqual([
      agent({ kind: 'refuse', call: 'a', code: 488 }),
    ])
    expect(echo.machine.size).toBe(1)
  })

  it('ends every call when its worker is lost, and takes new ones', () => {
    const echo = new Echo()
    for (const call of ['a', 'b']) echo.incoming(call)
    echo.answered('a')
    const commands = echo.give({ kind: 'workerLost' }).filter(({ kind }) => kind === 'agent')
    expect(commands).toEqual([
      agent({ kind: 'bye', call: 'a', reason: 'failed' }),
      agent({ kind: 'refuse', call: 'b', code: 488 }),
    ])
    expect(echo.incoming('c')).toHaveLength(2)
  })
})
