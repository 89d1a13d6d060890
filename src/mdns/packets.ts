/**
 * Records and questions put into as few messages as hold them, each within `limits.payloadBytes`: announcements,
 * answers, probes, and what a plain resolver is told. Pure.
 */
import { limits } from './codec.ts'
import type { MdnsMessage, Name, Question, RecordData, ResourceRecord } from './message.ts'

interface WritableMessage extends MdnsMessage {
  readonly questions: Question[]
  readonly answers: ResourceRecord[]
  readonly authorities: ResourceRecord[]
  readonly additionals: ResourceRecord[]
}

/** `more` is asked what else the asker of the last message will want; of that goes in what fits. */
export function answersOf<R extends ResourceRecord>(
  records: readonly R[],
  more: (answers: readonly R[]) => readonly R[],
): MdnsMessage[] {
  const messages: WritableMessage[] = []
  let room = new Room()
  let last: R[] = []
  for (const record of records) {
    if (messages.length === 0 || !room.holds([record])) {
      messages.push(emptyMessage(true))
      last = []
      room = new Room()
      // One that fits nowhere goes alone.
      room.holds([record])
    }
    messages.at(-1)!.answers.push(record)
    last.push(record)
  }
  messages.at(-1)?.additionals.push(...more(last).filter(record => room.holds([record])))
  return messages
}

/** RFC 6762 §8.1, §8.2: for each name a question of any type, with what is to be said of it; never in two packets. */
export function probesOf(
  names: readonly { readonly question: Question; readonly proposed: readonly ResourceRecord[] }[],
): MdnsMessage[] {
  const messages: WritableMessage[] = []
  let room = new Room()
  for (const { question, proposed } of names) {
    if (messages.length === 0 || !room.holds([question, ...proposed])) {
      messages.push(emptyMessage(false))
      room = new Room()
      room.holds([question, ...proposed])
    }
    messages.at(-1)!.questions.push(question)
    messages.at(-1)!.authorities.push(...proposed)
  }
  return messages
}

/** RFC 6762 §6.7: with the id and the questions as they were asked; undefined when not even those fit. */
export function plainAnswer(
  id: number,
  questions: readonly Question[],
  answers: readonly ResourceRecord[],
  more: readonly ResourceRecord[],
): MdnsMessage | undefined {
  const room = new Room()
  if (!room.holds(questions)) return undefined
  const message = emptyMessage(true, id)
  const fits = (record: ResourceRecord): boolean => room.holds([record])
  message.questions.push(...questions)
  message.answers.push(...answers.filter(fits))
  message.additionals.push(...more.filter(fits))
  return message.answers.length === 0 ? undefined : message
}

const emptyMessage = (response: boolean, id = 0): WritableMessage => ({
  ...{ id, response, truncated: false },
  ...{ questions: [], answers: [], authorities: [], additionals: [] },
})

const headerBytes = 12
const pointerBytes = 2

/** What is left of one message, counted as the codec compresses. */
class Room {
  #left = limits.payloadBytes - headerBytes
  readonly #suffixes = new Set<string>()

  /** Takes the room for all of them; false when there is not enough. */
  holds(items: readonly (Question | ResourceRecord)[]): boolean {
    const fresh = new Set<string>()
    let size = 0
    for (const item of items) {
      // Type and class; TTL and length.
      size += this.#nameSize(item.name, fresh) + 4
      if ('data' in item) size += 6 + this.#dataSize(item.data, fresh)
    }
    if (size > this.#left) return false
    this.#left -= size
    for (const suffix of fresh) this.#suffixes.add(suffix)
    return true
  }

  #nameSize(name: Name, fresh: Set<string>): number {
    let size = 0
    for (const [index, label] of name.entries()) {
      const suffix = JSON.stringify(name.slice(index))
      if (this.#suffixes.has(suffix) || fresh.has(suffix)) return size + pointerBytes
      fresh.add(suffix)
      size += 1 + Buffer.byteLength(label)
    }
    return size + 1
  }

  #dataSize(data: RecordData, fresh: Set<string>): number {
    switch (data.type) {
      case 'A':
        return 4
      case 'AAAA':
        return 16
      case 'PTR':
        return this.#nameSize(data.target, fresh)
      case 'SRV':
        return 6 + this.#nameSize(data.target, fresh)
      case 'TXT':
        return Math.max(
          1,
          data.strings.reduce((sum, string) => sum + 1 + string.length, 0),
        )
      case 'NSEC':
        return this.#nameSize(data.next, fresh) + 2 + Math.max(1, ...data.types.map(type => (type >> 3) + 1))
      case 'other':
        return data.bytes.length
    }
  }
}
