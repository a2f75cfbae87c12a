import { acls, clusters, topics, users, type Acl, type Cluster, type Topic, type User } from '../api/index.ts'
import type { MonotonicClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { conditionOf } from '../kube/conditions.ts'
import { InformerGroup } from '../kube/informer-group.ts'
import { pods, secretsMetadata, services, statefulSets, type Pod, type Service, type StatefulSet } from '../kube/resources.ts'
import { keyOf, keyText, type Key, type Kube, type KubeObject, type Resource } from '../kube/types.ts'
import { aclPrincipal, claimOf, clusterKeyOf, topicName, userName, type Dependent } from './claims.ts'
import { authoritySecret, CLUSTER_LABEL, MANAGED, namespaceOf, USER_LABEL } from './names.ts'
import type { Reason } from './reasons.ts'

/** Which object wants a look after a change. */
export type Triggers = Record<'cluster' | 'topic' | 'user' | 'acl', (key: Key) => void>

const byCluster = { cluster: (object: Dependent) => [keyText(clusterKeyOf(object))] }
const claims = <T extends Dependent>(nameOf: (object: T) => string) => ({
  ...byCluster,
  claim: (object: T) => [claimOf(clusterKeyOf(object), nameOf(object))],
})

/** Everything that the operator knows of the Kubernetes cluster, each kind from one list and watch. */
export class Store {
  readonly clusters: InformerGroup<Cluster>
  readonly topics: InformerGroup<Topic>
  readonly users: InformerGroup<User>
  readonly acls: InformerGroup<Acl>
  readonly statefulSets: InformerGroup<StatefulSet>
  readonly pods: InformerGroup<Pod>
  readonly services: InformerGroup<Service>
  /** Their metadata only: a Secret is read when one of ours refers to it. */
  readonly secrets: InformerGroup<KubeObject>
  readonly #triggers: Triggers

  constructor(options: {
    kube: Kube
    clock: MonotonicClock
    logger: Logger
    triggers: Triggers
    /** Namespaces that are watched; empty: all. */
    namespaces?: readonly string[]
    relistMs?: number
    random?: () => number
  }) {
    const { triggers, namespaces = [], ...common } = options
    this.#triggers = triggers
    const informer = <T extends KubeObject>(
      resource: Resource<T>,
      onChange: (now: T | undefined, before: T | undefined) => void,
      more: { labelSelector?: string; indexes?: Record<string, (object: T) => string[]> } = {},
    ) => new InformerGroup<T>({ ...common, ...more, resource, onChange }, namespaces)
    const ofCluster = (now: KubeObject | undefined, before: KubeObject | undefined) => {
      const object = now ?? before!
      const name = object.metadata.labels?.[CLUSTER_LABEL]
      if (name) triggers.cluster({ namespace: namespaceOf(object), name })
    }
    const inCluster = { labelSelector: MANAGED, indexes: { cluster: (object: KubeObject) => [clusterOf(object)] } }
    const claimed = <T extends Dependent>(
      resource: Resource<T>,
      nameOf: (object: T) => string,
      trigger: (key: Key) => void,
      indexes: Record<string, (object: T) => string[]> = {},
    ): InformerGroup<T> => {
      const made: InformerGroup<T> = informer(resource, (now, before) => claimChanged(made, [now, before], nameOf, trigger), {
        indexes: { ...claims(nameOf), ...indexes },
      })
      return made
    }
    this.clusters = informer(clusters, (now, before) => this.#clusterChanged(now, before), {
      indexes: { secret: secretsOfCluster },
    })
    this.topics = claimed(topics, topicName, triggers.topic)
    this.users = claimed(users, userName, triggers.user, { secret: secretsOfUser })
    this.acls = claimed(acls, aclPrincipal, triggers.acl)
    this.statefulSets = informer(statefulSets, ofCluster, inCluster)
    this.pods = informer(pods, ofCluster, inCluster)
    this.services = informer(services, ofCluster, inCluster)
    this.secrets = informer(secretsMetadata, (now, before) => {
      const secret = now ?? before!
      const user = secret.metadata.labels?.[USER_LABEL]
      if (user) triggers.user({ namespace: namespaceOf(secret), name: user })
      else ofCluster(now, before)
      const cluster = clusterOfClientsAuthority(secret)
      for (const object of cluster ? this.users.by('cluster', keyText(cluster)) : []) triggers.user(keyOf(object))
      for (const object of this.users.by('secret', keyText(keyOf(secret)))) triggers.user(keyOf(object))
      for (const object of this.clusters.by('secret', keyText(keyOf(secret)))) triggers.cluster(keyOf(object))
    })
  }

  get informers(): InformerGroup<KubeObject>[] {
    const { clusters, topics, users, acls, statefulSets, pods, services: made, secrets } = this
    return [clusters, topics, users, acls, statefulSets, pods, made, secrets] as unknown as InformerGroup<KubeObject>[]
  }

  /** Resolves when every kind has been listed. Before that nothing may be decided from what is absent. */
  async start(): Promise<void> {
    await Promise.all(this.informers.map((informer) => informer.start().synced))
  }

  async stop(): Promise<void> {
    await Promise.all(this.informers.map((informer) => informer.stop()))
  }

  podsOf(cluster: Key): Pod[] {
    return this.pods.by('cluster', keyText(cluster))
  }

  servicesOf(cluster: Key): Service[] {
    return this.services.by('cluster', keyText(cluster))
  }

  statefulSetsOf(cluster: Key): StatefulSet[] {
    return this.statefulSets.by('cluster', keyText(cluster))
  }

  #clusterChanged(now: Cluster | undefined, before: Cluster | undefined): void {
    const cluster = now ?? before!
    const key = keyOf(cluster)
    if (isWorthALook(now, before)) this.#triggers.cluster(key)
    if (visible(now) === visible(before)) return
    for (const [object, trigger] of this.#dependents(key)) trigger(keyOf(object))
  }

  /** What of a Cluster waits for this reason is looked at now. */
  wake(cluster: Key, reason: Reason): void {
    for (const [object, trigger] of this.#dependents(cluster))
      if (conditionOf(object.status?.conditions, 'Ready')?.reason === reason) trigger(keyOf(object))
  }

  #dependents(cluster: Key): (readonly [Topic | User | Acl, (key: Key) => void])[] {
    const { topic, user, acl } = this.#triggers
    const text = keyText(cluster)
    return [
      ...this.topics.by('cluster', text).map((object) => [object, topic] as const),
      ...this.users.by('cluster', text).map((object) => [object, user] as const),
      ...this.acls.by('cluster', text).map((object) => [object, acl] as const),
    ]
  }
}

/** A change of the status alone is the operator's own doing. */
const isWorthALook = (now: KubeObject | undefined, before: KubeObject | undefined): boolean => {
  if (!now || !before) return true
  const partOf = ({ metadata }: KubeObject) => {
    const { generation, deletionTimestamp, annotations, finalizers } = metadata
    return JSON.stringify([generation, deletionTimestamp, annotations, finalizers])
  }
  return partOf(now) !== partOf(before)
}

/** What of a Cluster matters to the resources that point at it. */
const visible = (cluster: Cluster | undefined): string =>
  cluster
    ? JSON.stringify([
        cluster.metadata.uid,
        cluster.metadata.deletionTimestamp,
        cluster.metadata.generation,
        cluster.status?.listeners,
        cluster.status?.clusterId,
        conditionOf(cluster.status?.conditions, 'Ready')?.status,
      ])
    : ''

/** One that goes or comes may hand the name over to another. */
const claimChanged = <T extends Dependent>(
  informer: InformerGroup<T>,
  [now, before]: readonly [T | undefined, T | undefined],
  nameOf: (object: T) => string,
  trigger: (key: Key) => void,
): void => {
  if (!isWorthALook(now, before)) return
  const object = (now ?? before)!
  trigger(keyOf(object))
  if (now && before) return
  for (const other of informer.by('claim', claimOf(clusterKeyOf(object), nameOf(object)))) trigger(keyOf(other))
}

/** The Secrets that somebody else keeps and a resource refers to, as NAMESPACE/NAME: a change of one is a reason to look at the resource. */
const secretsOfUser = (user: User): string[] => {
  const name = user.spec.authentication.password?.secretKeyRef.name
  return name === undefined ? [] : [keyText({ namespace: namespaceOf(user), name })]
}

const secretsOfCluster = (cluster: Cluster): string[] => {
  const { authentication, tls } = cluster.spec.zookeeper.external ?? {}
  const references = [
    ...(cluster.spec.listeners ?? []).map((listener) => listener.tls?.secretRef),
    authentication?.secretRef,
    tls?.secretRef,
  ]
  return references.flatMap((reference) => (reference ? [keyText({ namespace: namespaceOf(cluster), name: reference.name })] : []))
}

/** Whose users get other certificates when this Secret changes. */
const clusterOfClientsAuthority = (secret: KubeObject): Key | undefined => {
  const name = secret.metadata.labels?.[CLUSTER_LABEL]
  return name !== undefined && secret.metadata.name === authoritySecret(name, 'clients-ca')
    ? { namespace: namespaceOf(secret), name }
    : undefined
}

const clusterOf = (object: KubeObject): string => {
  const name = object.metadata.labels?.[CLUSTER_LABEL]
  return name ? keyText({ namespace: namespaceOf(object), name }) : ''
}
