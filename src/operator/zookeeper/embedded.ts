import type { Cluster } from '../../api/index.ts'
import { formatProperties } from '../../base/properties.ts'
import type { ConfigMap, Container, StatefulSet } from '../../kube/resources.ts'
import type { Inputs, ZooKeeperFacts } from '../cluster/inputs.ts'
import { DATA_DIRECTORY, DATA_MOUNT, ZOOKEEPER_CONFIG_MOUNT } from '../cluster/pods/mounts.ts'
import { ownedMeta, statefulSet } from '../cluster/pods/pod.ts'
import * as names from '../names.ts'
import { LOGIN_DIRECTORY, SERVER_JAAS } from './login.ts'

const tcpProbe = { tcpSocket: { port: 'tcp-client' }, timeoutSeconds: 5 }

const zooCfg = ({ security }: ZooKeeperFacts): string =>
  formatProperties([
    ['tickTime', '2000'],
    ['dataDir', DATA_DIRECTORY],
    ['clientPort', String(names.ZOOKEEPER_PORT)],
    ['clientPortAddress', '0.0.0.0'],
    ['maxClientCnxns', '0'],
    ['autopurge.snapRetainCount', '3'],
    ['4lw.commands.whitelist', 'ruok,srvr,stat,mntr'],
    ...(security === 'none' ? [] : loginLines),
  ])

const loginLines: [string, string][] = [
  ['sofakafka.jaas.config', `${LOGIN_DIRECTORY}/${SERVER_JAAS}`],
  ['superUser', names.OPERATOR_USER],
]

/** Two files: one for pods that have the logins, one for those that were made before there were any. */
export const embeddedConfig = (cluster: Cluster, facts: ZooKeeperFacts): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: ownedMeta(cluster, names.zooKeeperName(cluster), 'zookeeper'),
  data: {
    'zoo.cfg': zooCfg({ security: 'none' }),
    ...(facts.security === 'none' ? {} : { 'secured.cfg': zooCfg(facts) }),
  },
})

/** One server of our own image. */
export const embeddedStatefulSet = (cluster: Cluster, { image, zookeeper: facts = { security: 'none' } }: Inputs): StatefulSet => {
  const { storage, resources, template } = cluster.spec.zookeeper
  const hasLogin = facts.security !== 'none'
  const secret = { secretName: names.zooKeeperLoginSecret(cluster), defaultMode: 0o440, items: [{ key: SERVER_JAAS, path: SERVER_JAAS }] }
  const container: Container = {
    name: 'zookeeper',
    image,
    args: ['zookeeper', `${ZOOKEEPER_CONFIG_MOUNT}/${hasLogin ? 'secured.cfg' : 'zoo.cfg'}`],
    ports: [{ name: 'tcp-client', containerPort: names.ZOOKEEPER_PORT, protocol: 'TCP' }],
    readinessProbe: { ...tcpProbe, periodSeconds: 1, failureThreshold: 5 },
    livenessProbe: { ...tcpProbe, periodSeconds: 10, failureThreshold: 6 },
    volumeMounts: [
      { name: 'config', mountPath: ZOOKEEPER_CONFIG_MOUNT, readOnly: true },
      ...(hasLogin ? [{ name: 'login', mountPath: LOGIN_DIRECTORY, readOnly: true }] : []),
      { name: 'data', mountPath: DATA_MOUNT },
    ],
  }
  return statefulSet(cluster, {
    group: names.ZOOKEEPER_GROUP,
    role: 'zookeeper',
    replicas: 1,
    firstId: 0,
    serviceName: names.zooKeeperNodesService(cluster),
    container,
    volumes: [{ name: 'config', configMap: { name: names.zooKeeperName(cluster) } }, ...(hasLogin ? [{ name: 'login', secret }] : [])],
    storage: storage!,
    resources,
    template,
    zone: undefined,
    terminationGracePeriodSeconds: 30,
    restartOn: { image, resources, ...(hasLogin ? { hasLogin } : {}) },
  })
}
