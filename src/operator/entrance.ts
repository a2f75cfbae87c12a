import { namespaces, secrets } from '../kube/resources.ts'
import type { Key, Kube } from '../kube/types.ts'
import { addressOf, isReady, isZooKeeper } from './cluster/pods.ts'
import type { Entrance } from './kafka/contacts.ts'
import { credentialsSecret, OPERATOR_USER, REPLICATION_PORT, ZOOKEEPER_PORT } from './names.ts'
import type { Store } from './store.ts'
import { textOf } from './user/observe.ts'

/** The way into a Cluster's Kafka: by the addresses of its pods, which needs no name to be resolved, and as the operator's own user. */
export const entranceOf =
  (kube: Kube, store: Store) =>
  async (key: Key): Promise<Entrance | undefined> => {
    const cluster = store.clusters.get(key)
    if (!cluster) return undefined
    const ready = store
      .podsOf(key)
      .filter(isReady)
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    const brokers = ready.filter((pod) => !isZooKeeper(pod)).flatMap((pod) => addressOf(pod, REPLICATION_PORT) ?? [])
    const zookeeper = ready.filter(isZooKeeper).flatMap((pod) => addressOf(pod, ZOOKEEPER_PORT) ?? [])
    if (brokers.length === 0 || zookeeper.length === 0) return { brokers, zookeeper, password: '' }
    const password = textOf(await kube.get(secrets, { ...key, name: credentialsSecret(cluster) }), OPERATOR_USER)
    return password === undefined ? undefined : { brokers, zookeeper, password }
  }

/** The namespace of a Cluster is as old as all that is in it, and outlives the Cluster; its uid is no other's anywhere. */
export const homeOf =
  (kube: Kube) =>
  async ({ namespace, name }: Key): Promise<string> => {
    const found = await kube.get(namespaces, { namespace: '', name: namespace })
    if (!found?.metadata.uid) throw new Error(`the namespace ${namespace} is not there`)
    return `${found.metadata.uid}/${name}`
  }
