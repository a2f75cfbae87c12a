import type { BrokerConfig } from './broker-config.ts'
import { advertisedOf, interBrokerListenerOf } from './listeners.ts'
import { ConfigError } from './parse.ts'

type Key = Parameters<BrokerConfig['get']>[0]

/** Whether the first key is at most the second one, and why it has to be. Source: KafkaConfig.validateValues. */
const AT_MOST: readonly (readonly [Key, Key, string])[] = [
  ['replica.fetch.wait.max.ms', 'replica.socket.timeout.ms', 'or a fetch ends before its answer comes'],
  ['replica.fetch.wait.max.ms', 'replica.lag.time.max.ms', 'or followers fall out of sync while they wait for records'],
]
const RETENTION: readonly Key[] = ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours']

const checkAdvertised = (config: BrokerConfig): void => {
  const advertised = advertisedOf(config, 'localhost', ({ port }) => port)
  const { name } = interBrokerListenerOf(config)
  if (advertised.some((endpoint) => endpoint.name === name)) return
  throw new ConfigError('advertised.listeners', `advertised.listeners must have ${name} too: other brokers come by that listener`)
}

/** What Kafka's table of keys does not refuse by itself, most of it since only several keys together are wrong. ConfigError says what to write instead. Call before anything is opened. */
export const checkTogether = (config: BrokerConfig): void => {
  checkAdvertised(config)
  for (const [smaller, larger, why] of AT_MOST) {
    const [value, limit] = [config.get(smaller) as number, config.get(larger) as number]
    if (value > limit) throw new ConfigError(smaller, `${smaller}=${value} must be at most ${larger} (${limit}), ${why}`)
  }
  const retention = RETENTION.find((key) => config.get(key) === 0)
  if (retention !== undefined)
    throw new ConfigError(retention, `${retention}=0 would delete every record at once: write 1 or more, or -1 to keep them for ever`)
  const codec = config.get('offsets.topic.compression.codec')
  if (codec < 0 || codec > 4)
    throw new ConfigError(
      'offsets.topic.compression.codec',
      `offsets.topic.compression.codec=${codec} must be 0 (none), 1 (gzip), 2 (snappy), 3 (lz4) or 4 (zstd)`,
    )
}
