import { describeConfigs } from '../protocol/api/32-describe-configs.ts'
import { incrementalAlterConfigs } from '../protocol/api/44-incremental-alter-configs.ts'
import { checked, KafkaError } from '../protocol/errors.ts'
import type { ClusterClient } from './cluster-client.ts'
import { alteration, BROKER_RESOURCE, type KeyChange } from './config-resource.ts'

/** What a broker refuses with. */
export { KafkaError }

/** DescribeConfigsResponse.ConfigSource of kafka-clients. */
const SOURCES = { 2: 'broker', 3: 'cluster', 4: 'file', 5: 'default' } as const

/** Where a value stands: set at run time for one broker, for all of them, in the broker's file when it started, or Kafka's default. */
export type ConfigPlace = (typeof SOURCES)[keyof typeof SOURCES]
/** Of one key: its value at each place that has one. Sensitive values are null. */
export type BrokerSetting = ReadonlyMap<ConfigPlace, string | null>

/** The configuration of brokers at run time. Calls reject when the broker cannot be reached or refuses. */
export class BrokerConfigAdmin {
  readonly #client: ClusterClient

  constructor(client: ClusterClient) {
    this.#client = client
  }

  /** What is set at run time for all brokers together. */
  async shared(): Promise<Map<string, string | null>> {
    const resources = [{ resourceType: BROKER_RESOURCE, resourceName: '', configurationKeys: null }]
    const { results } = await this.#client.anyBroker(describeConfigs, { resources })
    return new Map(results.map(checked).flatMap(({ configs }) => configs.map(({ name, value }) => [name, value] as const)))
  }

  /** Of one broker: where these keys have values. */
  async ofBroker(brokerId: number, keys: readonly string[]): Promise<Map<string, BrokerSetting>> {
    const resources = [{ resourceType: BROKER_RESOURCE, resourceName: String(brokerId), configurationKeys: [...keys] }]
    const { results } = await this.#client.broker(brokerId, describeConfigs, { resources, includeSynonyms: true })
    return new Map(
      results.map(checked).flatMap(({ configs }) => configs.map(({ name, synonyms }) => [name, settingOf(name, synonyms)] as const)),
    )
  }

  /** What is set at run time for one broker alone, such as leader.replication.throttled.rate. */
  async own(brokerId: number, keys: readonly string[]): Promise<Map<string, string | null>> {
    const settings = await this.ofBroker(brokerId, keys)
    return new Map([...settings].flatMap(([key, places]) => (places.has('broker') ? [[key, places.get('broker') ?? null] as const] : [])))
  }

  /** Sets, or takes away (`value: null`), for one broker alone. */
  async alterOwn(brokerId: number, changes: readonly KeyChange[]): Promise<void> {
    const resources = [alteration(BROKER_RESOURCE, String(brokerId), changes)]
    const { responses } = await this.#client.broker(brokerId, incrementalAlterConfigs, { resources })
    responses.forEach(checked)
  }

  /** Sets, or takes away (`value: null`), for all brokers together. */
  async alterShared(changes: readonly KeyChange[]): Promise<void> {
    const { responses } = await this.#client.anyBroker(incrementalAlterConfigs, { resources: [alteration(BROKER_RESOURCE, '', changes)] })
    responses.forEach(checked)
  }
}

/** Synonyms of other names (log.retention.hours for log.retention.ms) are left out: they are keys of their own. */
const settingOf = (key: string, synonyms: readonly { name: string; value: string | null; source: number }[]): BrokerSetting =>
  new Map(
    synonyms.flatMap(({ name, value, source }) => {
      const place = SOURCES[source as keyof typeof SOURCES]
      return name === key && place ? [[place, value] as const] : []
    }),
  )
