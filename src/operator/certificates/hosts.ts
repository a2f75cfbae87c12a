import type { Cluster } from '../../api/index.ts'
import { isExternal, isOnNodes, REPLICATION, type Listener } from '../cluster/listeners/listeners.ts'
import { isZooKeeper } from '../cluster/pods/broker-pods.ts'
import type { Pass } from '../cluster/steps.ts'
import { bootstrapService, brokersService, namespaceOf } from '../names.ts'

/** A Service is called by its name, with the namespace, and in full; `cluster.local` is what nearly every Kubernetes cluster calls itself. */
export const namesOf = (service: string, namespace: string): string[] => [
  service,
  `${service}.${namespace}`,
  `${service}.${namespace}.svc`,
  `${service}.${namespace}.svc.cluster.local`,
]

/** HOST:PORT,HOST:PORT without the ports and the brackets of IPv6. */
const hostsIn = (servers: string | undefined): string[] =>
  (servers ?? '').split(',').flatMap((server) => /^\[?(.+?)\]?:\d+$/.exec(server)?.[1] ?? [])

const statusAddress = ({ status }: Pass['seen']['pods'][number], field: 'podIP' | 'hostIP'): string[] => {
  const address = status?.[field]
  return typeof address === 'string' ? [address] : []
}

/** Every name and address by which clients may call the brokers of a listener. Pods have names without number, so one certificate is enough for all of them. */
export const hostsOf = (cluster: Cluster, listener: Listener, { inputs, seen }: Pick<Pass, 'inputs' | 'seen'>): string[] => {
  const namespace = namespaceOf(cluster)
  const brokers = brokersService(cluster)
  const pods = seen.pods.filter((pod) => !isZooKeeper(pod))
  const inside = [
    ...(listener.name === REPLICATION ? [] : namesOf(bootstrapService(cluster, listener.name), namespace)),
    ...namesOf(brokers, namespace),
    `*.${brokers}.${namespace}.svc`,
    `*.${brokers}.${namespace}.svc.cluster.local`,
    ...(inputs.advertise === 'pod-ip' ? pods.flatMap((pod) => statusAddress(pod, 'podIP')) : []),
  ]
  if (!isExternal(listener)) return [...new Set(inside)]
  const outside = [
    ...(listener.bootstrap.host === undefined ? [] : [listener.bootstrap.host]),
    ...hostsIn(inputs.listeners?.bootstrap.get(listener.name)),
    ...(inputs.listeners?.addresses.get(listener.name) ?? []).flatMap(({ host }) => host ?? []),
    ...(isOnNodes(listener) ? pods.flatMap((pod) => statusAddress(pod, 'hostIP')) : []),
  ]
  return [...new Set([...inside, ...outside])]
}
