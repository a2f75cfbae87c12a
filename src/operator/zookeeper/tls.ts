import type { Cluster } from '../../api/index.ts'
import { secrets, type Secret } from '../../kube/resources.ts'
import type { Kube } from '../../kube/types.ts'
import type { PodParts } from '../cluster/pods/parts.ts'
import { authoritySecret, namespaceOf } from '../names.ts'
import { hasServerTls, readServerTls, type ZooKeeperTls } from './server-tls.ts'
import { textOf } from '../../kube/secret-data.ts'

const DIRECTORY = '/etc/sofakafka/zookeeper-tls'

const tlsOf = (secret: Secret | undefined): ZooKeeperTls | undefined => {
  const [ca, cert, key] = [textOf(secret, 'ca.crt'), textOf(secret, 'tls.crt'), textOf(secret, 'tls.key')]
  if (!ca) return undefined
  return cert && key ? { ca, cert, key } : { ca }
}

/** What the Secret holds that the spec names, or that the operator made; 'missing': it is not there, or has no ca.crt; undefined: the spec names none. */
export const readTls = async (kube: Kube, cluster: Cluster): Promise<ZooKeeperTls | 'missing' | undefined> => {
  if (hasServerTls(cluster)) return (await readServerTls(kube, cluster)) ?? 'missing'
  const name = cluster.spec.zookeeper.external?.tls?.secretRef.name
  if (name === undefined) return undefined
  return tlsOf(await kube.get(secrets, { namespace: namespaceOf(cluster), name })) ?? 'missing'
}

const secretNameOf = (cluster: Cluster): string | undefined =>
  hasServerTls(cluster) ? authoritySecret(cluster.metadata.name, 'cluster-ca') : cluster.spec.zookeeper.external?.tls?.secretRef.name

/** What a broker's pod has for TLS to ZooKeeper. Brokers read the files anew for each connection, so a renewed Secret restarts nothing. */
export const tlsParts = (cluster: Cluster, hasKey: boolean): Pick<PodParts, 'args' | 'volumes' | 'volumeMounts'> => {
  const secretName = secretNameOf(cluster)
  if (secretName === undefined) return { args: [], volumes: [], volumeMounts: [] }
  const stores = ['truststore', ...(hasKey ? ['keystore'] : [])]
  const settings = [
    'zookeeper.ssl.client.enable=true',
    ...stores.flatMap((store) => [`zookeeper.ssl.${store}.type=PEM`, `zookeeper.ssl.${store}.location=${DIRECTORY}`]),
  ]
  return {
    args: settings.flatMap((setting) => ['--override', setting]),
    volumes: [{ name: 'zookeeper-tls', secret: { secretName, defaultMode: 0o440 } }],
    volumeMounts: [{ name: 'zookeeper-tls', mountPath: DIRECTORY, readOnly: true }],
  }
}
