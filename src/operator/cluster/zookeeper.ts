import type { Cluster } from '../../api/index.ts'
import type { Service } from '../../kube/resources.ts'
import type { KubeObject } from '../../kube/types.ts'
import * as names from '../names.ts'
import { apacheConfig, apacheStatefulSet } from '../zookeeper/apache.ts'
import { embeddedConfig, embeddedStatefulSet } from '../zookeeper/embedded.ts'
import { CLIENT_JAAS, LOGIN_DIRECTORY, loginSecret } from '../zookeeper/login.ts'
import { connectText, isApache, isExternal } from '../zookeeper/place.ts'
import { clientPortOf } from '../zookeeper/server-tls.ts'
import { tlsParts } from '../zookeeper/tls.ts'
import { securityArguments } from '../zookeeper/security.ts'
import type { Inputs, ZooKeeperFacts } from './inputs.ts'
import type { PodParts } from './pods/parts.ts'
import { port, service } from './service.ts'

const OPEN: ZooKeeperFacts = { security: 'none' }

/** Every object of the Cluster's own ZooKeeper, and the logins. */
export const zooKeeperObjects = (cluster: Cluster, inputs: Inputs): KubeObject[] => {
  const facts = inputs.zookeeper ?? OPEN
  const secrets = facts.login ? [loginSecret(cluster, facts.login)] : []
  if (isExternal(cluster)) return secrets
  if (!isApache(cluster))
    return [...secrets, embeddedConfig(cluster, facts), ...zooKeeperServices(cluster), embeddedStatefulSet(cluster, inputs)]
  return [...secrets, apacheConfig(cluster), ...zooKeeperServices(cluster), apacheStatefulSet(cluster, facts)]
}

/** The lines of server.properties about ZooKeeper. */
export const zooKeeperProperties = (cluster: Cluster): [string, string][] => [['zookeeper.connect', connectText(cluster)]]

/** What a broker's pod has for its way to ZooKeeper. */
export const zooKeeperParts = (cluster: Cluster, inputs: Inputs): PodParts => {
  const { security, hasTlsKey = false } = inputs.zookeeper ?? OPEN
  const tls = tlsParts(cluster, hasTlsKey)
  const secret = { secretName: names.zooKeeperLoginSecret(cluster), defaultMode: 0o440, items: [{ key: CLIENT_JAAS, path: CLIENT_JAAS }] }
  const isIn = security !== 'none'
  return {
    args: [...securityArguments(security), ...tls.args],
    env: [],
    ports: [],
    volumes: [...(isIn ? [{ name: 'zookeeper-login', secret }] : []), ...tls.volumes],
    volumeMounts: [...(isIn ? [{ name: 'zookeeper-login', mountPath: LOGIN_DIRECTORY, readOnly: true }] : []), ...tls.volumeMounts],
  }
}

/** For which a broker must be restarted when it changes: what the user asked for, never how this operator renders it. */
export const zooKeeperRestartOn = (cluster: Cluster, inputs: Inputs): unknown => {
  const { security, hasTlsKey } = inputs.zookeeper ?? OPEN
  const { connect: external, tls } = cluster.spec.zookeeper.external ?? {}
  return security === 'none' && !external ? undefined : { security, external, tls, hasTlsKey: hasTlsKey || undefined }
}

export const zooKeeperServices = (cluster: Cluster): Service[] => {
  const selector = names.selectorOf(cluster, names.ZOOKEEPER_GROUP)
  const client = port('tcp-client', clientPortOf(cluster))
  const peers = isApache(cluster) ? [port('tcp-peer', names.ZOOKEEPER_PEER_PORT), port('tcp-election', names.ZOOKEEPER_ELECTION_PORT)] : []
  return [
    service(cluster, names.zooKeeperNodesService(cluster), 'zookeeper', {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector,
      ports: [client, ...peers],
    }),
    service(cluster, names.zooKeeperService(cluster), 'zookeeper', { selector, ports: [client] }),
  ]
}
