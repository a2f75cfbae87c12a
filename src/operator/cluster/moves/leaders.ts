import type { PartitionReplicas } from '../../../client/partition-admin.ts'
import type { Contact } from '../../kafka/contact.ts'
import { isReady, isZooKeeper } from '../pods/broker-pods.ts'
import { outdatedPods } from '../rolls/roll.ts'
import type { Pass, Step } from '../steps.ts'

/** Leaves leaders where they are, as it does in Kafka. */
const SWITCH = 'auto.leader.rebalance.enable'

/** A broker that has just started catches up in seconds, and nothing tells the operator when it has. */
const CATCH_UP_MS = 5000

/** After a restart a broker leads nothing; Kafka itself would give its leaders back minutes later, and not all. Comes when all brokers are there and none is to be replaced. */
export const preferredLeaders: Step = {
  name: 'preferred leaders',
  run: async (pass) => {
    const { cluster, kafka } = pass
    if (!kafka.contact || String(cluster.spec.config?.[SWITCH]) === 'false' || !isAtRest(pass)) return undefined
    const partitions = await kafka.contact.partitions.replicas()
    const astray = partitions.filter(({ leader, replicas }) => leader >= 0 && replicas[0] !== leader)
    const eligible = astray.filter(({ replicas, isr }) => isr.includes(replicas[0]!))
    const elected = eligible.length === 0 ? 0 : await elect(pass, kafka.contact, eligible)
    return elected < astray.length ? { requeueAfterMs: CATCH_UP_MS } : undefined
  },
}

/** Gives the number of partitions that have their preferred leader now. */
const elect = async ({ environment, cluster }: Pass, { partitions }: Contact, astray: readonly PartitionReplicas[]): Promise<number> => {
  const outcomes = await partitions.electLeaders('PREFERRED', astray)
  const elected = astray.length - [...outcomes.values()].filter((error) => error !== undefined).length
  if (elected === 0) return 0
  const note = `${elected} partitions are led by their preferred brokers again`
  await environment.events.record(cluster, { type: 'Normal', reason: 'Changed', action: 'ElectLeaders', note })
  return elected
}

/** Every broker is ready, and none is on its way out. */
export const isAtRest = ({ cluster, seen, statefulSets, restarts }: Pass): boolean => {
  const brokers = seen.pods.filter((pod) => !isZooKeeper(pod))
  const wanted = cluster.spec.brokers.reduce((sum, { replicas }) => sum + replicas, 0)
  return brokers.length === wanted && brokers.every(isReady) && outdatedPods({ statefulSets, pods: seen.pods, restarts }).length === 0
}
