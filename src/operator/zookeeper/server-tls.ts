import type { Cluster } from '../../api/index.ts'
import { secrets, type Container, type PodSpec } from '../../kube/resources.ts'
import { textOf } from '../../kube/secret-data.ts'
import type { Kube } from '../../kube/types.ts'
import { authoritySecret, namespaceOf, ZOOKEEPER_PORT, zooKeeperCertificatesSecret, ZOOKEEPER_SECURE_PORT } from '../names.ts'

/** PEM: whom to believe, and who we are where servers ask for that. */
export type ZooKeeperTls = { ca: string; cert?: string; key?: string; checksName?: false }

/** Where the Secret is mounted, and where the server reads what is in it: ZooKeeper notices files that are written, not links that change. */
const MOUNT = '/etc/sofakafka/zookeeper-certificates'
const DIRECTORY = '/tmp/zookeeper-tls'
/** In the Secret: the private key and its certificate; the authorities. */
export const KEYSTORE_FILE = 'server.pem'
export const CA_FILE = 'ca.crt'

/** Whether servers of the Cluster's own ensemble, brokers and operator talk by TLS. */
export const hasServerTls = ({ spec }: Cluster): boolean => spec.zookeeper.tls?.enabled ?? false

/** Where brokers and operator connect. */
export const clientPortOf = (cluster: Cluster): number => (hasServerTls(cluster) ? ZOOKEEPER_SECURE_PORT : ZOOKEEPER_PORT)

/** What stands behind the semicolon of a server's line. With TLS only probes, inside the pod, connect without. */
export const plainAddressOf = (cluster: Cluster): string => (hasServerTls(cluster) ? `127.0.0.1:${ZOOKEEPER_PORT}` : String(ZOOKEEPER_PORT))

const storeLines = (prefix: 'ssl' | 'ssl.quorum'): [string, string][] => [
  [`${prefix}.keyStore.type`, 'PEM'],
  [`${prefix}.keyStore.location`, `${DIRECTORY}/${KEYSTORE_FILE}`],
  [`${prefix}.trustStore.type`, 'PEM'],
  [`${prefix}.trustStore.location`, `${DIRECTORY}/${CA_FILE}`],
]

/**
 * Lines of zoo.cfg. Clients show no certificate, they have logins. Servers do, and names are not compared among them: the authority signs for brokers and servers of this
 * Cluster alone, and what an address is called backwards is nothing that Kubernetes promises.
 */
export const tlsLines = (cluster: Cluster): [string, string][] => {
  if (!hasServerTls(cluster)) return []
  return [
    ['secureClientPort', String(ZOOKEEPER_SECURE_PORT)],
    ['serverCnxnFactory', 'org.apache.zookeeper.server.NettyServerCnxnFactory'],
    ...storeLines('ssl'),
    ['ssl.clientAuth', 'none'],
    ['client.certReload', 'true'],
    ['sslQuorum', 'true'],
    ...storeLines('ssl.quorum'),
    ['ssl.quorum.hostnameVerification', 'false'],
    ['sslQuorumReloadCertFiles', 'true'],
  ]
}

/** What a server's pod has for it. */
export const serverTlsParts = (
  cluster: Cluster,
): {
  env: NonNullable<Container['env']>
  volumes: NonNullable<PodSpec['volumes']>
  volumeMounts: NonNullable<Container['volumeMounts']>
} => {
  if (!hasServerTls(cluster)) return { env: [], volumes: [], volumeMounts: [] }
  return {
    env: [
      { name: 'CLIENT_ADDRESS', value: plainAddressOf(cluster) },
      { name: 'TLS_SOURCE', value: MOUNT },
      { name: 'TLS_DIRECTORY', value: DIRECTORY },
    ],
    volumes: [{ name: 'certificates', secret: { secretName: zooKeeperCertificatesSecret(cluster), defaultMode: 0o440 } }],
    volumeMounts: [{ name: 'certificates', mountPath: MOUNT, readOnly: true }],
  }
}

/** How the operator trusts the servers, which it calls by their addresses; undefined while there is no authority. */
export const readServerTls = async (kube: Kube, cluster: Cluster): Promise<ZooKeeperTls | undefined> => {
  const name = authoritySecret(cluster.metadata.name, 'cluster-ca')
  const ca = textOf(await kube.get(secrets, { namespace: namespaceOf(cluster), name }), 'ca.crt')
  return ca === undefined ? undefined : { ca, checksName: false }
}
