import type { Cluster } from '../../api/index.ts'
import { persistentVolumeClaims, type PersistentVolumeClaim } from '../../kube/resources.ts'
import { keyOf, type Kube } from '../../kube/types.ts'
import { CLUSTER_LABEL, GROUP_LABEL, namespaceOf, ZOOKEEPER_GROUP, ZOOKEEPER_MEMBER } from '../names.ts'

/** The volumes of an ensemble, by the id of the server. */
export type MemberClaims = { claims: ReadonlyMap<number, PersistentVolumeClaim>; members: readonly number[] }

/** Which volumes are those of members. It stands on the claims because they outlive pods, StatefulSet and Cluster, as the data does. */
export const markedMembers = async (kube: Kube, cluster: Cluster): Promise<MemberClaims> => {
  const labelSelector = `${CLUSTER_LABEL}=${cluster.metadata.name},${GROUP_LABEL}=${ZOOKEEPER_GROUP}`
  const { items } = await kube.list(persistentVolumeClaims, { namespace: namespaceOf(cluster), labelSelector })
  const idOfClaim = ({ metadata }: PersistentVolumeClaim) => Number(/\d+$/.exec(metadata.name)?.[0] ?? -1) + 1
  const claims = new Map(items.map((claim) => [idOfClaim(claim), claim]))
  const members = [...claims].filter(([, claim]) => isMarked(claim)).map(([id]) => id)
  return { claims, members: members.sort((a, b) => a - b) }
}

const isMarked = ({ metadata }: PersistentVolumeClaim): boolean => metadata.annotations?.[ZOOKEEPER_MEMBER] === 'true'

/** Writes nothing where it stands already. */
export const markMembers = async (kube: Kube, { claims }: MemberClaims, members: readonly number[]): Promise<void> => {
  for (const [id, claim] of claims) {
    const isMember = members.includes(id)
    if (isMarked(claim) === isMember) continue
    const metadata = { annotations: { [ZOOKEEPER_MEMBER]: isMember ? 'true' : null } }
    await kube.patch(persistentVolumeClaims, keyOf(claim), 'merge', { metadata })
  }
}
