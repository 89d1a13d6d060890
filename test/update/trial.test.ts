import { describe, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import type { UpdateStatus } from '../../src/update/message.ts'
import { failedParts, networkPart, Trial, told, trouble } from '../../src/update/trial.ts'

const ok = { state: 'ok', detail: '' }
const well = {
  version: '0.2.0',
  parts: { sip: ok, signalling: ok, web: ok, store: ok, relay: ok, discovery: ok },
}
const failed = { state: 'failed', detail: 'no port' }

/** What is decided when `lookAt` says what it saw every three seconds. */
function decided(lookAt: (second: number) => string | undefined): string {
  const trial = new Trial(0 as Monotonic)
  for (let second = 0; second < 1_000; second += 3) {
    const step = trial.looked(lookAt(second), (second * 1_000) as Monotonic)
    if (step.kind === 'giveUp') return `${second} gave up: ${step.why}`
    if (step.kind === 'confirm') return `${second} confirmed`
  }
  return 'nothing'
}

describe('a trial', () => {
  it('is confirmed after a minute in which all was well', () => {
    expect(decided(second => (second < 20 ? 'lanline does not answer' : undefined))).toBe('81 confirmed')
  })
  it('begins its minute anew when something was not well', () => {
    expect(decided(second => (second === 48 ? 'sip: no port' : undefined))).toBe('111 confirmed')
  })
  it('is given up after five minutes, and says why', () => {
    expect(decided(() => 'lanline does not answer')).toBe('300 gave up: lanline does not answer')
    expect(decided(second => (second % 30 === 0 ? 'sip: no port' : undefined))).toMatch(/^300 gave up/)
  })
})

describe('all is well', () => {
  it('when the new version answers and no part of it failed', () => {
    expect(trouble(well, '0.2.0', [])).toBeUndefined()
    expect(trouble(undefined, '0.2.0', [])).toMatch(/does not answer/)
    expect(trouble(well, '0.3.0', [])).toMatch(/0\.2\.0 answers/)
    expect(trouble({ ...well, parts: { ...well.parts, relay: failed } }, '0.2.0', [])).toBe('relay: no port')
  })
  it('also where a part had failed before, but for those that are needed', () => {
    const look = { ...well, parts: { ...well.parts, relay: failed, store: ok } }
    expect(failedParts(look)).toEqual(['relay'])
    expect(trouble(look, '0.2.0', ['relay'])).toBeUndefined()
    expect(trouble({ ...well, parts: { ...well.parts, store: failed } }, '0.2.0', ['store'])).toMatch(/store/)
    expect(trouble({ version: '0.2.0', parts: {} }, '0.2.0', [])).toMatch(/not there/)
  })
})

describe('the network', () => {
  const on = (...addresses: string[]) => {
    const parts = { ...well.parts, network: networkPart(addresses.map(address => ({ address }))) }
    return { version: '0.2.0', parts }
  }
  it('that was there before an update must be there after it', () => {
    expect(trouble(on('fe80::1', '192.168.1.5'), '0.2.0', [])).toBeUndefined()
    expect(trouble(on('fd00::5'), '0.2.0', [])).toBeUndefined()
    for (const lost of [on(), on('169.254.7.7', 'fe80::1')])
      expect(trouble(lost, '0.2.0', failedParts(on('192.168.1.5')))).toMatch(/^network: /)
  })
  it('that gives no addresses is no reason to go back, nor where nobody knows what it was like', () => {
    expect(trouble(on(), '0.2.0', failedParts(undefined))).toBeUndefined()
    expect(trouble(on('169.254.7.7'), '0.2.0', failedParts(on('169.254.8.8')))).toBeUndefined()
  })
})

describe('what is told of an update', () => {
  const status: UpdateStatus = {
    ...{ phase: 'restarting', from: '0.1.0', to: '0.2.0', slot: 'b', percent: undefined, why: undefined },
    ...{ failedBefore: [], at: 1_000 },
  }
  const later = (slot: 'a' | 'b', trial: boolean) => ({
    booted: { slot, trial, boot: 1 },
    worked: false,
    at: 2_000,
  })
  it('is how it went, by the slot that runs', () => {
    expect(told(status, { ...later('a', false), worked: true })?.phase).toBe('restarting')
    expect(told(status, later('b', true))?.phase).toBe('onTrial')
    expect(told(status, later('b', false))?.phase).toBe('confirmed')
    expect(told(status, later('a', false))).toMatchObject({
      phase: 'wentBack',
      why: 'lanline 0.2.0 did not start',
    })
    expect(told({ ...status, phase: 'wentBack', why: 'sip: no port' }, later('a', false))?.why).toBe(
      'sip: no port',
    )
  })
  it('is that the one before starts now, as long as the one that failed still runs', () => {
    const gone: UpdateStatus = { ...status, phase: 'wentBack', why: 'sip: no port' }
    expect(told(gone, { ...later('b', true), worked: true })).toMatchObject({
      phase: 'restarting',
      to: '0.1.0',
    })
  })
  it('is that it failed, when the power went or the work broke off', () => {
    const writing: UpdateStatus = { ...status, phase: 'writing', percent: 40 }
    expect(told(writing, { ...later('a', false), worked: true })).toMatchObject({
      phase: 'writing',
      percent: 40,
    })
    const checking: UpdateStatus = { ...status, phase: 'checking', percent: 90 }
    expect(told(checking, later('b', true))?.phase).toBe('onTrial')
    expect(told(writing, later('a', false))).toMatchObject({ phase: 'failed', percent: undefined })
    expect(told(writing, { ...later('a', false), worked: true, at: 1e9 })?.phase).toBe('failed')
  })
})
