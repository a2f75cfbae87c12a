import type { Address } from '../../client/address.ts'
import type { MonotonicClock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { parseProperties } from '../../base/properties.ts'
import type { ConnectionOptions } from '../../client/connection.ts'
import { passwordsFrom, type Passwords, type SaslLogin } from '../../client/login.ts'
import { isScramMechanism } from '../../security/scram.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { parseJaas } from '../config/jaas.ts'
import { interBrokerListenerOf } from '../config/listeners.ts'
import { ConfigError } from '../config/parse.ts'
import { clientTlsFrom, isTls } from '../tls/material.ts'
import { listenerKeys } from '../tls/ssl-keys.ts'

/** The passwords in the file, as it is now; where it cannot be read, the one that was configured. */
const passwordsOf = (disk: Disk, path: string, configured: string): Passwords =>
  passwordsFrom(() => {
    try {
      const properties = parseProperties(disk.readFile(path).toString('utf8'))
      const found = ['password', 'next.password'].flatMap((key) => properties.get(key) || [])
      return found.length > 0 ? found : [configured]
    } catch {
      return [configured]
    }
  })

const saslLogin = (config: BrokerConfig, listener: string, disk: Disk): SaslLogin => {
  const mechanism = config.getForListener(listener, 'sasl.mechanism.inter.broker.protocol')
  if (mechanism !== 'PLAIN' && !isScramMechanism(mechanism)) {
    throw new ConfigError(
      'sasl.mechanism.inter.broker.protocol',
      `sasl.mechanism.inter.broker.protocol=${mechanism} is not served: use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512`,
    )
  }
  const key = `listener.name.${listener.toLowerCase()}.${mechanism.toLowerCase()}.sasl.jaas.config`
  const text = config.getForListener(listener, 'sasl.jaas.config', mechanism)
  const options = text === null ? undefined : parseJaas(key, text).options
  const username = options?.get('username')
  const password = options?.get('password')
  if (username === undefined || password === undefined)
    throw new ConfigError(key, `${key} must name the username and password with which brokers log in to each other`)
  const file = config.get('sofakafka.inter.broker.password.file')
  return { mechanism, username, password: file ? passwordsOf(disk, file, password) : password }
}

export type InterBrokerOptions = {
  config: BrokerConfig
  clock: MonotonicClock
  /** Holds the certificates, which are read anew for each connection. */
  disk: Disk
  clientId: string
}

/** How this broker connects to others over the inter-broker listener. ConfigError where its login is not written down. */
export const interBrokerLogin = ({ config, clock, disk, clientId }: InterBrokerOptions): ((address: Address) => ConnectionOptions) => {
  const endpoint = interBrokerListenerOf(config)
  const { name, protocol } = endpoint
  const sasl = protocol.startsWith('SASL_') ? { sasl: saslLogin(config, name, disk) } : {}
  const tls = isTls(endpoint) ? { tls: () => clientTlsFrom(listenerKeys(config, name), disk) } : {}
  const timeoutMs = config.get('controller.socket.timeout.ms')
  return ({ host, port }) => ({ host, port, clientId, clock, timeoutMs, ...sasl, ...tls })
}
