import type { BrokerConfig } from '../config/broker-config.ts'

/** The keys of Kafka that say how one side of TLS is set up, under the names that they have without a prefix. */
export type SslKey =
  | 'ssl.protocol'
  | 'ssl.enabled.protocols'
  | 'ssl.cipher.suites'
  | 'ssl.endpoint.identification.algorithm'
  | 'ssl.keystore.type'
  | 'ssl.keystore.location'
  | 'ssl.keystore.password'
  | 'ssl.truststore.type'
  | 'ssl.truststore.location'
  | 'ssl.truststore.password'
  | PemKey
/** Only listeners have these. */
export type PemKey = 'ssl.key.password' | 'ssl.keystore.key' | 'ssl.keystore.certificate.chain' | 'ssl.truststore.certificates'

/** Where the keys of one side are looked up. `name` is what the user writes. */
export type SslKeys = {
  get(key: SslKey): string | null
  name(key: SslKey | 'ssl.client.auth'): string
}

const asText = (value: unknown): string | null => {
  const text = Array.isArray(value) ? value.join(',') : (value as string | null)
  return text === '' ? null : text
}

export const listenerKeys = (config: BrokerConfig, listener: string): SslKeys => ({
  get: (key) => asText(config.getForListener(listener, key)),
  name: (key) => `listener.name.${listener.toLowerCase()}.${key}`,
})

/** ZooKeeper's key has the password of its store, as in Apache's client. */
const zooKeeperName = (key: SslKey): `zookeeper.${Exclude<SslKey, PemKey>}` | undefined => {
  switch (key) {
    case 'ssl.key.password':
      return 'zookeeper.ssl.keystore.password'
    case 'ssl.keystore.key':
    case 'ssl.keystore.certificate.chain':
    case 'ssl.truststore.certificates':
      return undefined
    default:
      return `zookeeper.${key}`
  }
}

export const zooKeeperKeys = (config: BrokerConfig): SslKeys => ({
  get: (key) => {
    const name = zooKeeperName(key)
    return name === undefined ? null : asText(config.get(name))
  },
  name: (key) => `zookeeper.${key}`,
})
