import type { Cluster } from '../../api/index.ts'
import type { KubeObject } from '../../kube/types.ts'
import * as names from '../names.ts'
import { hasMetrics, isApache, isExternal } from '../zookeeper/place.ts'
import { clientPortOf } from '../zookeeper/server-tls.ts'
import type { Inputs } from './inputs.ts'
import { allListenersOf, listenersOf } from './listeners/listeners.ts'
import { ownedMeta } from './pods/pod.ts'

/** The accounts of the pods: no rights, and no token. */
export const serviceAccounts = (cluster: Cluster): KubeObject[] =>
  (isExternal(cluster) ? (['kafka'] as const) : (['kafka', 'zookeeper'] as const)).map((role) => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: ownedMeta(cluster, names.serviceAccountName(cluster, role), role),
    automountServiceAccountToken: false,
  }))

type Peer = { podSelector?: { matchLabels: Record<string, string> }; namespaceSelector?: { matchLabels: Record<string, string> } }
type Rule = { ports: { protocol: 'TCP'; port: number }[]; from?: Peer[] }

const ports = (...numbers: number[]): Rule['ports'] => numbers.map((port) => ({ protocol: 'TCP', port }))

/**
 * Who may open connections to the pods. Clients to the listeners, from everywhere or from the listener's networkPolicyPeers; metrics from everywhere; what is among brokers, and
 * ZooKeeper, only the Cluster's own pods and the operator.
 */
export const networkPolicies = (cluster: Cluster, { operatorPods: operator, shared }: Inputs): KubeObject[] => {
  if (!operator) return []
  const brokers: Peer = { podSelector: { matchLabels: names.kafkaSelector(cluster) } }
  const servers: Peer = { podSelector: { matchLabels: names.selectorOf(cluster, names.ZOOKEEPER_GROUP) } }
  const ours: Peer = {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': operator.namespace } },
    podSelector: { matchLabels: operator.labels },
  }
  const clients = listenersOf(cluster).map(({ name, port }): Rule => {
    const peers = cluster.spec.listeners?.find((listener) => listener.name === name)?.networkPolicyPeers as Peer[] | undefined
    return { ports: ports(port), ...(peers ? { from: [...peers, ours] } : {}) }
  })
  const among = allListenersOf(cluster).filter(({ name }) => !listenersOf(cluster).some((listener) => listener.name === name))
  const kafka = policy(cluster, 'kafka', brokers, [
    ...clients,
    // The brokers that are taken over are outside of Kubernetes.
    ...(shared ? [{ ports: ports(shared.listener.port) }] : []),
    { ports: ports(...among.map(({ port }) => port)), from: [brokers, ours] },
    { ports: ports(names.METRICS_PORT) },
  ])
  if (isExternal(cluster)) return [kafka]
  const peers = isApache(cluster) ? [{ ports: ports(names.ZOOKEEPER_PEER_PORT, names.ZOOKEEPER_ELECTION_PORT), from: [servers] }] : []
  const zooKeeper = policy(cluster, 'zookeeper', servers, [
    { ports: ports(clientPortOf(cluster)), from: [brokers, servers, ours] },
    ...peers,
    ...(hasMetrics(cluster) ? [{ ports: ports(names.METRICS_PORT) }] : []),
  ])
  return [kafka, zooKeeper]
}

const policy = (cluster: Cluster, role: 'kafka' | 'zookeeper', { podSelector }: Peer, ingress: Rule[]): KubeObject => {
  const metadata = ownedMeta(cluster, `${cluster.metadata.name}-${role}`, role)
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata,
    spec: { podSelector, policyTypes: ['Ingress'], ingress },
  } as KubeObject
}
