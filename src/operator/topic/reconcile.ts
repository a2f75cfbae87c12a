import { topics, type Cluster, type Topic } from '../../api/index.ts'
import type { Outcomes } from '../../client/admin.ts'
import type { Key, Result } from '../../kube/types.ts'
import type { Claims } from '../admission.ts'
import { clusterKeyOf, topicName } from '../claims.ts'
import { startingBrokers } from '../cluster/pods/broker-pods.ts'
import { type Brought, reconcileDependent } from '../dependent.ts'
import type { Environment } from '../environment.ts'
import type { Contact } from '../kafka/contact.ts'
import { READY, reconciling, stalled, type Verdict } from '../reasons.ts'
import { desiredTopic, type TopicPlan } from './desired.ts'
import { observeTopic, type TopicSeen } from './observe.ts'
import { removeTopic } from './remove.ts'
import { changeReplicas, type ReplicasChange } from './replicas.ts'
import { topicStatus, type TopicKnown } from './status.ts'

export const topicClaims = (environment: Pick<Environment, 'store'>): Claims<Topic> => ({
  informer: environment.store.topics,
  nameOf: topicName,
  namesOf: (topic) => [{ name: topicName(topic) }],
})

/** Brings one topic to what its resource says. */
export const reconcileTopic =
  (environment: Environment) =>
  (key: Key): Promise<Result> =>
    reconcileDependent(environment, key, {
      resource: topics,
      claims: topicClaims(environment),
      bring: (topic, cluster) => bring(environment, topic, cluster),
      remove: (topic, contact) => remove(environment, topic, contact),
      status: (topic, verdict, known: TopicKnown | undefined) => topicStatus(topic, verdict, known, environment.wall.nowMs()),
    })

const bring = async (environment: Environment, topic: Topic, cluster: Cluster): Promise<Brought<TopicKnown>> => {
  const contact = await environment.contacts.get(clusterKeyOf(topic))
  const seen = await observeTopic(topic, cluster, contact)
  const plan = desiredTopic(seen)
  const wait = plan.create || plan.growTo ? waitForBrokers(environment, topic, cluster) : undefined
  if (wait) return { verdict: wait, known: knownOf(seen.name, plan, seen.description) }
  const { verdict: refusal, change } = await carryOut(environment, contact, seen, plan)
  const isOther = plan.create || plan.growTo || plan.replicas
  const after = isOther ? (await contact.admin.describeTopics([seen.name])).get(seen.name) : seen.description
  const known = knownOf(seen.name, plan, after, change)
  return { verdict: refusal ?? plan.problem ?? unseen(seen.name, plan, known) ?? READY, known }
}

/** What was done and does not show yet is looked at again soon. */
const unseen = (name: string, { growTo }: TopicPlan, known: TopicKnown | undefined): Verdict | undefined => {
  if (!known) return reconciling('Created', `the topic ${name} is made; the brokers do not show it yet`)
  if (growTo === undefined || known.partitions === growTo) return undefined
  return reconciling('Changed', `the topic ${name} gets ${growTo} partitions; the brokers do not show them yet`)
}

const knownOf = (
  topicName: string,
  { recordAfter }: TopicPlan,
  description: TopicSeen['description'],
  replicasChange?: ReplicasChange,
): TopicKnown | undefined => {
  if (!description) return undefined
  const { partitions, replicationFactor: replicas } = description
  return { topicName, origin: recordAfter.isAdopted ? 'Adopted' : 'Created', partitions, replicas, replicasChange }
}

/** A topic that is made while the cluster starts would be on the first broker alone. */
const waitForBrokers = ({ store, wall }: Environment, topic: Topic, cluster: Cluster): Verdict | undefined => {
  const starting = startingBrokers(cluster, store.podsOf(clusterKeyOf(topic)), wall.nowMs())
  if (starting === 0) return undefined
  return reconciling('BrokersNotReady', `${starting} brokers are still starting; the partitions are made when they can have their share`)
}

type Done = { verdict?: Verdict; change?: ReplicasChange }

/** Gives the first thing that Kafka refused, or what is still under way. */
const carryOut = async (environment: Environment, contact: Contact, seen: TopicSeen, plan: TopicPlan): Promise<Done> => {
  const { admin, records } = contact
  const { name, topic } = seen
  await records.put('topics', name, plan.recordBefore)
  const changed = async (reason: 'Created' | 'Changed' | 'Adopted', note: string) =>
    environment.events.record(topic, { type: 'Normal', reason, action: 'Reconcile', note })
  if (plan.adopts) await changed('Adopted', `topic ${name}, which was there already`)
  if (plan.create) {
    const refusal = refusalIn(await admin.createTopics([plan.create]), name)
    if (refusal) return { verdict: refusal }
    await changed('Created', `topic ${name}`)
  }
  if (plan.growTo) {
    const refusal = refusalIn(await admin.createPartitions([{ name, partitions: plan.growTo }]), name)
    if (refusal) return { verdict: refusal }
    await changed('Changed', `topic ${name} has ${plan.growTo} partitions`)
  }
  if (plan.configChanges.length > 0) {
    const refusal = refusalIn(await admin.alterTopicConfigs([{ topic: name, changes: plan.configChanges }]), name)
    if (refusal) return { verdict: refusal }
    await changed(
      'Changed',
      `topic ${name}: ${plan.configChanges.map(({ key, value }) => (value === null ? `${key} reset` : `${key}=${value}`)).join(', ')}`,
    )
  }
  if (plan.replicas) {
    const { verdict, change, started, isDone } = await changeReplicas(contact, seen, plan.replicas, plan.recordBefore)
    if (started) await changed('Changed', `topic ${name}: ${started} partitions get ${plan.replicas} replicas`)
    if (verdict) return { verdict, change }
    if (isDone) await changed('Changed', `topic ${name} has ${plan.replicas} replicas`)
  }
  await records.put('topics', name, plan.recordAfter)
  return {}
}

const refusalIn = (outcomes: Outcomes, name: string): Verdict | undefined => {
  const error = outcomes.get(name)
  // Somebody else made it in between; the next look sees it.
  if (!error || error.error === 'TOPIC_ALREADY_EXISTS') return undefined
  return error.retriable
    ? reconciling('KafkaRefused', `${error.error}: ${error.message}`)
    : stalled('KafkaRefused', `${error.error}: ${error.message}`)
}

const remove = async (environment: Environment, topic: Topic, contact: Contact): Promise<void> => {
  const name = topicName(topic)
  const isDeleted = await removeTopic(contact, name)
  const note = isDeleted ? `topic ${name}` : `topic ${name} stays: another operator has a Topic for it too`
  await environment.events.record(topic, { type: 'Normal', reason: 'Deleted', action: 'Delete', note })
}
