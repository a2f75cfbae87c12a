import { KafkaError } from '../../protocol/errors.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { brokerKeys, isBrokerKey, listenerKeyOf, type Source, SOURCE } from '../config/broker-config.ts'
import type { Key, KeyType } from '../config/key.ts'
import { throttleKeys } from '../config/keys/cluster.ts'
import { type TopicKey, topicKeys } from '../config/keys/topic.ts'
import { ConfigError } from '../config/parse.ts'
import { isTopicKey, TopicConfig, TopicConfigError } from '../config/topic-config.ts'
import type { Context } from '../context.ts'
import { DEFAULT_ENTITY } from '../metadata/znodes/config.ts'

/** Source: ConfigResource.Type. */
const RESOURCE = { TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8 } as const

/** Source: DescribeConfigsResponse.ConfigType. */
const TYPE_IDS: Record<KeyType, number> = { boolean: 1, string: 2, int: 3, short: 4, long: 5, double: 6, list: 7, class: 8, password: 9 }

export type Target = { type: 'topics'; name: string } | { type: 'brokers'; name: string }

/** Whose configuration a resource names, when the client may do `operation` with it. KafkaError with Kafka's message otherwise. */
export const targetOf = (
  context: Context,
  resourceType: number,
  resourceName: string,
  operation: 'DESCRIBE_CONFIGS' | 'ALTER_CONFIGS',
): Target => {
  if (resourceType === RESOURCE.TOPIC) {
    context.authorize(operation, 'TOPIC', resourceName)
    return { type: 'topics', name: resourceName }
  }
  if (resourceType === RESOURCE.BROKER || resourceType === RESOURCE.BROKER_LOGGER) context.authorize(operation, 'CLUSTER', CLUSTER_NAME)
  if (resourceType === RESOURCE.BROKER_LOGGER)
    throw new KafkaError('INVALID_REQUEST', 'Loggers are neither shown nor changed at run time; set LOG_LEVEL when the broker starts')
  if (resourceType !== RESOURCE.BROKER)
    throw new KafkaError('INVALID_REQUEST', `Unsupported resource type ${resourceType}: use TOPIC (2) or BROKER (4)`)
  const { brokerId } = context.broker
  if (resourceName !== '' && resourceName !== String(brokerId)) {
    throw new KafkaError('INVALID_REQUEST', `Unexpected broker id, expected ${brokerId} or empty string, but received ${resourceName}`)
  }
  return { type: 'brokers', name: resourceName === '' ? DEFAULT_ENTITY : resourceName }
}

export type Entry = {
  name: string
  value: string | null
  readOnly: boolean
  isDefault: boolean
  configSource: number
  isSensitive: boolean
  synonyms: { name: string; value: string | null; source: number }[]
  configType: number
  documentation: string | null
}
type Place = { name: string; text: string | null; source: Source }

const entryOf = (
  name: string,
  key: Key<unknown>,
  places: readonly Place[],
  options: { readOnly: boolean; ownSources: readonly Source[] },
): Entry => {
  const isSensitive = key.type === 'password'
  const shown = (text: string | null) => (isSensitive ? null : text)
  const source = places[0]?.source ?? SOURCE.DEFAULT
  return {
    name,
    value: shown(places[0]?.text ?? null),
    readOnly: options.readOnly,
    isDefault: !options.ownSources.includes(source),
    configSource: source,
    isSensitive,
    synonyms: places.map((place) => ({ name: place.name, value: shown(place.text), source: place.source })),
    configType: TYPE_IDS[key.type],
    documentation: key.documentation,
  }
}

export const topicEntries = (config: TopicConfig): Entry[] =>
  (Object.keys(topicKeys) as TopicKey[]).map((name) =>
    entryOf(name, topicKeys[name], config.describe(name), { readOnly: false, ownSources: [SOURCE.TOPIC] }),
  )

/** Of one broker: every key, throttles where they are set. Of all brokers ("" as name): only what is set for all of them at run time. */
export const brokerEntries = (config: BrokerConfig, target: Target): Entry[] => {
  const isShown = (name: keyof typeof brokerKeys): boolean => !Object.hasOwn(throttleKeys, name) || config.sourceOf(name) !== SOURCE.DEFAULT
  const names: [name: string, key: keyof typeof brokerKeys][] = [
    ...(Object.keys(brokerKeys) as (keyof typeof brokerKeys)[]).filter(isShown).map((name): [typeof name, typeof name] => [name, name]),
    ...config.listenerNames().map((name): [string, keyof typeof brokerKeys] => [name, listenerKeyOf(name)!]),
  ]
  const entries = names.map(([name, key]) =>
    entryOf(name, brokerKeys[key], config.synonymsOf(name), {
      readOnly: (brokerKeys[key] as Key<unknown>).scope === undefined,
      ownSources: [SOURCE.DYNAMIC_BROKER, SOURCE.DYNAMIC_DEFAULT_BROKER, SOURCE.STATIC_BROKER],
    }),
  )
  if (target.name !== DEFAULT_ENTITY) return entries
  return entries.flatMap((entry) => {
    const shared = entry.synonyms.find(({ source }) => source === SOURCE.DYNAMIC_DEFAULT_BROKER)
    return shared ? [{ ...entry, value: shared.value, configSource: shared.source, synonyms: [shared] }] : []
  })
}

/** Kafka's two answers: INVALID_CONFIG for keys that nobody knows or that contradict each other, INVALID_REQUEST for a value (AdminManager.alterConfigs). */
const refused = (error: unknown, { type, name }: Target): unknown => {
  if (!(error instanceof ConfigError)) return error
  if (error instanceof TopicConfigError) return new KafkaError('INVALID_CONFIG', error.message, { cause: error })
  const resource = type === 'topics' ? `type=TOPIC, name='${name}'` : `type=BROKER, name='${name === DEFAULT_ENTITY ? '' : name}'`
  return new KafkaError('INVALID_REQUEST', `Invalid config value for resource ConfigResource(${resource}): ${error.message}`, {
    cause: error,
  })
}

/** Kafka changes these at run time with a listener's prefix alone (DynamicSecurityConfigs). */
const OF_LISTENERS = /^ssl\.(key|trust)store\./

const checkScope = (name: string, target: Target): void => {
  const plain = isBrokerKey(name) ? name : listenerKeyOf(name)
  const key: Key<unknown> | undefined = plain && brokerKeys[plain]
  if (!key?.scope) throw new KafkaError('INVALID_REQUEST', `Cannot update these configs dynamically: ${name}`)
  if (name === plain && OF_LISTENERS.test(name))
    throw new KafkaError(
      'INVALID_REQUEST',
      `These security configs can be dynamically updated only per-listener using the listener prefix: ${name}`,
    )
  if ((key.scope === 'per-broker' || name !== plain) && target.name === DEFAULT_ENTITY) {
    throw new KafkaError('INVALID_REQUEST', `Cannot update these configs at default cluster level, per-broker configs: ${name}`)
  }
  if (key.type === 'password')
    throw new KafkaError(
      'INVALID_REQUEST',
      `${name} cannot be set at run time: passwords are not stored in ZooKeeper; write it to server.properties`,
    )
}

/** Throws KafkaError unless `texts` could stand as the whole run-time configuration of the target. */
export const checkConfig = (context: Context, target: Target, texts: ReadonlyMap<string, string>): void => {
  const { broker } = context.broker.admin.configs
  try {
    if (target.type === 'topics') TopicConfig.check(broker, texts)
    else {
      for (const name of texts.keys()) checkScope(name, target)
      const candidate = broker.withDynamic(
        target.name === DEFAULT_ENTITY ? texts : new Map(),
        target.name === DEFAULT_ENTITY ? new Map() : texts,
      )
      if ([...texts.keys()].some((name) => listenerKeyOf(name)?.startsWith('ssl.'))) context.broker.checkCertificates(candidate)
    }
  } catch (error) {
    throw refused(error, target)
  }
}

/** Whether the key holds a list, to which single elements can be added. */
export const isListKey = (target: Target, name: string): boolean => {
  if (target.type === 'topics') return isTopicKey(name) && topicKeys[name].type === 'list'
  return isBrokerKey(name) && brokerKeys[name].type === 'list'
}
