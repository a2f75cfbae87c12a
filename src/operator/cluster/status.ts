import type { Cluster, ClusterStatus } from '../../api/index.ts'
import type { Pod } from '../../kube/resources.ts'
import { bootstrapService, groupName, namespaceOf } from '../names.ts'
import { conditionsOfVerdict, READY, reconciling, type Reason, type Verdict } from '../reasons.ts'
import type { ConditionInput } from '../../kube/conditions.ts'
import type { Inputs } from './inputs.ts'
import { addressOf, addressText, idOf, isReady, isZooKeeper, troubleOf } from './pods/broker-pods.ts'
import { isExternal, listenersOf, type Listener } from './listeners/listeners.ts'
import { isExternal as isExternalZooKeeper } from '../zookeeper/place.ts'
import type { Warning } from './steps.ts'

export type StatusInputs = {
  cluster: Cluster
  pods: readonly Pod[]
  /** How many pods have not the template of now. */
  outdated: number
  inputs: Inputs
  clusterId: string | undefined
  /** What goes before everything that is seen: an obstacle, an error. */
  trouble: Verdict | undefined
  warnings: readonly Warning[]
}

/** What the cluster is, from what was seen; no clock but the given time, and no client. */
export const clusterStatus = (inputs: StatusInputs, nowMs: number): ClusterStatus => {
  const { cluster, pods } = inputs
  const generation = cluster.metadata.generation ?? 0
  const brokers = brokersOf(cluster, pods)
  const ready = brokers.filter((broker) => broker.ready).length
  return {
    observedGeneration: generation,
    clusterId: inputs.clusterId ?? cluster.status?.clusterId,
    image: inputs.inputs.image,
    readyBrokers: `${ready}/${brokers.length}`,
    listeners: listenersOf(cluster).map((listener) => listenerStatus(inputs, listener)),
    brokers,
    conditions: conditionsOfVerdict(
      verdictOf(inputs, brokers),
      generation,
      cluster.status?.conditions,
      nowMs,
      degraded(inputs.warnings, generation),
    ),
  }
}

/** For information: the Cluster may be Ready all the same. */
const degraded = (warnings: readonly Warning[], observedGeneration: number): (ConditionInput & { reason: Reason })[] => {
  const [first] = warnings
  const message = warnings.map((warning) => warning.message).join('; ')
  return first ? [{ type: 'Degraded', status: 'True', reason: first.reason, message, observedGeneration }] : []
}

const brokersOf = (cluster: Cluster, pods: readonly Pod[]): NonNullable<ClusterStatus['brokers']> => {
  const readyNames = new Set(pods.filter(isReady).map((pod) => pod.metadata.name))
  return cluster.spec.brokers
    .flatMap(({ name, replicas, firstId = 0 }) => Array.from({ length: replicas }, (_, index) => ({ group: name, id: firstId + index })))
    .map(({ group, id }) => {
      const pod = `${groupName(cluster, group)}-${id}`
      return { id, pod, ready: readyNames.has(pod) }
    })
    .sort((a, b) => a.id - b.id)
}

const listenerStatus = (inputs: StatusInputs, listener: Listener): NonNullable<ClusterStatus['listeners']>[number] => {
  const { name, port, type } = listener
  const facts = inputs.inputs.listeners
  const authorities = facts?.authorities.get(name) ?? []
  const certificates = authorities.length > 0 ? [...authorities] : undefined
  if (!isExternal(listener)) return { name, bootstrapServers: bootstrapServers(inputs, name, port), certificates }
  const ofBrokers = inputs.pods.filter((pod) => !isZooKeeper(pod))
  const hostIps = new Map(ofBrokers.map((pod) => [idOf(pod), pod.status?.['hostIP'] as string | undefined]))
  const brokers = facts?.addresses.get(name)?.map(({ id, host, port: number }) => ({ id, host: host ?? hostIps.get(id), port: number }))
  return { name, type, bootstrapServers: facts?.bootstrap.get(name), brokers, certificates }
}

const bootstrapServers = ({ cluster, pods, inputs: { advertise } }: StatusInputs, listener: string, port: number): string | undefined => {
  if (advertise === 'pod-dns') return `${bootstrapService(cluster, listener)}.${namespaceOf(cluster)}.svc:${port}`
  const addresses = pods
    .filter((pod) => !isZooKeeper(pod))
    .sort((a, b) => idOf(a) - idOf(b))
    .flatMap((pod) => addressOf(pod, port) ?? [])
  return addresses.length > 0 ? addresses.map(addressText).join(',') : undefined
}

const verdictOf = ({ pods, outdated, trouble, clusterId, cluster }: StatusInputs, brokers: readonly { ready?: boolean }[]): Verdict => {
  if (trouble) return trouble
  const ready = brokers.filter((broker) => broker.ready).length
  const why = pods.flatMap((pod) => troubleOf(pod) ?? []).slice(0, 3)
  const because = why.length > 0 ? `; ${why.join('; ')}` : ''
  if (outdated > 0)
    return reconciling(
      'RollingUpdate',
      `${outdated} pods are still to be replaced, ${ready} of ${brokers.length} brokers are ready${because}`,
    )
  if (!isExternalZooKeeper(cluster) && !pods.some((pod) => isZooKeeper(pod) && isReady(pod)))
    return reconciling('ZooKeeperNotReady', `ZooKeeper is not ready${because}`)
  if (ready < brokers.length) return reconciling('BrokersNotReady', `${ready} of ${brokers.length} brokers are ready${because}`)
  if (!(clusterId ?? cluster.status?.clusterId))
    return reconciling('BrokersUnreachable', 'the brokers are ready, but none has answered the operator yet')
  return { ...READY, message: `${ready} of ${brokers.length} brokers are ready` }
}
