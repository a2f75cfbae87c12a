import * as resources from '../../../kube/resources.ts'
import { keyOf } from '../../../kube/types.ts'
import { minInSyncOf } from '../../kafka/min-in-sync.ts'
import { CLUSTER_LABEL, MANAGED, namespaceOf } from '../../names.ts'
import { reconciling, type Verdict } from '../../reasons.ts'
import { atRisk, riskText, topicsInDoubt } from './availability.ts'
import { idOf, isReady, isZooKeeper } from '../pods/broker-pods.ts'
import { CONFIG } from '../pods/pod.ts'
import { changedParts, nextToReplace, outdatedPods } from './roll.ts'
import type { KafkaFacts, Pass, Step } from '../steps.ts'

/** Replaces the next pod whose settings changed, when it may go. */
export const roll: Step = {
  name: 'rolling update',
  run: async (pass) => {
    const { seen, statefulSets, restarts, hold } = pass
    if (hold !== undefined || outdatedPods({ statefulSets, pods: seen.pods, restarts }).length === 0) return undefined
    const verdict = await replaceNext(pass)
    return verdict && { verdict }
  },
}

/**
 * Replaces at most one pod per look, judged by a fresh list: the cache may not know yet that another one is on its way out. Gives why it waits, if it does. A broker
 * that takes part is only replaced when every partition keeps the in-sync replicas that its topic asks for; without an answer from Kafka nobody knows, so it waits.
 */
const replaceNext = async (pass: Pass): Promise<Verdict | undefined> => {
  const { environment, cluster, statefulSets, zooKeeper } = pass
  const kafka = await factsOfNow(pass.kafka)
  const labelSelector = `${CLUSTER_LABEL}=${cluster.metadata.name},${MANAGED}`
  const { items: pods } = await environment.kube.list(resources.pods, { namespace: namespaceOf(cluster), labelSelector })
  const restarts = stillMeant(pass, pods)
  const pod = nextToReplace({
    statefulSets,
    pods,
    restarts,
    controllerId: kafka.controllerId,
    zooKeeperLeader: leaderPod(zooKeeper?.leader),
  })
  if (!pod) return undefined
  const reason = await whyNot(pod, kafka)
  if (reason) return reconciling('RollBlocked', `${pod.metadata.name} is not replaced yet: ${reason}`)
  const { uid, resourceVersion } = pod.metadata
  const isDeleted = await environment.kube.delete(resources.pods, keyOf(pod), { preconditions: { uid, resourceVersion } })
  if (!isDeleted) return undefined
  const changed = changedParts(pod, statefulSets)
  const why = changed.length > 0 ? `${changed.join(', ')} changed` : (restarts.get(pod.metadata.name) ?? 'its settings changed')
  const isConfig = changed.some((name) => name.startsWith(CONFIG))
  const note = `Pod ${pod.metadata.name} is replaced: ${why}`
  await environment.events.record(cluster, {
    type: 'Normal',
    reason: isConfig ? 'ConfigChangeRequiresRestart' : 'Restarted',
    action: 'RollingUpdate',
    note,
  })
  return undefined
}

/** A pod that has been made anew since the cache was read is another one of the same name: what was said of the former is not meant for it. */
const stillMeant = ({ seen, restarts }: Pass, pods: readonly resources.Pod[]): Map<string, string> => {
  const seenUids = new Map(seen.pods.map(({ metadata }) => [metadata.name, metadata.uid]))
  const now = pods.filter(({ metadata }) => seenUids.get(metadata.name) === metadata.uid).map(({ metadata }) => metadata.name)
  return new Map(now.flatMap((name) => (restarts.has(name) ? [[name, restarts.get(name)!]] : [])))
}

/** The controller may have moved since the pass began. */
const factsOfNow = async (kafka: KafkaFacts): Promise<KafkaFacts> => {
  if (!kafka.contact) return kafka
  const { controllerId, brokers } = await kafka.contact.describeCluster()
  return { ...kafka, controllerId, brokerIds: brokers.map(({ id }) => id) }
}

/** Servers count from 1 on, pods from 0. */
const leaderPod = (server: number | undefined): number | undefined => (server === undefined ? undefined : server - 1)

const whyNot = async (pod: resources.Pod, { contact, brokerIds }: KafkaFacts): Promise<string | undefined> => {
  if (isZooKeeper(pod)) return undefined
  if (!contact) return isReady(pod) ? 'the brokers could not be asked whether they can do without it' : undefined
  const brokerId = idOf(pod)
  // One that serves is missed by a broker that has just started itself and does not know the cluster yet.
  if (!brokerIds?.includes(brokerId)) return isReady(pod) ? 'the broker that was asked does not know it' : undefined
  const partitions = await contact.partitions.replicas()
  const topics = topicsInDoubt(brokerId, partitions)
  if (topics.length === 0) return undefined
  const minInSync = await minInSyncOf(contact, topics)
  const risks = atRisk(brokerId, partitions, minInSync)
  return risks.length > 0 ? `without it too few replicas would be in sync: ${riskText(risks)}` : undefined
}
