import type { Cluster } from '../../api/index.ts'
import { type ConfigMap, type Container, fieldVariable, type StatefulSet } from '../../kube/resources.ts'
import type { KubeObject } from '../../kube/types.ts'
import * as names from '../names.ts'
import type { Inputs } from './inputs.ts'
import { listenerObjects } from './listeners/services.ts'
import { listenerParts, listenersRestartOn } from './listeners/listeners.ts'
import { BROKER_CONFIG_MOUNT, CREDENTIALS_MOUNT, DATA_MOUNT, GRACE_S, LOGIN_FILE, LOGIN_MOUNT } from './pods/mounts.ts'
import { networkPolicies, serviceAccounts } from './access.ts'
import { resourcesOf, storageOf } from './pods/flavors.ts'
import { migrationParts } from '../migration/listener.ts'
import { ownedMeta, statefulSet } from './pods/pod.ts'
import { serverProperties, staticSettings } from './config/properties.ts'
import type { Group } from './pods/flavors.ts'
import { zooKeeperObjects, zooKeeperParts, zooKeeperRestartOn } from './zookeeper.ts'

/** Every object that goes with the Cluster, in the order in which they are applied. Same in, same out. */
export const desired = (cluster: Cluster, inputs: Inputs): KubeObject[] => [
  ...zooKeeperObjects(cluster, inputs),
  ...serviceAccounts(cluster),
  ...networkPolicies(cluster, inputs),
  ...listenerObjects(cluster, inputs),
  ...cluster.spec.brokers.flatMap((group) => [groupConfig(cluster, group), groupStatefulSet(cluster, group, inputs)]),
]

const groupConfig = (cluster: Cluster, group: Group): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: ownedMeta(cluster, names.groupName(cluster, group.name), 'kafka'),
  data: { 'server.properties': serverProperties(cluster, group) },
})

const httpProbe = (path: string) => ({ httpGet: { path, port: 'tcp-prometheus' }, timeoutSeconds: 5 })

const brokerContainer = (cluster: Cluster, inputs: Inputs): Container => {
  const parts = [listenerParts(cluster, inputs), zooKeeperParts(cluster, inputs), migrationParts(cluster, inputs)]
  return {
    name: 'kafka',
    image: inputs.image,
    args: [
      'broker',
      `${BROKER_CONFIG_MOUNT}/server.properties`,
      '--override',
      'broker.id=$(BROKER_ID)',
      ...parts.flatMap(({ args }) => args),
    ],
    env: [
      fieldVariable('BROKER_ID', `metadata.labels['apps.kubernetes.io/pod-index']`),
      fieldVariable('POD_NAME', 'metadata.name'),
      fieldVariable('POD_IP', 'status.podIP'),
      ...parts.flatMap(({ env }) => env),
    ],
    ports: [...parts.flatMap(({ ports }) => ports), { name: 'tcp-prometheus', containerPort: names.METRICS_PORT, protocol: 'TCP' }],
    // Recovery after a kill may take long; until it is done only the HTTP listener is there.
    startupProbe: { ...httpProbe('/healthz'), periodSeconds: 1, failureThreshold: 600 },
    livenessProbe: { ...httpProbe('/healthz'), periodSeconds: 10, failureThreshold: 6 },
    readinessProbe: { ...httpProbe('/readyz'), periodSeconds: 1, failureThreshold: 5 },
    volumeMounts: [
      { name: 'config', mountPath: BROKER_CONFIG_MOUNT, readOnly: true },
      { name: 'credentials', mountPath: CREDENTIALS_MOUNT, readOnly: true },
      { name: 'login', mountPath: LOGIN_MOUNT, readOnly: true },
      { name: 'data', mountPath: DATA_MOUNT },
      ...parts.flatMap(({ volumeMounts }) => volumeMounts),
    ],
  }
}

const secretVolume = (name: string, secretName: string, keys: string[]) => ({
  name,
  secret: { secretName, defaultMode: 0o440, items: keys.map((key) => ({ key, path: key })) },
})

const groupStatefulSet = (cluster: Cluster, group: Group, inputs: Inputs): StatefulSet => {
  const secret = names.credentialsSecret(cluster)
  return statefulSet(cluster, {
    group: group.name,
    role: 'kafka',
    replicas: inputs.replicas?.get(group.name) ?? group.replicas + (inputs.staying?.get(group.name) ?? 0),
    firstId: group.firstId ?? 0,
    serviceName: names.brokersService(cluster),
    container: brokerContainer(cluster, inputs),
    volumes: [
      { name: 'config', configMap: { name: names.groupName(cluster, group.name) } },
      secretVolume('credentials', secret, [names.BROKER_USER, names.OPERATOR_USER]),
      secretVolume('login', secret, [LOGIN_FILE]),
      ...listenerParts(cluster, inputs).volumes,
      ...zooKeeperParts(cluster, inputs).volumes,
    ],
    storage: storageOf(group),
    resources: resourcesOf(group),
    template: group.template,
    zone: group.zone,
    terminationGracePeriodSeconds: GRACE_S,
    restartOn: {
      image: inputs.image,
      flavor: group.flavor,
      resources: group.resources,
      settings: staticSettings(cluster),
      listeners: listenersRestartOn(cluster, inputs),
      zookeeper: zooKeeperRestartOn(cluster, inputs),
      authorization: cluster.spec.authorization,
      shared: inputs.shared,
    },
  })
}
