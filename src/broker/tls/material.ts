import { createHash, type X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { Disk } from '../../base/disk.ts'
import type { ClientTls } from '../../client/tls.ts'
import { MappingRuleError, SslPrincipalMapper } from '../../security/ssl-principal-mapper.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { Endpoint } from '../config/listeners.ts'
import { ConfigError } from '../config/parse.ts'
import { protocolsFrom } from './protocols.ts'
import { listenerKeys, type SslKeys } from './ssl-keys.ts'
import { authoritiesFrom, keyPairFrom } from './stores.ts'

export type ClientAuth = 'none' | 'requested' | 'required'
/** All that a listener needs to speak TLS, read at one moment. `digest` differs where anything of it does. */
export type ServerMaterial = {
  context: SecureContextOptions
  clientAuth: ClientAuth
  leaf: X509Certificate
  mapper: SslPrincipalMapper
  digest: string
}

export const isTls = ({ protocol }: Endpoint): boolean => protocol === 'SSL' || protocol === 'SASL_SSL'

/** On a SASL listener only the key with the listener's prefix asks for certificates, as in Kafka since 2.8: SASL says there who the client is. */
const clientAuthOf = (config: BrokerConfig, { name, protocol }: Endpoint): ClientAuth =>
  protocol === 'SASL_SSL' && !config.isSetForListener(name, 'ssl.client.auth')
    ? 'none'
    : (config.getForListener(name, 'ssl.client.auth') as ClientAuth)

const mapperOf = (config: BrokerConfig, listener: string): SslPrincipalMapper => {
  const rules = config.getForListener(listener, 'ssl.principal.mapping.rules')
  try {
    return SslPrincipalMapper.parse(rules)
  } catch (error) {
    if (!(error instanceof MappingRuleError)) throw error
    throw new ConfigError('ssl.principal.mapping.rules', `ssl.principal.mapping.rules: ${error.message}`)
  }
}

/** Reads what a listener's keys name and tries it. Throws ConfigError. */
export const serverMaterial = (config: BrokerConfig, endpoint: Endpoint, disk: Disk): ServerMaterial => {
  const keys = listenerKeys(config, endpoint.name)
  const location = keys.name('ssl.keystore.location')
  const pair = keyPairFrom(keys, disk)
  if (!pair)
    throw new ConfigError(
      location,
      `listener ${endpoint.name} uses ${endpoint.protocol} and has no certificate: write ${keys.name('ssl.keystore.type')}=PEM and ${location}=FILE, a PEM file with the private key and the certificate chain`,
    )
  const clientAuth = clientAuthOf(config, endpoint)
  const ca = clientAuth === 'none' ? undefined : authoritiesFrom(keys, disk)
  const trust = keys.name('ssl.truststore.location')
  if (clientAuth !== 'none' && !ca)
    throw new ConfigError(
      trust,
      `${keys.name('ssl.client.auth')}=${clientAuth} needs to know who signs the clients' certificates: write ${keys.name('ssl.truststore.type')}=PEM and ${trust}=FILE`,
    )
  const context = { key: pair.key, cert: pair.chain, ...(ca ? { ca } : {}), ...protocolsFrom(keys) }
  tryContext(context, keys)
  const rules = config.getForListener(endpoint.name, 'ssl.principal.mapping.rules')
  const digest = createHash('sha256')
    .update(JSON.stringify([context, clientAuth, rules]))
    .digest('hex')
  return { context, clientAuth, leaf: pair.leaf, mapper: mapperOf(config, endpoint.name), digest }
}

const tryContext = (context: SecureContextOptions, keys: SslKeys): void => {
  try {
    createSecureContext(context)
  } catch (cause) {
    const name = keys.name('ssl.keystore.location')
    throw new ConfigError(name, `${name}: OpenSSL refuses this key, certificate or cipher list: ${(cause as Error).message}`)
  }
}

/** How a client of the keys' other side connects, read anew for each connection. Throws ConfigError. */
export const clientTlsFrom = (keys: SslKeys, disk: Disk): ClientTls => {
  const pair = keyPairFrom(keys, disk)
  const ca = authoritiesFrom(keys, disk)
  return {
    ...(ca ? { ca } : {}),
    ...(pair ? { key: pair.key, cert: pair.chain } : {}),
    checksName: keys.get('ssl.endpoint.identification.algorithm') !== null,
    ...protocolsFrom(keys),
  }
}
