/**
 * The calls this client holds, kept where they outlive the page: each with the newest dialog token the appliance gave
 * it, and how it ended if that could not be told yet. `hello` presents them. Where nothing can be kept they last as long as
 * the page does.
 */
import type { EndReason } from '../src/core/end-reason.ts'
import type { ResumeCall } from '../src/signalling/message.ts'
import type { TextStorage } from './env.ts'

interface Entry {
  dialog: string
  ended?: { by: 'self' | 'peer'; reason: EndReason; at: number }
}

/** As many as the appliance takes in one `hello`; the oldest go first. */
const limitCalls = 8

export class KeptCalls {
  readonly #storage: TextStorage
  readonly #key: string
  readonly #wall: () => number
  readonly #entries: Map<string, Entry>

  constructor(storage: TextStorage, key: string, wall: () => number) {
    this.#storage = storage
    this.#key = key
    this.#wall = wall
    this.#entries = new Map(readEntries(textIn(storage, key)))
    // Whatever an earlier life of this page left open has no media any more: it ended when that page did.
    for (const entry of this.#entries.values()) {
      entry.ended ??= { by: 'self', reason: 'lost', at: wall() }
    }
  }

  /** Keeps the newest dialog token of a call; `''` while there is none, as in set-up. */
  token(call: string, dialog: string): void {
    const entry = this.#entries.get(call)
    if (entry) entry.dialog = dialog
    else this.#entries.set(call, { dialog })
    this.#write()
  }

  has(call: string): boolean {
    return this.#entries.has(call)
  }

  /** Remembers an end that the appliance may not have heard of. */
  ended(call: string, by: 'self' | 'peer', reason: EndReason): void {
    const entry = this.#entries.get(call)
    if (entry === undefined || entry.ended) return
    entry.ended = { by, reason, at: this.#wall() }
    this.#write()
  }

  /** The appliance knows: nothing is left to tell. */
  forget(call: string): void {
    if (this.#entries.delete(call)) this.#write()
  }

  list(): ResumeCall[] {
    const now = this.#wall()
    return [...this.#entries].map(([call, { dialog, ended }]) => ({
      call,
      dialog,
      // A wall clock may have been set back meanwhile.
      ...(ended && {
        ended: {
          by: ended.by,
          reason: ended.reason,
          agoMilliseconds: Math.max(0, Math.round(now - ended.at)),
        },
      }),
    }))
  }

  #write(): void {
    while (this.#entries.size > limitCalls) this.#entries.delete(this.#entries.keys().next().value!)
    try {
      if (this.#entries.size === 0) this.#storage.removeItem(this.#key)
      else this.#storage.setItem(this.#key, JSON.stringify([...this.#entries]))
    } catch {
      // A browser without room, or one that may keep nothing: no reason to lose the call now.
    }
  }
}

function textIn(storage: TextStorage, key: string): string | null {
  try {
    return storage.getItem(key)
  } catch {
    return null
  }
}

function readEntries(text: string | null): [string, Entry][] {
  if (text === null) return []
  try {
    const entries = JSON.parse(text) as [string, Entry][]
    return entries.filter(([call, entry]) => typeof call === 'string' && typeof entry.dialog === 'string')
  } catch {
    return []
  }
}
