import type { Cluster } from '../../../api/index.ts'
import type { Pod, Service } from '../../../kube/resources.ts'
import * as names from '../../names.ts'
import type { BrokerAddress, Inputs } from '../inputs.ts'
import { brokersOf } from './services.ts'
import { isExternal, isOnNodes, listenersOf, type Listener } from './listeners.ts'
import { addressText, isZooKeeper } from '../pods/broker-pods.ts'

export type Addresses = {
  addresses: Map<string, BrokerAddress[]>
  bootstrap: Map<string, string>
  /** What is not known yet, in words: of single brokers, and of bootstrap Services. */
  missing: string[]
}

const ingressOf = (service: Service | undefined): string | undefined => {
  const [first] = service?.status?.loadBalancer?.ingress ?? []
  return first?.hostname ?? first?.ip
}

const nodePortOf = (service: Service | undefined): number | undefined => service?.spec.ports[0]?.nodePort

/** The nodes on which brokers run. */
const nodeAddresses = (pods: readonly Pod[]): string[] => {
  const addresses = pods
    .filter((pod) => !isZooKeeper(pod))
    .flatMap(({ status }) => (typeof status?.['hostIP'] === 'string' ? [status['hostIP']] : []))
  return [...new Set(addresses)].sort()
}

const loadBalancerOf = (service: string): string => `an address for the load balancer of the Service ${service}`
const nodePortFor = (service: string): string => `a node port for the Service ${service}`

type Seen = { cluster: Cluster; services: readonly Service[]; pods: readonly Pod[] }

/** One that was known stays known: a load balancer whose status is empty for a moment is no reason to change anything. */
const knownOf = (cluster: Cluster, listener: Listener, id: number) =>
  cluster.status?.listeners
    ?.find(({ name, type }) => name === listener.name && type === listener.type)
    ?.brokers?.find((broker) => broker.id === id)

/** The address of one broker, or what is missing for it. */
const addressOfBroker = (seen: Seen, listener: Listener, id: number): BrokerAddress | string => {
  const name = names.brokerService(seen.cluster, listener.name, id)
  const service = seen.services.find(({ metadata }) => metadata.name === name)
  const given = { host: undefined, port: undefined, ...listener.brokers.find((broker) => broker.id === id) }
  const known = { host: undefined, port: undefined, ...knownOf(seen.cluster, listener, id) }
  if (listener.type === 'LoadBalancer') {
    const host = given.host ?? ingressOf(service) ?? known.host
    return host === undefined ? loadBalancerOf(name) : { id, host, port: given.port ?? listener.port }
  }
  if (given.host === undefined && !isOnNodes(listener)) {
    return `brokers[].host of broker ${id} in the listener ${listener.name}: other brokers of that listener have one, so it needs one too`
  }
  const port = given.port ?? nodePortOf(service) ?? known.port
  return port === undefined ? nodePortFor(name) : { id, host: given.host, port }
}

/** Where clients connect first; words where it is not known. Absent words: nobody waits for it, e.g. while no pod runs. */
const bootstrapOf = (seen: Seen, listener: Listener): { servers?: string; missing?: string } => {
  const name = names.bootstrapService(seen.cluster, listener.name)
  const service = seen.services.find(({ metadata }) => metadata.name === name)
  const { host, nodePort } = listener.bootstrap
  if (listener.type === 'LoadBalancer') {
    const known = host ?? ingressOf(service)
    if (known !== undefined) return { servers: addressText({ host: known, port: listener.port }) }
    const before = seen.cluster.status?.listeners?.find((one) => one.name === listener.name && one.type === listener.type)?.bootstrapServers
    return before ? { servers: before } : { missing: loadBalancerOf(name) }
  }
  const port = nodePort ?? nodePortOf(service)
  if (port === undefined) return { missing: nodePortFor(name) }
  const hosts = host === undefined ? nodeAddresses(seen.pods) : [host]
  return hosts.length > 0 ? { servers: hosts.map((each) => addressText({ host: each, port })).join(',') } : {}
}

/** What clients outside are told, from the spec and from what Kubernetes gave the Services. */
export const externalAddresses = (seen: Seen, inputs: Pick<Inputs, 'staying' | 'removed'>): Addresses => {
  const found: Addresses = { addresses: new Map(), bootstrap: new Map(), missing: [] }
  for (const listener of listenersOf(seen.cluster).filter(isExternal)) {
    const each = brokersOf(seen.cluster, inputs).map(({ id }) => addressOfBroker(seen, listener, id))
    const { servers, missing } = bootstrapOf(seen, listener)
    found.addresses.set(
      listener.name,
      each.filter((address) => typeof address !== 'string'),
    )
    if (servers !== undefined) found.bootstrap.set(listener.name, servers)
    found.missing.push(...each.filter((address) => typeof address === 'string'), ...(missing === undefined ? [] : [missing]))
  }
  return found
}

/** The NAME://HOST:PORT of the listeners outside that a broker should have; a host on nodes is `nodeAddress`. */
export const endpointsOf = (
  addresses: ReadonlyMap<string, readonly BrokerAddress[]>,
  id: number,
  nodeAddress: string | undefined,
): string[] =>
  [...addresses].flatMap(([listener, brokers]) => {
    const address = brokers.find((broker) => broker.id === id)
    const host = address?.host ?? nodeAddress
    return address && host !== undefined ? [`${listener.toUpperCase()}://${addressText({ host, port: address.port })}`] : []
  })
