import type { Key } from './key.ts'
import { clusterKeys, coordinatorKeys, throttleKeys } from './keys/cluster.ts'
import { logKeys } from './keys/log.ts'
import { networkKeys } from './keys/network.ts'
import { authorizerKeys, ownKeys, pemKeys, securityKeys } from './keys/security.ts'
import { systemPropertyKeys, zookeeperKeys } from './keys/zookeeper.ts'
import { ConfigError, parseValue } from './parse.ts'

/** Every key of Kafka 2.6's KafkaConfig, and no other. */
export const kafkaKeys = { ...networkKeys, ...logKeys, ...clusterKeys, ...coordinatorKeys, ...securityKeys, ...zookeeperKeys }
export const brokerKeys = { ...kafkaKeys, ...throttleKeys, ...authorizerKeys, ...pemKeys, ...systemPropertyKeys, ...ownKeys }
export type BrokerKey = keyof typeof brokerKeys
export type ValueOf<K extends BrokerKey> = (typeof brokerKeys)[K] extends Key<infer T> ? T : never

/** Where a value comes from, by the wire values of DescribeConfigs (DescribeConfigsResponse.ConfigSource). */
export const SOURCE = { TOPIC: 1, DYNAMIC_BROKER: 2, DYNAMIC_DEFAULT_BROKER: 3, STATIC_BROKER: 4, DEFAULT: 5 } as const
export type Source = (typeof SOURCE)[keyof typeof SOURCE]
export type Texts = ReadonlyMap<string, string>
type Layers = { dynamicBroker: Texts; dynamicDefault: Texts; static: Texts }

const NONE: Texts = new Map()
export const isBrokerKey = (name: string): name is BrokerKey => Object.hasOwn(brokerKeys, name)
const keyOf = (name: BrokerKey): Key<unknown> => brokerKeys[name]

/** listener.name.<listener>[.<mechanism>].<key> is the key for one listener; the listener's name is in lower case. */
const LISTENER_PREFIX = /^listener\.name\.([^.]+)\.(.+)$/
const MECHANISM_PREFIX = /^(plain|scram-sha-256|scram-sha-512|gssapi|oauthbearer)\.(.+)$/

/** The key behind a name of one listener (and mechanism); undefined for other names. */
export const listenerKeyOf = (name: string): BrokerKey | undefined => {
  const inner = LISTENER_PREFIX.exec(name)?.[2]
  const key = inner === undefined ? undefined : (MECHANISM_PREFIX.exec(inner)?.[2] ?? inner)
  return key !== undefined && isBrokerKey(key) ? key : undefined
}

const isKnown = (name: string): boolean => isBrokerKey(name) || listenerKeyOf(name) !== undefined

/**
 * The configuration of one broker, immutable: the file's values, under those that were set at run time for all brokers, under those for this one.
 * `get` gives parsed values; a key that nobody set has Kafka's default.
 */
export class BrokerConfig {
  readonly #layers: Layers
  readonly #values = new Map<string, unknown>()

  private constructor(layers: Layers) {
    this.#layers = layers
    for (const name of Object.keys(brokerKeys) as BrokerKey[]) this.#values.set(name, this.#parse(name, name, this.text(name)))
    for (const name of this.listenerNames()) this.#parse(name, listenerKeyOf(name)!, this.#lookUp(name).text ?? null)
  }

  /** Reads every value; throws ConfigError at the first that cannot be used. */
  static parse(properties: Texts): BrokerConfig {
    return new BrokerConfig({ static: properties, dynamicDefault: NONE, dynamicBroker: NONE })
  }

  /** The same file with other run-time values; throws ConfigError when one of them cannot be used. */
  withDynamic(dynamicDefault: Texts, dynamicBroker: Texts): BrokerConfig {
    return new BrokerConfig({ static: this.#layers.static, dynamicDefault, dynamicBroker })
  }

  get<K extends BrokerKey>(name: K): ValueOf<K> {
    return this.#values.get(name) as ValueOf<K>
  }

  /** The value for one listener: listener.name.<listener>[.<mechanism>].<key> where it is set, the one with the mechanism first, else the plain key. */
  getForListener<K extends BrokerKey>(listener: string, name: K, mechanism?: string): ValueOf<K> {
    const prefix = `listener.name.${listener.toLowerCase()}.`
    for (const full of mechanism ? [`${prefix}${mechanism.toLowerCase()}.${name}`, prefix + name] : [prefix + name]) {
      const { text } = this.#lookUp(full)
      if (text !== undefined) return parseValue(full, keyOf(name), text) as ValueOf<K>
    }
    return this.get(name)
  }

  /** Whether the key is set for this listener itself. */
  isSetForListener(listener: string, name: BrokerKey): boolean {
    return this.#lookUp(`listener.name.${listener.toLowerCase()}.${name}`).text !== undefined
  }

  /** The text of a key as it was set, or its default; null where there is none. */
  text(name: BrokerKey): string | null {
    return this.#lookUp(name).text ?? keyOf(name).default ?? null
  }

  sourceOf(name: string): Source {
    return this.#lookUp(name).source
  }

  /** The names with a listener's prefix that are set anywhere. */
  listenerNames(): string[] {
    const { dynamicBroker, dynamicDefault, static: file } = this.#layers
    const names = new Set([...dynamicBroker.keys(), ...dynamicDefault.keys(), ...file.keys()])
    return [...names].filter((name) => listenerKeyOf(name) !== undefined)
  }

  /** Every place where a key is set, the one that counts first, its default last; for a listener's name those of the plain key follow. */
  synonymsOf(name: string): { name: string; text: string | null; source: Source }[] {
    const { dynamicBroker, dynamicDefault, static: file } = this.#layers
    const plain = listenerKeyOf(name)
    const found = [
      { text: dynamicBroker.get(name), source: SOURCE.DYNAMIC_BROKER },
      { text: dynamicDefault.get(name), source: SOURCE.DYNAMIC_DEFAULT_BROKER },
      { text: file.get(name), source: SOURCE.STATIC_BROKER },
      { text: isBrokerKey(name) ? (keyOf(name).default ?? undefined) : undefined, source: SOURCE.DEFAULT },
    ]
    const own = found.flatMap(({ text, source }) => (text === undefined ? [] : [{ name, text, source }]))
    return plain === undefined ? own : [...own, ...this.synonymsOf(plain)]
  }

  /** What the person who wrote the file should hear: keys that nobody knows and keys that have no effect here. */
  warnings(): string[] {
    return [...this.#layers.static.keys()].flatMap((name) => {
      if (!isKnown(name)) return [`${name} is not a key of a broker; it is ignored`]
      if (!isBrokerKey(name) || keyOf(name).support !== 'no effect') return []
      return [`${name} is accepted without effect: ${keyOf(name).documentation}`]
    })
  }

  #lookUp(name: string): { text: string | undefined; source: Source } {
    const { dynamicBroker, dynamicDefault, static: file } = this.#layers
    if (dynamicBroker.has(name)) return { text: dynamicBroker.get(name), source: SOURCE.DYNAMIC_BROKER }
    if (dynamicDefault.has(name)) return { text: dynamicDefault.get(name), source: SOURCE.DYNAMIC_DEFAULT_BROKER }
    if (file.has(name)) return { text: file.get(name), source: SOURCE.STATIC_BROKER }
    return { text: undefined, source: SOURCE.DEFAULT }
  }

  /** `name` is what the user wrote, `plain` the key that it is of. */
  #parse(name: string, plain: BrokerKey, text: string | null): unknown {
    const key = keyOf(plain)
    if (text === null && key.default === undefined)
      throw new ConfigError(name, `Missing required configuration "${name}" which has no default value`)
    const value = parseValue(name, key, text)
    const isDefault = text === null || text === key.default || String(value) === String(key.default)
    if (key.support === 'refused' && !isDefault && !key.served?.includes(String(value))) {
      throw new ConfigError(name, `${name}${key.type === 'password' ? '' : `=${text}`} is refused: ${key.refusal}`)
    }
    return value
  }
}
