import type { Endpoint, SecurityProtocol } from '../../config/listeners.ts'
import { SECURITY_PROTOCOLS } from '../../config/listeners.ts'
import { decodeJson, encodeJson, integer, text, texts, ZnodeError } from './json.ts'

/** A live broker. `timestampMs` is when it registered. */
export type BrokerInfo = { id: number; endpoints: readonly Endpoint[]; rack: string | null; timestampMs: number }

export const BROKER_IDS = '/brokers/ids'

const ENDPOINT = /^([\w.-]+):\/\/\[?([^\]]*?)\]?:(-?\d+)$/
const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)

const decodeEndpoints = (path: string, endpoints: unknown, protocols: Map<string, string>): Endpoint[] => {
  if (!Array.isArray(endpoints)) throw new ZnodeError(`${path}: endpoints must be a list`)
  return endpoints.map((endpoint) => {
    const [, name, host, port] = ENDPOINT.exec(String(endpoint)) ?? []
    if (name === undefined || host === undefined) throw new ZnodeError(`${path}: the endpoint ${String(endpoint)} must be NAME://HOST:PORT`)
    const protocol = (protocols.get(name) ?? name) as SecurityProtocol
    if (!Object.hasOwn(SECURITY_PROTOCOLS, protocol)) throw new ZnodeError(`${path}: ${protocol} is no security protocol`)
    return { name, host, port: Number(port), protocol }
  })
}

/** Ephemeral; its czxid is the broker's epoch. Version 4, as 2.6 writes it. */
export const brokerIdZnode = {
  path: (id: number): string => `${BROKER_IDS}/${id}`,
  encode: ({ endpoints, rack, timestampMs }: BrokerInfo): Buffer => {
    const plain = endpoints.find(({ protocol }) => protocol === 'PLAINTEXT')
    return encodeJson({
      listener_security_protocol_map: Object.fromEntries(endpoints.map(({ name, protocol }) => [name, protocol])),
      endpoints: endpoints.map(({ name, host, port }) => `${name}://${bracketed(host)}:${port}`),
      ...(rack === null ? {} : { rack }),
      jmx_port: -1,
      port: plain?.port ?? -1,
      host: plain?.host ?? null,
      version: 4,
      timestamp: String(timestampMs),
    })
  },
  decode: (id: number, data: Buffer): BrokerInfo => {
    const path = brokerIdZnode.path(id)
    const json = decodeJson(path, data)
    const version = integer(path, json, 'version')
    const rack = typeof json['rack'] === 'string' ? json['rack'] : null
    const timestampMs = Number(json['timestamp'] ?? 0)
    if (version === 1) {
      return {
        id,
        rack,
        timestampMs,
        endpoints: [{ name: 'PLAINTEXT', host: text(path, json, 'host'), port: integer(path, json, 'port'), protocol: 'PLAINTEXT' }],
      }
    }
    const protocols = texts(path, json, 'listener_security_protocol_map')
    return { id, rack, timestampMs, endpoints: decodeEndpoints(path, json['endpoints'], protocols) }
  },
}

/** Its data version is the source of generated broker ids. */
export const BROKER_SEQUENCE = '/brokers/seqid'
