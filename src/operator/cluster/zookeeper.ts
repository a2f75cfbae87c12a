import type { Cluster } from '../../api/index.ts'
import { formatProperties } from '../../base/properties.ts'
import type { ConfigMap, Container, Service, StatefulSet } from '../../kube/resources.ts'
import type { KubeObject } from '../../kube/types.ts'
import * as names from '../names.ts'
import type { Inputs } from './inputs.ts'
import type { PodParts } from './listeners.ts'
import { DATA_DIRECTORY, DATA_MOUNT, ZOOKEEPER_CONFIG_MOUNT } from './mounts.ts'
import { ownedMeta, statefulSet } from './pod.ts'
import { port, service } from './service.ts'

/** What rendering must know of ZooKeeper beside the spec. */
export type ZooKeeperFacts = Record<string, never>

/** Every object of the Cluster's own ZooKeeper. */
export const zooKeeperObjects = (cluster: Cluster, inputs: Inputs): KubeObject[] => [
  zooKeeperConfig(cluster),
  ...zooKeeperServices(cluster),
  zooKeeperStatefulSet(cluster, inputs),
]

/** The lines of server.properties about ZooKeeper. */
export const zooKeeperProperties = (cluster: Cluster): [string, string][] => [
  ['zookeeper.connect', `${names.zooKeeperService(cluster)}.${names.namespaceOf(cluster)}.svc:${names.ZOOKEEPER_PORT}`],
]

/** What a broker's pod has for its way to ZooKeeper. */
export const zooKeeperParts = (_cluster: Cluster, _inputs: Inputs): PodParts => ({
  args: [],
  env: [],
  ports: [],
  volumes: [],
  volumeMounts: [],
})

/** For which a broker must be restarted when it changes: what the user asked for, never how this operator renders it. */
export const zooKeeperRestartOn = (_cluster: Cluster): unknown => undefined

export const zooKeeperConfig = (cluster: Cluster): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: ownedMeta(cluster, names.zooKeeperName(cluster), 'zookeeper'),
  data: { 'zoo.cfg': zooCfg() },
})

export const zooKeeperServices = (cluster: Cluster): Service[] => {
  const selector = names.selectorOf(cluster, names.ZOOKEEPER_GROUP)
  const ports = [port('tcp-client', names.ZOOKEEPER_PORT)]
  return [
    service(cluster, names.zooKeeperNodesService(cluster), 'zookeeper', {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector,
      ports,
    }),
    service(cluster, names.zooKeeperService(cluster), 'zookeeper', { selector, ports }),
  ]
}

const tcpProbe = { tcpSocket: { port: 'tcp-client' }, timeoutSeconds: 5 }

export const zooKeeperStatefulSet = (cluster: Cluster, { image }: Inputs): StatefulSet => {
  const { storage, resources, template } = cluster.spec.zookeeper
  const container: Container = {
    name: 'zookeeper',
    image,
    args: ['zookeeper', `${ZOOKEEPER_CONFIG_MOUNT}/zoo.cfg`],
    ports: [{ name: 'tcp-client', containerPort: names.ZOOKEEPER_PORT, protocol: 'TCP' }],
    readinessProbe: { ...tcpProbe, periodSeconds: 1, failureThreshold: 5 },
    livenessProbe: { ...tcpProbe, periodSeconds: 10, failureThreshold: 6 },
    volumeMounts: [
      { name: 'config', mountPath: ZOOKEEPER_CONFIG_MOUNT, readOnly: true },
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
    volumes: [{ name: 'config', configMap: { name: names.zooKeeperName(cluster) } }],
    storage,
    resources,
    template,
    zone: undefined,
    terminationGracePeriodSeconds: 30,
    restartOn: { image, resources },
  })
}

export const zooCfg = (): string =>
  formatProperties([
    ['tickTime', '2000'],
    ['dataDir', DATA_DIRECTORY],
    ['clientPort', String(names.ZOOKEEPER_PORT)],
    ['clientPortAddress', '0.0.0.0'],
    ['maxClientCnxns', '0'],
    ['autopurge.snapRetainCount', '3'],
    ['4lw.commands.whitelist', 'ruok,srvr,stat,mntr'],
  ])
