/** What may be decided in the console while it runs: the configuration comes first, then the owner, then the default. */
import type { RelayPolicy } from '../relay/message.ts'
import type { Settings } from '../store/settings.ts'
import type { EnrolPolicy, PolicyChange, SitePolicies } from './message.ts'

/** Of `Config`, what is asked here. */
export interface PolicyConfig {
  readonly enrol: { readonly policy: EnrolPolicy }
  readonly relay: { readonly policy: RelayPolicy }
  readonly calls: { readonly retainDays: number }
  readonly given: Readonly<Record<string, string>>
}

const enrolPolicies: readonly EnrolPolicy[] = ['approve', 'invite', 'open']
const relayPolicies: readonly RelayPolicy[] = ['cross-vlan', 'on-failure', 'off']

export class Policies {
  readonly #config: PolicyConfig
  readonly #settings: Settings

  constructor(config: PolicyConfig, settings: Settings) {
    this.#config = config
    this.#settings = settings
  }

  get enrol(): EnrolPolicy {
    const { enrol, given } = this.#config
    const kept = enrolPolicies.find(policy => policy === this.#settings.policies().enrol)
    return given['enrol.policy'] === undefined ? (kept ?? enrol.policy) : enrol.policy
  }

  get relay(): RelayPolicy {
    const { relay, given } = this.#config
    const kept = relayPolicies.find(policy => policy === this.#settings.policies().relay)
    return given['relay.policy'] === undefined ? (kept ?? relay.policy) : relay.policy
  }

  get retainDays(): number {
    const { calls, given } = this.#config
    const kept = this.#settings.policies().retainDays
    return given['calls.retain_days'] === undefined ? (kept ?? calls.retainDays) : calls.retainDays
  }

  told(): SitePolicies {
    const { given } = this.#config
    return {
      enrol: { value: this.enrol, setIn: given['enrol.policy'] },
      relay: { value: this.relay, setIn: given['relay.policy'] },
      retainDays: { value: this.retainDays, setIn: given['calls.retain_days'] },
    }
  }

  /** The first key of a change that the configuration has taken, if any. */
  fixed({ enrolPolicy, relayPolicy, retainDays }: PolicyChange): { key: string; where: string } | undefined {
    const wanted = {
      'enrol.policy': enrolPolicy,
      'relay.policy': relayPolicy,
      'calls.retain_days': retainDays,
    }
    for (const [key, value] of Object.entries(wanted)) {
      const where = this.#config.given[key]
      if (value !== undefined && where !== undefined) return { key, where }
    }
    return undefined
  }

  change({ enrolPolicy: enrol, relayPolicy: relay, retainDays }: PolicyChange): Promise<void> {
    return this.#settings.changePolicies({ enrol, relay, retainDays })
  }
}
