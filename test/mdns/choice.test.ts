import { describe, expect, it } from 'vitest'
import { type Monotonic, seconds } from '../../src/core/clock.ts'
import { Choice, leftToAvahiMilliseconds } from '../../src/mdns/choice.ts'
import type { ChoiceInput } from '../../src/mdns/message.ts'

const at = (milliseconds: number): Monotonic => milliseconds as Monotonic
const open: ChoiceInput = { kind: 'port', state: 'open' }
const held: ChoiceInput = { kind: 'port', state: 'held' }
const comes: ChoiceInput = { kind: 'avahi', present: true }
const goes: ChoiceInput = { kind: 'avahi', present: false }
const begin: ChoiceInput = { kind: 'begin' }

describe('left to itself', () => {
  it('an open port is used, and nobody asks for the bus', () => {
    const choice = new Choice('auto')
    expect(choice.handle(begin, at(0))).toEqual([
      { kind: 'port', wanted: true },
      { kind: 'bus', wanted: false },
    ])
    expect(choice.handle(open, at(1))).toEqual([])
    expect(choice.way).toBe('builtin')
  })

  it('a port that is held leads to the bus, and to avahi-daemon once that is there; then the port is left alone', () => {
    const choice = new Choice('auto')
    choice.handle(begin, at(0))
    expect(choice.handle(held, at(1))).toEqual([{ kind: 'bus', wanted: true }])
    expect(choice.way).toBeUndefined()
    expect(choice.handle(comes, at(2))).toEqual([
      { kind: 'avahi', used: true },
      { kind: 'port', wanted: false },
    ])
    expect(choice.way).toBe('avahi')
    // What was still under way when the port was left.
    expect(choice.handle(open, at(3))).toEqual([])
    expect(choice.way).toBe('avahi')
  })

  it('without avahi-daemon the port is used as soon as it is free', () => {
    const choice = new Choice('auto')
    choice.handle(begin, at(0))
    choice.handle(held, at(1))
    expect(choice.handle(open, at(2))).toEqual([{ kind: 'bus', wanted: false }])
    expect(choice.way).toBe('builtin')
  })

  it('avahi-daemon that restarts finds the port free, and is used again', () => {
    const choice = new Choice('auto')
    choice.handle(begin, at(0))
    choice.handle(held, at(1))
    choice.handle(comes, at(2))
    expect(choice.handle(goes, at(1_000))).toEqual([{ kind: 'avahi', used: false }])
    expect(choice.way).toBeUndefined()
    expect(choice.nextWakeup()).toBe(1_000 + leftToAvahiMilliseconds)
    expect(choice.handle(comes, at(2_000))).toEqual([{ kind: 'avahi', used: true }])
    expect(choice.nextWakeup()).toBeUndefined()
  })

  it('avahi-daemon that stays away leaves its port to us', () => {
    const choice = new Choice('auto')
    choice.handle(begin, at(0))
    choice.handle(held, at(1))
    choice.handle(comes, at(2))
    choice.handle(goes, at(1_000))
    expect(choice.wake(at(1_000 + leftToAvahiMilliseconds))).toEqual([{ kind: 'port', wanted: true }])
    expect(choice.handle(open, at(40_000))).toEqual([{ kind: 'bus', wanted: false }])
    expect(choice.way).toBe('builtin')
  })

  it('a port taken from us by avahi-daemon leads to it', () => {
    const choice = new Choice('auto')
    choice.handle(begin, at(0))
    choice.handle(open, at(1))
    expect(choice.handle(held, at(seconds(60)))).toEqual([{ kind: 'bus', wanted: true }])
    choice.handle(comes, at(seconds(61)))
    expect(choice.way).toBe('avahi')
  })
})

describe('told which way', () => {
  it('builtin never asks for the bus', () => {
    const choice = new Choice('builtin')
    expect(choice.handle(begin, at(0))).toContainEqual({ kind: 'bus', wanted: false })
    expect(choice.handle(held, at(1))).toEqual([])
    expect(choice.way).toBeUndefined()
    choice.handle(open, at(2))
    expect(choice.way).toBe('builtin')
  })

  it('avahi never asks for the port, however long avahi-daemon is away', () => {
    const choice = new Choice('avahi')
    expect(choice.handle(begin, at(0))).toEqual([
      { kind: 'port', wanted: false },
      { kind: 'bus', wanted: true },
    ])
    choice.handle(comes, at(1))
    expect(choice.way).toBe('avahi')
    expect(choice.handle(goes, at(2))).toEqual([{ kind: 'avahi', used: false }])
    expect(choice.nextWakeup()).toBeUndefined()
    expect(choice.way).toBeUndefined()
  })
})
