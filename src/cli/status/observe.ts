import type { Cluster } from '../../api/index.ts'
import { PartitionAdmin, type PartitionReplicas } from '../../client/partition-admin.ts'
import type { Pod } from '../../kube/resources.ts'
import type { Call } from '../command.ts'
import { describeFailure } from '../failure.ts'
import { openKafka } from '../kafka-access.ts'
import { type KubeAccess, listEverywhere } from '../kube-access.ts'
import { podsOf } from '../pods.ts'
import { clusterKeyOf, type Custom, type Kind, RESOURCES } from '../resources/kinds.ts'
import type { Session } from '../session.ts'

export type InKafka = { controllerId: number; brokers: { id: number; rack: string | null }[]; partitions: PartitionReplicas[] }
export type Seen = {
  cluster: Cluster
  pods: readonly Pod[]
  resources: Readonly<Record<Kind, { items: readonly Custom[]; isWhole: boolean }>>
  /** undefined: not asked; else what the brokers say, or why they could not be asked. */
  kafka: InKafka | { problem: string } | undefined
}

const inKafka = async (call: Call, session: Session, access: KubeAccess, cluster: Cluster): Promise<InKafka | { problem: string }> => {
  try {
    const { client } = await openKafka(session, access, cluster, call)
    try {
      const { controllerId, brokers } = await client.brokers()
      const partitions = await new PartitionAdmin(client).replicas()
      return { controllerId, brokers: brokers.map(({ nodeId, rack }) => ({ id: nodeId, rack })), partitions }
    } finally {
      client.close()
    }
  } catch (error) {
    return { problem: describeFailure(error).text }
  }
}

const resourcesOf = async (access: KubeAccess, cluster: Cluster, kind: Kind): Promise<{ items: Custom[]; isWhole: boolean }> => {
  const { name, namespace = 'default' } = cluster.metadata
  const { items, isWhole } = await listEverywhere({ ...access, namespace }, RESOURCES[kind])
  const own = items.filter((object) => {
    const key = clusterKeyOf(object)
    return key.name === name && key.namespace === namespace
  })
  return { items: own, isWhole }
}

/** Everything that is read for one Cluster. */
export const observe = async (call: Call, session: Session, access: KubeAccess, cluster: Cluster): Promise<Seen> => {
  const [pods, topic, user, acl, kafka] = await Promise.all([
    podsOf(access, cluster),
    resourcesOf(access, cluster, 'topic'),
    resourcesOf(access, cluster, 'user'),
    resourcesOf(access, cluster, 'acl'),
    call.flag('no-kafka') ? undefined : inKafka(call, session, access, cluster),
  ])
  return { cluster, pods, resources: { topic, user, acl }, kafka }
}
