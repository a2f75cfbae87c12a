import type { BrokerConfig } from './broker-config.ts'
import { ConfigError, parseList } from './parse.ts'

/** The protocols of Kafka with their ids in UpdateMetadata. */
export const SECURITY_PROTOCOLS = { PLAINTEXT: 0, SSL: 1, SASL_PLAINTEXT: 2, SASL_SSL: 3 } as const
export type SecurityProtocol = keyof typeof SECURITY_PROTOCOLS
/** `host` is empty for every interface; an IPv6 address has no brackets here. */
export type Endpoint = { name: string; host: string; port: number; protocol: SecurityProtocol }

const protocolMap = (config: BrokerConfig): Map<string, SecurityProtocol> =>
  new Map(
    parseList(config.get('listener.security.protocol.map')).map((pair) => {
      const [name = '', protocol = ''] = pair.split(':').map((part) => part.trim())
      if (!Object.hasOwn(SECURITY_PROTOCOLS, protocol)) {
        throw new ConfigError(
          'listener.security.protocol.map',
          `listener.security.protocol.map: ${pair} must be NAME:PROTOCOL with one of ${Object.keys(SECURITY_PROTOCOLS).join(', ')}`,
        )
      }
      return [name.toUpperCase(), protocol as SecurityProtocol]
    }),
  )

const parseEndpoints = (key: string, text: string, protocols: Map<string, SecurityProtocol>): Endpoint[] => {
  const endpoints = parseList(text).map((address) => {
    const [, name = '', host = '', port = ''] = /^([\w.-]+):\/\/(?:\[?([0-9a-zA-Z\-%._:]*)\]?):(-?\d+)$/.exec(address) ?? []
    const protocol = protocols.get(name.toUpperCase())
    if (!name || Number(port) > 65_535) throw new ConfigError(key, `${key}: ${address} must be NAME://HOST:PORT`)
    if (!protocol)
      throw new ConfigError(
        key,
        `${key}: no protocol is given for listener ${name}; add ${name}:PROTOCOL to listener.security.protocol.map`,
      )
    return { name: name.toUpperCase(), host, port: Number(port), protocol }
  })
  const names = endpoints.map((endpoint) => endpoint.name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice) throw new ConfigError(key, `${key}: Each listener must have a different name, ${twice} stands twice`)
  return endpoints
}

/** The addresses to listen on. Throws ConfigError. */
export const listenersOf = (config: BrokerConfig): Endpoint[] => {
  const text = config.get('listeners') ?? `PLAINTEXT://${config.get('host.name')}:${config.get('port')}`
  const endpoints = parseEndpoints('listeners', text, protocolMap(config))
  if (endpoints.length === 0) throw new ConfigError('listeners', 'listeners: at least one NAME://HOST:PORT is needed')
  return endpoints
}

/** What clients are told, listener by listener; `hostName` stands in where a listener is on every interface, `boundPort` for a port of 0. */
export const advertisedOf = (config: BrokerConfig, hostName: string, boundPort: (endpoint: Endpoint) => number): Endpoint[] => {
  const listeners = listenersOf(config)
  const given = config.get('advertised.listeners')
  const oldHost = config.get('advertised.host.name')
  const oldPort = config.get('advertised.port')
  const base =
    given === null
      ? listeners.map((endpoint) => ({ ...endpoint, host: oldHost ?? endpoint.host, port: oldPort ?? endpoint.port }))
      : parseEndpoints('advertised.listeners', given, protocolMap(config))
  return base.map((endpoint) => {
    const listener = listeners.find(({ name }) => name === endpoint.name)
    if (!listener) throw new ConfigError('advertised.listeners', `advertised.listeners names ${endpoint.name}, which is not in listeners`)
    if (endpoint.host === '0.0.0.0') {
      throw new ConfigError(
        'advertised.listeners',
        'advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.',
      )
    }
    return { ...endpoint, host: endpoint.host || hostName, port: endpoint.port || boundPort(listener) }
  })
}

/** The listener that brokers use among themselves. */
export const interBrokerListenerOf = (config: BrokerConfig): Endpoint => {
  const listeners = listenersOf(config)
  const name = config.get('inter.broker.listener.name')
  const protocol = config.get('security.inter.broker.protocol')
  const found =
    name === null
      ? listeners.find((endpoint) => endpoint.protocol === protocol)
      : listeners.find((endpoint) => endpoint.name === name.toUpperCase())
  if (found) return found
  throw new ConfigError(
    'inter.broker.listener.name',
    name === null
      ? `no listener uses security.inter.broker.protocol=${protocol}; set inter.broker.listener.name to one of ${listeners.map((l) => l.name).join(', ')}`
      : `inter.broker.listener.name=${name} is not one of the listeners ${listeners.map((l) => l.name).join(', ')}`,
  )
}
