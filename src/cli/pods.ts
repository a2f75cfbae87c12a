import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Cluster, CLUSTER_LABEL } from '../api/index.ts'
import { addressOf } from '../kube/pods.ts'
import { PortForwardStream } from '../kube/port-forward.ts'
import { type Pod, pods } from '../kube/resources.ts'
import type { KubeAccess } from './kube-access.ts'

export type Connect = 'auto' | 'direct' | 'forward'

/** The pods of a Cluster, by name with the numbers in order. */
export const podsOf = async ({ kube }: KubeAccess, cluster: Cluster): Promise<Pod[]> => {
  const namespace = cluster.metadata.namespace ?? 'default'
  const { items } = await kube.list(pods, { namespace, labelSelector: `${CLUSTER_LABEL}=${cluster.metadata.name}` })
  return items.sort((a, b) => a.metadata.name.localeCompare(b.metadata.name, 'en', { numeric: true }))
}

export const brokerIdOf = ({ metadata }: Pod): number =>
  Number(metadata.labels?.['apps.kubernetes.io/pod-index'] ?? /(\d+)$/.exec(metadata.name)?.[1] ?? -1)

/** Where a port of a pod is when its address can be reached from here. */
export const directAddress = (pod: Pod, port: number): { host: string; port: number } => addressOf(pod, port) ?? { host: '', port }

/** Pods of the local mode have loopback addresses: they are on this machine and nowhere else. */
export const isDirect = (how: Connect, pod: Pod): boolean =>
  how === 'direct' || (how === 'auto' && /^(127\.|::1$)/.test(pod.status?.podIP ?? ''))

/** A connection to a port of a pod: straight where its address can be reached from here, else through the API server. */
export const connectPod = ({ connection }: KubeAccess, how: Connect, pod: Pod, port: number): Duplex => {
  if (isDirect(how, pod)) return connect({ ...directAddress(pod, port), noDelay: true })
  return new PortForwardStream(connection, { namespace: pod.metadata.namespace ?? 'default', name: pod.metadata.name }, port)
}
