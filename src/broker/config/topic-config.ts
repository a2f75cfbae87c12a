import { type BrokerConfig, SOURCE, type Source, type Texts } from './broker-config.ts'
import type { Key } from './key.ts'
import { SYNONYMS, type TopicKey, topicKeys } from './keys/topic.ts'
import { ConfigError, parseValue } from './parse.ts'

type TopicValueOf<K extends TopicKey> = (typeof topicKeys)[K] extends Key<infer T> ? T : never
type Described = { name: string; text: string | null; source: Source }

/** What is wrong is not one value: a key that nobody knows, or two that contradict each other. */
export class TopicConfigError extends ConfigError {}

const HOUR_MS = 3_600_000n
const MINUTE_MS = 60_000n
/** Kafka lets three keys give one default; the finest that is set wins. Source: KafkaConfig.logRetentionTimeMillis, logRollTimeMillis. */
const COARSER: Partial<
  Record<
    TopicKey,
    readonly (readonly [
      key: 'log.retention.minutes' | 'log.retention.hours' | 'log.roll.hours' | 'log.roll.jitter.hours' | 'log.flush.scheduler.interval.ms',
      unitMs: bigint,
    ])[]
  >
> = {
  'retention.ms': [
    ['log.retention.minutes', MINUTE_MS],
    ['log.retention.hours', HOUR_MS],
  ],
  'segment.ms': [['log.roll.hours', HOUR_MS]],
  'segment.jitter.ms': [['log.roll.jitter.hours', HOUR_MS]],
  'flush.ms': [['log.flush.scheduler.interval.ms', 1n]],
}

export const isTopicKey = (name: string): name is TopicKey => Object.hasOwn(topicKeys, name)
const keyOf = (name: TopicKey): Key<unknown> => topicKeys[name]

/** The default of a topic key on this broker, and every place that could give it, the one that counts first. */
const brokerDefaults = (config: BrokerConfig, name: TopicKey): Described[] => {
  const synonym = (SYNONYMS as Partial<Record<TopicKey, (typeof SYNONYMS)[keyof typeof SYNONYMS]>>)[name]
  if (!synonym) return [{ name, text: keyOf(name).default ?? null, source: SOURCE.DEFAULT }]
  const own = config.synonymsOf(synonym)
  const coarser = (COARSER[name] ?? []).flatMap(([key, unitMs]) =>
    config.synonymsOf(key).map(({ text, source }) => {
      const ms = BigInt(text!) * unitMs
      return { name: key, text: String(ms < 0n && name === 'retention.ms' ? -1n : ms), source }
    }),
  )
  const all = [...own, ...coarser]
  return all.length > 0 ? all : [{ name, text: keyOf(name).default ?? null, source: SOURCE.DEFAULT }]
}

/** What holds for one topic: its own values over the broker's defaults. Immutable. */
export class TopicConfig {
  readonly #broker: BrokerConfig
  readonly #own: Texts
  readonly #values = new Map<TopicKey, unknown>()

  /** Throws ConfigError for an unknown key or a value that cannot be used. */
  constructor(broker: BrokerConfig, own: Texts) {
    this.#broker = broker
    this.#own = own
    for (const name of own.keys()) if (!isTopicKey(name)) throw new TopicConfigError(name, `Unknown topic config name: ${name}`)
    for (const name of Object.keys(topicKeys) as TopicKey[])
      this.#values.set(name, parseValue(name, keyOf(name), this.describe(name)[0]!.text))
    this.#checkTogether()
  }

  /** Throws as the constructor does. */
  static check(broker: BrokerConfig, own: Texts): void {
    void new TopicConfig(broker, own)
  }

  get<K extends TopicKey>(name: K): TopicValueOf<K> {
    return this.#values.get(name) as TopicValueOf<K>
  }

  /** Every place where a key is set, the one that counts first; the topic's own value comes before all. */
  describe(name: TopicKey): [Described, ...Described[]] {
    const own = this.#own.get(name)
    const defaults = brokerDefaults(this.#broker, name) as [Described, ...Described[]]
    return own === undefined ? defaults : [{ name, text: own, source: SOURCE.TOPIC }, ...defaults]
  }

  #checkTogether(): void {
    const lag = this.get('min.compaction.lag.ms')
    const max = this.get('max.compaction.lag.ms')
    if (lag > max) {
      throw new TopicConfigError(
        'min.compaction.lag.ms',
        `conflict topic config setting min.compaction.lag.ms (${lag}) > max.compaction.lag.ms (${max})`,
      )
    }
  }
}
