/** What is announced on one link, and what of it answers a question (RFC 6762 §6, §7.1, RFC 6763 §12). Pure. */
import { typeOf } from './codec.ts'
import { type MdnsMessage, type Name, type Question, type ResourceRecord, recordType } from './message.ts'
import { keyOf } from './names.ts'
import { noOthers, type OwnRecord, recordKeyOf } from './records.ts'

export class Zone {
  #byKey: ReadonlyMap<string, OwnRecord> = new Map()
  #byName: ReadonlyMap<string, readonly OwnRecord[]> = new Map()

  replace(records: Iterable<OwnRecord>): void {
    const byKey = new Map<string, OwnRecord>()
    // Services of one type share its name.
    for (const record of records) byKey.set(record.key, record)
    const byName = new Map<string, OwnRecord[]>()
    for (const record of byKey.values()) {
      const list = byName.get(record.nameKey)
      if (list) list.push(record)
      else byName.set(record.nameKey, [record])
    }
    this.#byKey = byKey
    this.#byName = byName
  }

  has(key: string): boolean {
    return this.#byKey.has(key)
  }

  /** Ours that is just this one. */
  find(record: ResourceRecord): OwnRecord | undefined {
    const type = typeOf(record.data)
    const isOfOurs = this.#byName.get(keyOf(record.name))?.some(own => own.type === type)
    return isOfOurs ? this.#byKey.get(recordKeyOf(record)) : undefined
  }

  /** RFC 6762 §7.1: what the asker has, for at least half as long as we would say; by key. */
  knownAnswers({ answers }: MdnsMessage): ReadonlySet<string> {
    const known = new Set<string>()
    for (const answer of answers) {
      const own = this.find(answer)
      if (own !== undefined && answer.ttlSeconds >= own.ttlSeconds / 2) known.add(own.key)
    }
    return known
  }

  answersTo(question: Question): readonly OwnRecord[] {
    if (question.class !== 1 && question.class !== recordType.ANY) return []
    const all = this.#byName.get(keyOf(question.name))
    if (all === undefined) return []
    const found = question.type === recordType.ANY ? all : all.filter(({ type }) => type === question.type)
    // RFC 6762 §6.1: of a name that is all ours, also what there is not.
    return found.length === 0 && all.every(({ unique }) => unique) ? [noOthers(all[0]!.name, all)] : found
  }

  /** Records to be added so that the asker need not ask again (RFC 6763 §12); none that is among `answers`. */
  additionals(answers: readonly OwnRecord[]): OwnRecord[] {
    const wanted = new Map<string, OwnRecord>()
    const add = (name: Name, types: readonly number[]): void => {
      for (const record of this.#byName.get(keyOf(name)) ?? []) {
        if (types.includes(record.type)) wanted.set(record.key, record)
      }
    }
    const { A, AAAA, SRV, TXT } = recordType
    for (const { data } of answers) if (data.type === 'PTR') add(data.target, [SRV, TXT, A, AAAA])
    for (const { data } of [...answers, ...wanted.values()])
      if (data.type === 'SRV') add(data.target, [A, AAAA])
    for (const { data, name } of answers) if (data.type === 'A' || data.type === 'AAAA') add(name, [A, AAAA])
    for (const answer of answers) wanted.delete(answer.key)
    return [...wanted.values()]
  }

  /** RFC 6762 §6.1: that the host has no address of the other family, where `told` has one, so that nobody waits for it. */
  missingFamily(told: readonly OwnRecord[], hostName: Name): OwnRecord[] {
    const key = keyOf(hostName)
    const addresses = this.#byName.get(key) ?? []
    const isTold = told.some(({ nameKey, type }) => nameKey === key && type !== recordType.NSEC)
    const hasBoth = new Set(addresses.map(({ type }) => type)).size > 1
    return isTold && !hasBoth && addresses.length > 0 ? [noOthers(hostName, addresses)] : []
  }
}
