import type { Cluster } from '../../api/index.ts'
import { formatProperties } from '../../base/properties.ts'
import { quantity } from '../../kube/difference.ts'
import { type ConfigMap, type Container, fieldVariable, type StatefulSet } from '../../kube/resources.ts'
import { DATA_DIRECTORY, DATA_MOUNT, ZOOKEEPER_CONFIG_MOUNT } from '../cluster/pods/mounts.ts'
import { ownedMeta, statefulSet } from '../cluster/pods/pod.ts'
import type { ZooKeeperFacts } from '../cluster/inputs.ts'
import * as names from '../names.ts'
import { LOGIN_DIRECTORY, SERVER_JAAS } from './login.ts'
import { hasMetrics } from './place.ts'
import { clientPortOf, hasServerTls, plainAddressOf, serverTlsParts, tlsLines } from './server-tls.ts'
import { START_SCRIPT } from './start-script.ts'

/** The rest of the memory is for buffers, threads and the page cache of logs and snapshots. */
const HEAP_SHARE = 0.6
const MIB = 1024 * 1024

/** Where a server finds the others, and they find it: server.N lines are of this form. */
export const memberLine = (cluster: Cluster, id: number): string => {
  const host = `${names.zooKeeperName(cluster)}-${id - 1}.${names.zooKeeperNodesService(cluster)}.${names.namespaceOf(cluster)}.svc`
  return `server.${id}=${host}:${names.ZOOKEEPER_PEER_PORT}:${names.ZOOKEEPER_ELECTION_PORT}:participant;${plainAddressOf(cluster)}`
}

/** Keys that zoo.cfg does not know become Java system properties with the prefix zookeeper. (superUser, fips-mode). */
const zooCfg = (cluster: Cluster): string =>
  formatProperties([
    ['tickTime', '2000'],
    ['initLimit', '10'],
    ['syncLimit', '5'],
    ['dataDir', DATA_DIRECTORY],
    ['maxClientCnxns', '0'],
    ['autopurge.snapRetainCount', '3'],
    ['autopurge.purgeInterval', '1'],
    ['admin.enableServer', 'false'],
    ['4lw.commands.whitelist', 'ruok,srvr,stat,mntr,conf'],
    ['reconfigEnabled', 'true'],
    ['standaloneEnabled', 'false'],
    // The name of a pod may resolve a moment after the pod has started.
    ['quorumListenOnAllIPs', 'true'],
    ['authProvider.1', 'org.apache.zookeeper.server.auth.SASLAuthenticationProvider'],
    ['superUser', names.OPERATOR_USER],
    // ZooKeeper 3.9 refuses DIGEST-MD5 among servers otherwise.
    ['fips-mode', 'false'],
    ['quorum.auth.enableSasl', 'true'],
    ['quorum.auth.learnerRequireSasl', 'true'],
    ['quorum.auth.serverRequireSasl', 'true'],
    ['quorum.auth.learner.loginContext', 'QuorumLearner'],
    ['quorum.auth.server.loginContext', 'QuorumServer'],
    ...tlsLines(cluster),
    ...metricsLines(cluster),
  ])

const metricsLines = (cluster: Cluster): [string, string][] =>
  hasMetrics(cluster)
    ? [
        ['metricsProvider.className', 'org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider'],
        ['metricsProvider.httpPort', String(names.METRICS_PORT)],
      ]
    : []

export const apacheConfig = (cluster: Cluster): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: ownedMeta(cluster, names.zooKeeperName(cluster), 'zookeeper'),
  data: { 'zoo.cfg': zooCfg(cluster), 'start.sh': START_SCRIPT },
})

/** Serving, as a member or as one that listens before it joins: a server without a leader listens too, and answers that it does not serve. */
const SERVES = `exec 3<>/dev/tcp/127.0.0.1/${names.ZOOKEEPER_PORT} && printf srvr >&3 && grep -q '^Mode: ' <&3`

/** A probe of the port with TLS would be half a handshake. */
const LISTENS = `: < /dev/tcp/127.0.0.1/${names.ZOOKEEPER_PORT}`

const javaFlags = ({ spec }: Cluster): string => {
  const bytes = quantity(spec.zookeeper.resources?.limits?.['memory'])
  const heap = bytes === undefined ? [] : [`-Xmx${Math.max(64, Math.floor((bytes * HEAP_SHARE) / MIB))}m`]
  return [`-Djava.security.auth.login.config=${LOGIN_DIRECTORY}/${SERVER_JAAS}`, ...heap].join(' ')
}

export const MEMBERS = 'MEMBERS'

const containerOf = (cluster: Cluster, members: readonly number[]): Container => {
  const tls = serverTlsParts(cluster)
  return {
    name: 'zookeeper',
    image: cluster.spec.zookeeper.image!,
    command: ['sh', `${ZOOKEEPER_CONFIG_MOUNT}/start.sh`],
    env: [
      fieldVariable('POD_INDEX', `metadata.labels['apps.kubernetes.io/pod-index']`),
      fieldVariable('POD_UID', 'metadata.uid'),
      { name: MEMBERS, value: members.join(',') },
      { name: 'SERVERS', value: names.zooKeeperName(cluster) },
      { name: 'SERVICE', value: `${names.zooKeeperNodesService(cluster)}.${names.namespaceOf(cluster)}.svc` },
      { name: 'HOME_DIRECTORY', value: DATA_MOUNT },
      { name: 'CONFIG_DIRECTORY', value: ZOOKEEPER_CONFIG_MOUNT },
      { name: 'ZOO_LOG_DIR', value: '/tmp' },
      { name: 'JVMFLAGS', value: javaFlags(cluster) },
      ...tls.env,
    ],
    ports: [
      { name: 'tcp-client', containerPort: clientPortOf(cluster), protocol: 'TCP' },
      { name: 'tcp-peer', containerPort: names.ZOOKEEPER_PEER_PORT, protocol: 'TCP' },
      { name: 'tcp-election', containerPort: names.ZOOKEEPER_ELECTION_PORT, protocol: 'TCP' },
      ...(hasMetrics(cluster) ? [{ name: 'tcp-prometheus', containerPort: names.METRICS_PORT, protocol: 'TCP' }] : []),
    ],
    readinessProbe: { exec: { command: ['bash', '-c', SERVES] }, periodSeconds: 2, timeoutSeconds: 5, failureThreshold: 3 },
    livenessProbe: {
      ...(hasServerTls(cluster) ? { exec: { command: ['bash', '-c', LISTENS] } } : { tcpSocket: { port: 'tcp-client' } }),
      initialDelaySeconds: 30,
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 6,
    },
    volumeMounts: [
      { name: 'config', mountPath: ZOOKEEPER_CONFIG_MOUNT, readOnly: true },
      { name: 'login', mountPath: LOGIN_DIRECTORY, readOnly: true },
      { name: 'data', mountPath: DATA_MOUNT },
      ...tls.volumeMounts,
    ],
  }
}

/** Apache ZooKeeper, any odd number of servers. Who the members are is not what pods are replaced for: running servers know it from one another. */
export const apacheStatefulSet = (cluster: Cluster, { ensemble }: ZooKeeperFacts): StatefulSet => {
  const { storage, resources, template, image } = cluster.spec.zookeeper
  const { replicas, members } = ensemble ?? { replicas: 1, members: [1] }
  const secret = { secretName: names.zooKeeperLoginSecret(cluster), defaultMode: 0o440, items: [{ key: SERVER_JAAS, path: SERVER_JAAS }] }
  return statefulSet(cluster, {
    group: names.ZOOKEEPER_GROUP,
    role: 'zookeeper',
    replicas,
    firstId: 0,
    serviceName: names.zooKeeperNodesService(cluster),
    container: containerOf(cluster, members),
    volumes: [
      { name: 'config', configMap: { name: names.zooKeeperName(cluster) } },
      { name: 'login', secret },
      ...serverTlsParts(cluster).volumes,
    ],
    storage: storage!,
    resources,
    template,
    zone: undefined,
    terminationGracePeriodSeconds: 30,
    restartOn: { image, resources, ...(hasServerTls(cluster) ? { tls: true } : {}), ...(hasMetrics(cluster) ? { metrics: true } : {}) },
  })
}

/** What the StatefulSet has written down. */
export const ensembleOf = (set: StatefulSet): { replicas: number; members: number[] } => {
  const variables = set.spec.template.spec.containers.flatMap(({ env }) => env ?? [])
  const text = variables.find(({ name }) => name === MEMBERS)?.value ?? ''
  return { replicas: set.spec.replicas, members: text.split(',').flatMap((id) => (/^\d+$/.test(id) ? [Number(id)] : [])) }
}
