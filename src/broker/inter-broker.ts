import type { MonotonicClock } from '../base/clock.ts'
import type { ConnectionOptions } from '../client/connection.ts'
import type { SaslLogin } from '../client/login.ts'
import { isScramMechanism } from '../security/scram.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { parseJaas } from './config/jaas.ts'
import { interBrokerListenerOf } from './config/listeners.ts'
import { ConfigError } from './config/parse.ts'

const saslLogin = (config: BrokerConfig, listener: string): SaslLogin => {
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
  return { mechanism, username, password }
}

/** How this broker connects to others over the inter-broker listener. ConfigError where its login is not written down. */
export const interBrokerLogin = (
  config: BrokerConfig,
  clock: MonotonicClock,
  clientId: string,
): ((address: { host: string; port: number }) => ConnectionOptions) => {
  const { name, protocol } = interBrokerListenerOf(config)
  const sasl = protocol === 'SASL_PLAINTEXT' ? { sasl: saslLogin(config, name) } : {}
  const timeoutMs = config.get('controller.socket.timeout.ms')
  return ({ host, port }) => ({ host, port, clientId, clock, timeoutMs, ...sasl })
}
