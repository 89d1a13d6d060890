import { describe, expect, it } from 'vitest'
import { passedDescriptor, serviceManager } from '../../src/runtime/systemd.ts'

const passed = { LISTEN_PID: '7', LISTEN_FDS: '2', LISTEN_FDNAMES: 'other:notify' }

describe('the socket that systemd has opened', () => {
  it('is found by its name', () => {
    expect(passedDescriptor(passed, 7)).toBe(4)
  })

  it('is nobody else’s, who only inherits the environment', () => {
    expect(passedDescriptor(passed, 8)).toBeUndefined()
  })

  it('is not there where fewer were passed than named, or none', () => {
    expect(passedDescriptor({ ...passed, LISTEN_FDS: '1' }, 7)).toBeUndefined()
    expect(passedDescriptor({}, 7)).toBeUndefined()
  })
})

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
