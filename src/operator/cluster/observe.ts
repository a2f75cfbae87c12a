import type { Cluster } from '../../api/index.ts'
import { secrets, type Pod, type Secret, type StatefulSet } from '../../kube/resources.ts'
import { keyOf } from '../../kube/types.ts'
import type { Environment } from '../environment.ts'
import { CLUSTER_LABEL, credentialsSecret, groupName, MANAGER, namespaceOf, zooKeeperName } from '../names.ts'
import { partedSets } from './moves/removed-groups.ts'
import { reconciling, stalled, type Verdict } from '../reasons.ts'

export type ClusterSeen = {
  cluster: Cluster
  statefulSets: StatefulSet[]
  /** Of groups of brokers that were removed: without pods. */
  emptied: StatefulSet[]
  pods: Pod[]
  /** The generated passwords; undefined: a new Cluster. */
  credentials: Secret | undefined
  /** Why nothing may be applied. */
  obstacle: Verdict | undefined
}

/** Every read that a reconcile of a Cluster makes in Kubernetes. */
export const observeCluster = async ({ kube, store }: Pick<Environment, 'kube' | 'store'>, cluster: Cluster): Promise<ClusterSeen> => {
  const namespace = namespaceOf(cluster)
  const credentials = await kube.get(secrets, { namespace, name: credentialsSecret(cluster) })
  const key = keyOf(cluster)
  const obstacle = credentialsObstacle(cluster, credentials) ?? ownerObstacle(store, cluster)
  const { live: statefulSets, emptied } = partedSets(cluster, store.statefulSetsOf(key))
  return { cluster, statefulSets, emptied, pods: store.podsOf(key), credentials, obstacle }
}

const credentialsObstacle = (cluster: Cluster, secret: Secret | undefined): Verdict | undefined => {
  const labels = secret?.metadata.labels
  if (!secret || (labels?.['app.kubernetes.io/managed-by'] === MANAGER && labels[CLUSTER_LABEL] === cluster.metadata.name)) return undefined
  return stalled(
    'SecretConflict',
    `the Secret ${secret.metadata.name} is not one that the operator made for this Cluster: rename or delete it`,
  )
}

/** StatefulSets of these names that another Cluster owns, or one that was of the same name before. */
const ownerObstacle = (store: Environment['store'], cluster: Cluster): Verdict | undefined => {
  const names = [zooKeeperName(cluster), ...cluster.spec.brokers.map((group) => groupName(cluster, group.name))]
  for (const name of names) {
    const set = store.statefulSets.get({ namespace: namespaceOf(cluster), name })
    const owner = set?.metadata.ownerReferences?.find(({ controller }) => controller)
    if (!owner || owner.uid === cluster.metadata.uid) continue
    const isAlive = store.clusters.list().some(({ metadata }) => metadata.uid === owner.uid)
    return isAlive
      ? stalled(
          'ResourceConflict',
          `the StatefulSet ${name} belongs to the Cluster ${owner.name}: choose another name for this Cluster or its groups`,
        )
      : reconciling('WaitingForDeletion', `the StatefulSet ${name} of an earlier Cluster is still being deleted`)
  }
  return undefined
}
