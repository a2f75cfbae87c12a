import type { Cluster } from '../../api/index.ts'
import { namespaceOf, zooKeeperName, zooKeeperNodesService, zooKeeperService } from '../names.ts'
import { namesOf } from './hosts.ts'
import type { Wish } from './leaf.ts'

/** One certificate for all servers of the Cluster's own ensemble, which they show to brokers and to one another. */
export const serverWish = (cluster: Cluster): Wish => {
  const namespace = namespaceOf(cluster)
  const nodes = zooKeeperNodesService(cluster)
  return {
    commonName: zooKeeperName(cluster),
    hosts: [
      ...namesOf(zooKeeperService(cluster), namespace),
      ...namesOf(nodes, namespace),
      `*.${nodes}.${namespace}.svc`,
      `*.${nodes}.${namespace}.svc.cluster.local`,
    ],
    purposes: ['server', 'client'],
  }
}
