import { clusters, type ClusterStatus } from '../../api/index.ts'
import { conditionOf } from '../../kube/conditions.ts'
import { keyOf, type Key, type Result } from '../../kube/types.ts'
import { isPaused } from '../admission.ts'
import { RESYNC_MS, type Environment } from '../environment.ts'
import { isOfBrokers } from '../names.ts'
import { Unreachable } from '../kafka/contact.ts'
import { removeLeftovers } from '../kafka/leftovers.ts'
import { certificates } from '../certificates/step.ts'
import { migration } from '../migration/step.ts'
import { apply, render } from './apply.ts'
import { definitions } from './definitions.ts'
import { budgets } from './budgets.ts'
import { shrink } from './moves/drain.ts'
import { addresses, holdBack, readdress, removeServices } from './listeners/exposure.ts'
import { preferredLeaders } from './moves/leaders.ts'
import { observeCluster, type ClusterSeen } from './observe.ts'
import { removeGroups } from './moves/groups.ts'
import { isReady, isZooKeeper } from './pods/broker-pods.ts'
import { rebalance } from './moves/rebalance.ts'
import { roll } from './rolls/replace.ts'
import { askedRestarts } from './rolls/restart.ts'
import { rotation } from './rolls/rotation.ts'
import { outdatedPods } from './rolls/roll.ts'
import { clusterStatus } from './status.ts'
import { settings } from './config/settings.ts'
import { runSteps, verdictOfAll, type Finding, type Pass, type Step } from './steps.ts'
import { volumes } from './pods/volumes.ts'
import { zooKeeperFacts, zooKeeperMembers, zooKeeperProtection } from '../zookeeper/steps.ts'

const RETRY_MS = 5000
/** E.g. objects of an earlier Cluster that are still being collected. */
const TROUBLE_RETRY_MS = 1000
const WAIT_FOR_CONTACT_MS = 500

/** Not being able to ask is no failure: the pods may just be starting. */
const askKafka: Step = {
  name: 'ask Kafka',
  run: async (pass) => {
    const { environment, cluster, seen } = pass
    const key = keyOf(cluster)
    if (!seen.pods.some((pod) => !isZooKeeper(pod) && isReady(pod))) return undefined
    try {
      const contact = await environment.contacts.get(key)
      const { clusterId, controllerId, brokers } = await contact.describeCluster()
      pass.kafka = { contact, clusterId: clusterId ?? undefined, controllerId, brokerIds: brokers.map(({ id }) => id) }
    } catch (error) {
      const level = error instanceof Unreachable ? 'debug' : 'warn'
      environment.logger[level]({ cluster: key, err: error }, 'the brokers could not be asked')
      pass.kafka = { isAwaited: true }
    }
    return undefined
  },
}

/** What deleted resources left behind in Kafka. */
const leftovers: Step = {
  name: 'leftovers',
  run: async ({ environment, cluster, kafka }) => {
    if (kafka.contact) await removeLeftovers(environment, keyOf(cluster), kafka.contact)
    return undefined
  },
}

/** In this order. Each does its part alone: one that fails is named in the condition, and the others go on. */
const STEPS: readonly Step[] = [
  askKafka,
  rotation,
  settings,
  shrink,
  addresses,
  certificates,
  zooKeeperFacts,
  migration,
  render,
  budgets,
  holdBack,
  volumes,
  apply,
  removeServices,
  removeGroups,
  zooKeeperMembers,
  zooKeeperProtection,
  readdress,
  askedRestarts,
  leftovers,
  definitions,
  roll,
  preferredLeaders,
  rebalance,
]

/** Brings one Cluster to its spec. Level-based: it is told a name, never an event. */
export const reconcileCluster =
  (environment: Environment) =>
  async (key: Key): Promise<Result> => {
    const cluster = environment.store.clusters.get(key)
    if (!cluster || cluster.metadata.deletionTimestamp) {
      environment.certificateEnds.forget(key)
      environment.contacts.forget(key) // owner references collect the rest
      return {}
    }
    if (isPaused(cluster)) return {}
    const seen = await observeCluster(environment, cluster)
    const pass = newPass(environment, seen)
    const findings = seen.obstacle ? [{ verdict: seen.obstacle }] : await runSteps(STEPS, pass)
    const status = statusOf(pass, findings)
    await environment.kube.patchStatus(clusters, cluster, status)
    return { requeueAfterMs: againMs(status, pass, findings) }
  }

const newPass = (environment: Environment, seen: ClusterSeen): Pass => ({
  environment,
  cluster: seen.cluster,
  seen,
  inputs: { image: imageOf(environment, seen), advertise: environment.advertise, operatorPods: environment.operatorPods },
  objects: [],
  statefulSets: [],
  kafka: {},
  restarts: new Map(),
  hold: undefined,
})

/** What the user says; else what runs, so that a new operator alone restarts nothing; else the operator's own. */
const imageOf = (environment: Environment, { cluster, statefulSets, pods }: ClusterSeen): string => {
  const specs = [
    ...statefulSets.filter(isOfBrokers).map(({ spec }) => spec.template.spec),
    ...pods.filter(isOfBrokers).map(({ spec }) => spec),
  ]
  return cluster.spec.image ?? specs.map(({ containers }) => containers[0]?.image).find(Boolean) ?? environment.image
}

const statusOf = (pass: Pass, findings: readonly Finding[]): ClusterStatus => {
  const { cluster, seen, inputs, statefulSets, restarts, kafka, environment } = pass
  const outdated = outdatedPods({ statefulSets, pods: seen.pods, restarts }).length
  const warnings = findings.flatMap((finding) => finding.warnings ?? [])
  const common = { cluster, pods: seen.pods, outdated, inputs, clusterId: kafka.clusterId }
  return clusterStatus({ ...common, trouble: verdictOfAll(findings), warnings }, environment.wall.nowMs())
}

const againMs = ({ conditions }: ClusterStatus, { kafka }: Pass, findings: readonly Finding[]): number => {
  const sooner = Math.min(...findings.map(({ requeueAfterMs }) => requeueAfterMs ?? Infinity))
  if (conditionOf(conditions, 'Ready')?.status === 'True') return Math.min(RESYNC_MS, sooner)
  if (kafka.isAwaited) return WAIT_FOR_CONTACT_MS
  return Math.min(sooner, verdictOfAll(findings)?.state === 'reconciling' ? TROUBLE_RETRY_MS : RETRY_MS)
}
