import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { openPort, PortError } from '../../src/runtime/ports.ts'

const taken = (code: string) => Object.assign(new Error(code), { code })
const never = (): never => {
  throw new Error('should not move')
}

describe('an unset port', () => {
  it('moves on to the next free one and says so', async () => {
    const moves: unknown[] = []
    const open = async (port: number) => {
      if (port < 5063) throw taken('EADDRINUSE')
      return port
    }
    const wish = { key: 'sip.port', explicit: undefined, fallback: 5060 }
    expect(await openPort(wish, open, (...move) => moves.push(move))).toBe(5063)
    expect(moves).toEqual([['sip.port', 5060, 5063]])
  })
})

describe('an explicit port', () => {
  it('that is taken is an error naming port, key and the process that has it', async () => {
    const holder = createServer()
    await new Promise<void>(resolve => holder.listen(0, '127.0.0.1', resolve))
    const port = (holder.address() as { port: number }).port
    const wish = { key: 'sip.port', explicit: port, fallback: 5060 }
    const tried = openPort(wish, () => Promise.reject(taken('EADDRINUSE')), never)
    await expect(tried).rejects.toThrow(PortError)
    const self = process.platform === 'linux' ? `.*\\(pid ${process.pid}\\)` : ''
    await expect(tried).rejects.toThrow(new RegExp(`^port ${port} \\(sip\\.port\\) is taken by${self}`))
    holder.close()
  })

  it('that needs rights is an error that says so', async () => {
    const wish = { key: 'http.port', explicit: 80, fallback: 80 }
    const tried = openPort(wish, () => Promise.reject(taken('EACCES')), never)
    await expect(tried).rejects.toThrow(/port 80 \(http\.port\) needs rights/)
  })

  it('that fails for another reason passes the reason on', async () => {
    const wish = { key: 'http.port', explicit: 80, fallback: 80 }
    await expect(openPort(wish, () => Promise.reject(taken('EMFILE')), never)).rejects.toThrow('EMFILE')
  })
})
