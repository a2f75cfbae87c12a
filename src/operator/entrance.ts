import type { Cluster } from '../api/index.ts'
import { namespaces, secrets, type Pod } from '../kube/resources.ts'
import { textOf } from '../kube/secret-data.ts'
import type { Key, Kube } from '../kube/types.ts'
import { isInterBrokerTls } from './cluster/listeners/listeners.ts'
import { readCredentials } from './cluster/credentials.ts'
import { addressOf, isReady, isZooKeeper } from './cluster/pods/broker-pods.ts'
import type { Entrance, ZooKeeperEntrance } from './kafka/contacts.ts'
import { authoritySecret, credentialsSecret, namespaceOf, OPERATOR_USER, REPLICATION_PORT, zooKeeperLoginSecret } from './names.ts'
import type { Store } from './store.ts'
import { loginIn } from './zookeeper/login.ts'
import { connectText, isExternal, parseConnect } from './zookeeper/place.ts'
import { clientPortOf } from './zookeeper/server-tls.ts'
import { securityOf } from './zookeeper/security.ts'
import { readTls } from './zookeeper/tls.ts'

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
    const zookeeper = await zooKeeperEntrance(kube, cluster, ready)
    if (brokers.length === 0 || zookeeper.servers.length === 0) return { brokers, zookeeper, passwords: [] }
    const credentials = readCredentials(await kube.get(secrets, { ...key, name: credentialsSecret(cluster) }))
    if (!credentials) return undefined
    const passwords = [credentials.passwords, credentials.next?.passwords].flatMap((each) => each?.[OPERATOR_USER] ?? [])
    if (!isInterBrokerTls(cluster)) return { brokers, zookeeper, passwords }
    const ca = textOf(await kube.get(secrets, { ...key, name: authoritySecret(key.name, 'cluster-ca') }), 'ca.crt')
    return ca === undefined ? undefined : { brokers, zookeeper, passwords, tls: { ca, checksName: false } }
  }

/** Logged in where a broker that runs does: a server that was started before there were logins knows none. */
const zooKeeperEntrance = async (kube: Kube, cluster: Cluster, ready: readonly Pod[]): Promise<ZooKeeperEntrance> => {
  const tls = await readTls(kube, cluster)
  const servers = isExternal(cluster)
    ? parseConnect(connectText(cluster))
    : { servers: ready.filter(isZooKeeper).flatMap((pod) => addressOf(pod, clientPortOf(cluster)) ?? []) }
  const place = { ...servers, ...(typeof tls === 'object' ? { tls } : {}) }
  const brokers = ready.filter((pod) => !isZooKeeper(pod))
  const levels = brokers.map(securityOf)
  if (levels.every((level) => level === 'none')) return place
  const secret = await kube.get(secrets, { namespace: namespaceOf(cluster), name: zooKeeperLoginSecret(cluster) })
  const login = loginIn(secret)
  if (!login.username || !login.password) return place
  return { ...place, login, keepsToItself: levels.every((level) => level === 'acl') }
}

/** The namespace of a Cluster is as old as all that is in it, and outlives the Cluster; its uid is no other's anywhere. */
export const homeOf =
  (kube: Kube) =>
  async ({ namespace, name }: Key): Promise<string> => {
    const found = await kube.get(namespaces, { namespace: '', name: namespace })
    if (!found?.metadata.uid) throw new Error(`the namespace ${namespace} is not there`)
    return `${found.metadata.uid}/${name}`
  }
