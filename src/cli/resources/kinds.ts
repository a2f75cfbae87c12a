import { type Acl, acls, type Condition, type Topic, topics, type User, users } from '../../api/index.ts'
import { conditionOf, hasCondition } from '../../kube/conditions.ts'
import type { KubeObject, Resource } from '../../kube/types.ts'
import type { Column } from '../table.ts'
import { ageText } from '../times.ts'

export type Kind = 'topic' | 'user' | 'acl'
/** What all our kinds have. */
export type Custom = KubeObject & {
  spec: { clusterRef: { name: string; namespace?: string }; deletionPolicy?: string }
  status?: { conditions?: Condition[] } & Record<string, unknown>
}

export const RESOURCES: Readonly<Record<Kind, Resource<Custom>>> = {
  topic: topics as Resource<Custom>,
  user: users as Resource<Custom>,
  acl: acls as Resource<Custom>,
}

export const isReady = (object: { status?: { conditions?: Condition[] } }): boolean => hasCondition(object, 'Ready')
/** What an object says of itself; one that nobody looked at yet says nothing. */
export const stateOf = (object: { status?: { conditions?: Condition[] } }): { ready: string; reason: string; message: string } => {
  const {
    status = 'Unknown',
    reason = 'Unknown',
    message = 'the operator has not looked at it yet; is it running?',
  } = conditionOf(object.status?.conditions, 'Ready') ?? {}
  return { ready: status, reason, message }
}

/** The namespace and name of the Cluster that an object points to. */
export const clusterKeyOf = ({ spec, metadata }: Custom): { namespace: string; name: string } => ({
  namespace: spec.clusterRef.namespace ?? metadata.namespace ?? 'default',
  name: spec.clusterRef.name,
})
/** NAME.GROUP, as kubectl prints names. */
export const resourceName = (kind: string, name: string): string => `${kind.toLowerCase()}.sofakafka.io/${name}`

const clusterText = (object: Custom): string => {
  const { namespace, name } = clusterKeyOf(object)
  return namespace === object.metadata.namespace ? name : `${namespace}/${name}`
}

const MIDDLE: Readonly<Record<Kind, readonly Column<Custom>[]>> = {
  topic: [
    { header: 'TOPIC', value: (topic) => (topic as Topic).status?.topicName ?? (topic as Topic).spec.name ?? topic.metadata.name },
    { header: 'PARTITIONS', value: (topic) => (topic as Topic).status?.partitions },
    { header: 'REPLICAS', value: (topic) => (topic as Topic).status?.replicas },
  ],
  user: [
    { header: 'USERNAME', value: (user) => (user as User).status?.username ?? (user as User).spec.username ?? user.metadata.name },
    { header: 'TYPE', value: (user) => (user as User).spec.authentication.type },
    { header: 'SECRET', value: (user) => (user as User).status?.secretName },
  ],
  acl: [
    {
      header: 'PRINCIPAL',
      value: (acl) => (acl as Acl).status?.principal ?? (acl as Acl).spec.principal ?? `User:${(acl as Acl).spec.user}`,
    },
    { header: 'RULES', value: (acl) => (acl as Acl).spec.rules.length },
    { header: 'BINDINGS', value: (acl) => (acl as Acl).status?.bindings },
  ],
}

export const columnsOf = (kind: Kind, nowMs: number, hasNamespaces: boolean): Column<Custom>[] => [
  ...(hasNamespaces ? [{ header: 'NAMESPACE', value: ({ metadata }: Custom) => metadata.namespace }] : []),
  { header: 'NAME', value: ({ metadata }) => metadata.name },
  ...MIDDLE[kind],
  { header: 'CLUSTER', value: clusterText },
  { header: 'READY', value: (object) => stateOf(object).ready },
  { header: 'REASON', value: (object) => stateOf(object).reason },
  { header: 'AGE', value: ({ metadata }) => ageText(nowMs - Date.parse(metadata.creationTimestamp ?? '')) },
  { header: 'DELETION POLICY', value: ({ spec }) => spec.deletionPolicy, isWide: true },
  { header: 'MESSAGE', value: (object) => stateOf(object).message, isWide: true },
]
