import type { Cluster } from '../../api/index.ts'
import type { ConfigMap, Container, Service, StatefulSet } from '../../kube/resources.ts'
import type { KubeObject } from '../../kube/types.ts'
import * as names from '../names.ts'
import { ownedMeta, statefulSet } from './pod.ts'
import { allListenersOf, BROKER_CONFIG_MOUNT, CREDENTIALS_MOUNT, DATA_MOUNT, listenersOf, LOGIN_FILE, LOGIN_MOUNT } from './properties.ts'
import { serverProperties, ZOOKEEPER_CONFIG_MOUNT, zooCfg, type Group } from './properties.ts'

/** What rendering needs beside the Cluster itself. */
export type Inputs = {
  image: string
  /** pod-dns: brokers advertise the names of their pods; pod-ip: their addresses, for clients that cannot resolve the names. */
  advertise: 'pod-dns' | 'pod-ip'
  /** By group: how many brokers more than the spec says still run, because partitions are on them. */
  staying?: ReadonlyMap<string, number>
}

/** What a flavor stands for. */
const FLAVORS = {
  '4C8G': { cpu: '4', memory: '8Gi', size: '500Gi' },
  '16C60G': { cpu: '16', memory: '60Gi', size: '2Ti' },
} as const

/** Every object that goes with the Cluster, in the order in which they are applied. Same in, same out. */
export const desired = (cluster: Cluster, inputs: Inputs): KubeObject[] => [
  zooKeeperConfig(cluster),
  ...zooKeeperServices(cluster),
  zooKeeperStatefulSet(cluster, inputs),
  brokersService(cluster),
  ...bootstrapServices(cluster),
  ...cluster.spec.brokers.flatMap((group) => [groupConfig(cluster, group), groupStatefulSet(cluster, group, inputs)]),
  ...disruptionBudget(cluster),
]

export const zooKeeperConfig = (cluster: Cluster): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: ownedMeta(cluster, names.zooKeeperName(cluster), 'zookeeper'),
  data: { 'zoo.cfg': zooCfg() },
})

const service = (cluster: Cluster, name: string, role: 'kafka' | 'zookeeper', spec: Service['spec']): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: ownedMeta(cluster, name, role),
  spec,
})
const port = (name: string, number: number) => ({ name, port: number, targetPort: number, protocol: 'TCP' })

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
    restartOn: zooCfg(),
  })
}

/** Headless, with pods that are not ready too: brokers find one another before they serve. */
export const brokersService = (cluster: Cluster): Service =>
  service(cluster, names.brokersService(cluster), 'kafka', {
    clusterIP: 'None',
    publishNotReadyAddresses: true,
    selector: names.kafkaSelector(cluster),
    ports: [
      ...allListenersOf(cluster).map((listener) => port(`tcp-${listener.name}`, listener.port)),
      port('tcp-prometheus', names.METRICS_PORT),
    ],
  })

export const bootstrapServices = (cluster: Cluster): Service[] =>
  listenersOf(cluster).map((listener) =>
    service(cluster, names.bootstrapService(cluster, listener.name), 'kafka', {
      selector: names.kafkaSelector(cluster),
      ports: [port(`tcp-${listener.name}`, listener.port)],
    }),
  )

export const groupConfig = (cluster: Cluster, group: Group): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: ownedMeta(cluster, names.groupName(cluster, group.name), 'kafka'),
  data: { 'server.properties': serverProperties(cluster, group) },
})

const httpProbe = (path: string) => ({ httpGet: { path, port: 'tcp-prometheus' }, timeoutSeconds: 5 })

const advertised = (cluster: Cluster, how: Inputs['advertise']): string => {
  const host = how === 'pod-ip' ? '$(POD_IP)' : `$(POD_NAME).${names.brokersService(cluster)}.${names.namespaceOf(cluster)}.svc`
  return allListenersOf(cluster)
    .map(({ name, port }) => `${name.toUpperCase()}://${host}:${port}`)
    .join(',')
}

const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } })

const brokerContainer = (cluster: Cluster, { image, advertise }: Inputs): Container => ({
  name: 'kafka',
  image,
  args: [
    'broker',
    `${BROKER_CONFIG_MOUNT}/server.properties`,
    '--override',
    'broker.id=$(BROKER_ID)',
    '--override',
    `advertised.listeners=${advertised(cluster, advertise)}`,
  ],
  env: [
    field('BROKER_ID', `metadata.labels['apps.kubernetes.io/pod-index']`),
    field('POD_NAME', 'metadata.name'),
    field('POD_IP', 'status.podIP'),
  ],
  ports: [
    ...allListenersOf(cluster).map(({ name, port }) => ({ name: `tcp-${name}`, containerPort: port, protocol: 'TCP' })),
    { name: 'tcp-prometheus', containerPort: names.METRICS_PORT, protocol: 'TCP' },
  ],
  // Recovery after a kill may take long; until it is done only the HTTP listener is there.
  startupProbe: { ...httpProbe('/healthz'), periodSeconds: 1, failureThreshold: 600 },
  livenessProbe: { ...httpProbe('/healthz'), periodSeconds: 10, failureThreshold: 6 },
  readinessProbe: { ...httpProbe('/readyz'), periodSeconds: 1, failureThreshold: 5 },
  volumeMounts: [
    { name: 'config', mountPath: BROKER_CONFIG_MOUNT, readOnly: true },
    { name: 'credentials', mountPath: CREDENTIALS_MOUNT, readOnly: true },
    { name: 'login', mountPath: LOGIN_MOUNT, readOnly: true },
    { name: 'data', mountPath: DATA_MOUNT },
  ],
})

const secretVolume = (name: string, secretName: string, keys: string[]) => ({
  name,
  secret: { secretName, defaultMode: 0o440, items: keys.map((key) => ({ key, path: key })) },
})

const resourcesOf = (group: Group): Group['resources'] => {
  if (!group.flavor) return group.resources
  const { cpu, memory } = FLAVORS[group.flavor]
  return { requests: { cpu, memory, ...group.resources?.requests }, limits: { cpu, memory, ...group.resources?.limits } }
}

export const groupStatefulSet = (cluster: Cluster, group: Group, inputs: Inputs): StatefulSet => {
  const secret = names.credentialsSecret(cluster)
  return statefulSet(cluster, {
    group: group.name,
    role: 'kafka',
    replicas: group.replicas + (inputs.staying?.get(group.name) ?? 0),
    firstId: group.firstId ?? 0,
    serviceName: names.brokersService(cluster),
    container: brokerContainer(cluster, inputs),
    volumes: [
      { name: 'config', configMap: { name: names.groupName(cluster, group.name) } },
      secretVolume('credentials', secret, [names.BROKER_USER, names.OPERATOR_USER]),
      secretVolume('login', secret, [LOGIN_FILE]),
    ],
    storage: group.storage ?? { size: FLAVORS[group.flavor ?? '4C8G'].size },
    resources: resourcesOf(group),
    template: group.template,
    zone: group.zone,
    terminationGracePeriodSeconds: 60,
    restartOn: serverProperties(cluster, group, 'fixed'),
  })
}

/** At most one broker down by choice; a cluster of one gets none, for a budget there would block every drain. */
export const disruptionBudget = (cluster: Cluster): KubeObject[] => {
  const brokers = cluster.spec.brokers.reduce((sum, group) => sum + group.replicas, 0)
  if (brokers < 2) return []
  const budget = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: ownedMeta(cluster, `${cluster.metadata.name}-kafka`, 'kafka'),
    spec: { maxUnavailable: 1, selector: { matchLabels: names.kafkaSelector(cluster) } },
  }
  return [budget]
}
