import { describe, expect, it } from 'vitest'
import { serviceManager } from '../../src/runtime/systemd.ts'

describe('the watchdog', () => {
  const environment = { NOTIFY_SOCKET: '/run/systemd/notify', WATCHDOG_USEC: '30000000' }

  it('has the time that systemd gives', () => {
    expect(serviceManager(environment)?.watchdogMilliseconds).toBe(30_000)
    expect(serviceManager({ NOTIFY_SOCKET: '/x' })?.watchdogMilliseconds).toBeUndefined()
  })

  it('is not for a process that only inherits the environment', () => {
    expect(serviceManager({ ...environment, WATCHDOG_PID: '7' }, 8)?.watchdogMilliseconds).toBeUndefined()
    expect(serviceManager({ ...environment, WATCHDOG_PID: '7' }, 7)?.watchdogMilliseconds).toBe(30_000)
  })

  it('nobody is told anything without systemd', () => {
    expect(serviceManager({ WATCHDOG_USEC: '30000000' })).toBeUndefined()
  })
})
