import { partitionKey } from '../../base/topic-partition.ts'
import { isOfBrokers, PAUSED } from '../../api/index.ts'
import type { Pod } from '../../kube/resources.ts'
import { isReady } from '../../kube/pods.ts'
import { brokerIdOf } from '../pods.ts'
import { type Custom, isReady as isResourceReady, type Kind, stateOf } from '../resources/kinds.ts'
import { nextSteps } from './next.ts'
import type { BrokerReport, PodReport, Report } from './model.ts'
import type { InKafka, Seen } from './observe.ts'

/** What comes after the last colon of an image, or its digest. */
const versionOf = (image = ''): string => /@(sha256:.{12})/.exec(image)?.[1] ?? /:([^:/]+)$/.exec(image)?.[1] ?? image

/** Why a pod is not ready, as the kubelet or the scheduler says. */
export const troubleOf = ({ status, metadata }: Pod): string | undefined => {
  if (metadata.deletionTimestamp) return 'is being deleted'
  const waiting = status?.containerStatuses
    ?.map(({ state }) => state?.waiting)
    .find((one) => one?.reason && one.reason !== 'ContainerCreating')
  if (waiting) return [waiting.reason, waiting.message].filter(Boolean).join(': ')
  const ended = status?.containerStatuses?.map(({ state }) => state?.terminated).find(Boolean)
  if (ended) return `${ended.reason ?? 'ended'} with ${ended.exitCode}`
  const scheduled = status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False')
  if (scheduled) return [scheduled.reason, scheduled.message].filter(Boolean).join(': ')
  return undefined
}

const podReport = (pod: Pod): PodReport => {
  const ready = isReady(pod)
  const trouble = ready ? undefined : (troubleOf(pod) ?? 'is starting')
  return {
    pod: pod.metadata.name,
    ...(pod.spec.nodeName ? { node: pod.spec.nodeName } : {}),
    ready,
    version: versionOf(pod.spec.containers[0]?.image),
    restarts: pod.status?.containerStatuses?.reduce((sum, { restartCount }) => sum + restartCount, 0) ?? 0,
    ...(pod.metadata.creationTimestamp ? { createdAt: pod.metadata.creationTimestamp } : {}),
    ...(trouble ? { trouble } : {}),
  }
}

const isInKafka = (kafka: Seen['kafka']): kafka is InKafka => kafka !== undefined && !('problem' in kafka)

const brokerReport = (pod: Pod, kafka: Seen['kafka']): BrokerReport => {
  const id = brokerIdOf(pod)
  const base = { id, ...podReport(pod) }
  if (!isInKafka(kafka)) return base
  const registered = kafka.brokers.find((broker) => broker.id === id)
  const held = kafka.partitions.filter(({ replicas }) => replicas.includes(id))
  return {
    ...base,
    ...(registered?.rack ? { rack: registered.rack } : {}),
    isController: kafka.controllerId === id,
    registered: registered !== undefined,
    partitions: held.length,
    leads: held.filter(({ leader }) => leader === id).length,
    outOfSync: held.filter(({ isr }) => !isr.includes(id)).length,
  }
}

const partitionsOf = (kafka: Seen['kafka']): Pick<Report, 'partitions'> => {
  if (!isInKafka(kafka)) return {}
  const offline = kafka.partitions.filter(({ leader }) => leader < 0)
  const behind = kafka.partitions.filter(({ isr, replicas, leader }) => leader >= 0 && isr.length < replicas.length)
  return { partitions: { total: kafka.partitions.length, underReplicated: behind.map(partitionKey), offline: offline.map(partitionKey) } }
}

const KINDS: readonly Kind[] = ['topic', 'user', 'acl']
const notReadyOf = (items: readonly Custom[]): Report['notReady'] =>
  items
    .filter((object) => !isResourceReady(object))
    .map((object) => {
      const { reason, message } = stateOf(object)
      return { kind: object.kind, namespace: object.metadata.namespace ?? 'default', name: object.metadata.name, reason, message }
    })

const CAPITAL: Readonly<Record<Kind, string>> = { topic: 'Topic', user: 'User', acl: 'Acl' }

/** What is shown of a Cluster. Pure. */
export const report = (seen: Seen, calledAs: string): Report => {
  const { cluster, pods, resources, kafka } = seen
  const { name, namespace = 'default' } = cluster.metadata
  const found: Omit<Report, 'next'> = {
    name,
    namespace,
    ...(cluster.status?.clusterId ? { clusterId: cluster.status.clusterId } : {}),
    ...(cluster.status?.image ? { image: cluster.status.image } : {}),
    isPaused: cluster.metadata.annotations?.[PAUSED] === 'true',
    ready: ((state) => ({ status: state.ready, reason: state.reason, message: state.message }))(stateOf(cluster)),
    conditions: cluster.status?.conditions ?? [],
    brokers: pods.filter(isOfBrokers).map((pod) => brokerReport(pod, kafka)),
    zookeeper: pods.filter((pod) => !isOfBrokers(pod)).map(podReport),
    ...(cluster.spec.zookeeper.external ? { externalZooKeeper: cluster.spec.zookeeper.external.connect } : {}),
    listeners: listenersOf(seen),
    ...partitionsOf(kafka),
    resources: KINDS.map((kind) => {
      const { items, isWhole } = resources[kind]
      return { kind: CAPITAL[kind], total: items.length, ready: items.filter(isResourceReady).length, isWhole }
    }),
    notReady: KINDS.flatMap((kind) => notReadyOf(resources[kind].items)),
    ...(kafka && 'problem' in kafka ? { kafkaProblem: kafka.problem } : {}),
  }
  return { ...found, next: nextSteps(found, calledAs) }
}

const listenersOf = ({ cluster }: Seen): Report['listeners'] =>
  (cluster.status?.listeners ?? []).map(({ name, bootstrapServers }) => {
    const spec = cluster.spec.listeners?.find((one) => one.name === name)
    return { name, type: spec?.type ?? 'Internal', tls: spec?.tls?.enabled ?? false, ...(bootstrapServers ? { bootstrapServers } : {}) }
  })

/** Whether everything is as it should be; partitions that only lack a copy for a moment do not count. */
export const isWell = ({ ready, notReady, kafkaProblem, partitions }: Report): boolean =>
  ready.status === 'True' && notReady.length === 0 && kafkaProblem === undefined && (partitions?.offline.length ?? 0) === 0
