import type { Cluster } from '../../api/index.ts'
import type { Address } from '../../zookeeper/types.ts'
import { namespaceOf, zooKeeperService } from '../names.ts'
import { clientPortOf } from './server-tls.ts'

/** Kafka's zookeeper.connect of the Cluster. */
export const connectText = (cluster: Cluster): string =>
  cluster.spec.zookeeper.external?.connect ?? `${zooKeeperService(cluster)}.${namespaceOf(cluster)}.svc:${clientPortOf(cluster)}`

/** HOST:PORT,HOST:PORT/chroot, as admission lets it through. */
export const parseConnect = (text: string): { servers: Address[]; chroot: string } => {
  const at = text.indexOf('/')
  const servers = (at < 0 ? text : text.slice(0, at)).split(',').map((server) => {
    const colon = server.lastIndexOf(':')
    return { host: server.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(server.slice(colon + 1)) }
  })
  return { servers, chroot: at < 0 ? '' : text.slice(at) }
}

export const isExternal = (cluster: Cluster): boolean => cluster.spec.zookeeper.external !== undefined
/** Whether Prometheus finds something at the servers of an ensemble. */
export const hasMetrics = (cluster: Cluster): boolean => cluster.spec.zookeeper.metrics?.enabled ?? false
/** Whether Apache ZooKeeper runs in the Cluster's pods; else one server of our own, or none. */
export const isApache = (cluster: Cluster): boolean => cluster.spec.zookeeper.image !== undefined
