import type { BrokerConfigAdmin, BrokerSetting, ConfigPlace } from '../../../src/client/broker-config-admin.ts'
import type { KeyChange } from '../../../src/client/config-resource.ts'
import type { KafkaError } from '../../../src/protocol/errors.ts'

/** Kafka's defaults of the keys that tests use; null: none. */
const DEFAULTS: Record<string, string | null> = { 'message.max.bytes': '1048588', 'log.retention.ms': null, 'num.io.threads': '8' }

/** What is set for brokers at run time, in memory. `files`: with what each broker began. */
export class FakeBrokerConfigs implements Pick<BrokerConfigAdmin, keyof BrokerConfigAdmin> {
  readonly files = new Map<number, Map<string, string>>()
  readonly set = new Map<string, string>()
  readonly #own = new Map<number, Map<string, string>>()
  refusal: KafkaError | undefined
  readonly #said: (what: string) => void

  constructor(said: (what: string) => void) {
    this.#said = said
  }

  async shared(): Promise<Map<string, string | null>> {
    return new Map(this.set)
  }

  async ofBroker(brokerId: number, keys: readonly string[]): Promise<Map<string, BrokerSetting>> {
    const own = this.throttleOf(brokerId)
    return new Map(
      keys.map((key) => {
        const places: [ConfigPlace, string | null | undefined][] = [
          ['broker', own[key]],
          ['cluster', this.set.get(key)],
          ['file', this.files.get(brokerId)?.get(key)],
          ['default', DEFAULTS[key] ?? undefined],
        ]
        return [key, new Map(places.flatMap(([place, value]) => (value === undefined ? [] : [[place, value] as const])))]
      }),
    )
  }

  /** What is set for one broker alone. */
  throttleOf(brokerId: number): Record<string, string> {
    return Object.fromEntries(this.#own.get(brokerId) ?? [])
  }

  async own(brokerId: number): Promise<Map<string, string | null>> {
    return new Map(this.#own.get(brokerId) ?? [])
  }

  async alterOwn(brokerId: number, changes: readonly KeyChange[]): Promise<void> {
    this.#said(`broker ${brokerId} ${changes.map(({ key, value }) => `${key}=${value}`).join(' ')}`)
    const config = this.#own.get(brokerId) ?? new Map<string, string>()
    change(config, changes)
    this.#own.set(brokerId, config)
  }

  async alterShared(changes: readonly KeyChange[]): Promise<void> {
    this.#said(`shared ${changes.map(({ key, value }) => `${key}=${value}`).join(' ')}`)
    if (this.refusal) throw this.refusal
    change(this.set, changes)
  }
}

const change = (config: Map<string, string>, changes: readonly KeyChange[]): void => {
  for (const { key, value } of changes) {
    if (value === null) config.delete(key)
    else config.set(key, value)
  }
}
