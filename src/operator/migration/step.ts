import type { StatefulSet } from '../../kube/resources.ts'
import { listenersOf } from '../cluster/listeners/listeners.ts'
import { idOf, isReady, isZooKeeper } from '../cluster/pods/broker-pods.ts'
import { outdatedPods } from '../cluster/rolls/roll.ts'
import type { Pass, Step } from '../cluster/steps.ts'
import { groupName, isOfBrokers } from '../names.ts'
import { reconciling, stalled } from '../reasons.ts'
import { loginIn } from '../zookeeper/login.ts'
import { connectText, parseConnect } from '../zookeeper/place.ts'
import { readTls } from '../zookeeper/tls.ts'
import { nextShared } from './listener.ts'
import { planMigration } from './plan.ts'

const AGAIN_MS = 2000

/** Brokers of an old cluster are taken over one by one. How many of ours run follows from that; so nothing is rendered without it. */
export const migration: Step = {
  name: 'migration',
  isVital: true,
  run: async (pass) => {
    const { environment, cluster, seen, inputs } = pass
    const sets = seen.statefulSets.filter(isOfBrokers)
    const shared = nextShared(cluster, sets, isSettled(pass, sets))
    if (shared) inputs.shared = shared
    const { spec } = cluster
    if (!spec.migration) return undefined
    const { listener, data } = spec.migration
    const taken = listenersOf(cluster).find(({ name }) => name.toUpperCase() === listener.name)
    if (taken) {
      const message = `migration.listener ${listener.name}: spec.listeners has ${taken.name}, which is the same name for Kafka; give that one another name`
      return { verdict: stalled('MigrationBlocked', message) }
    }
    const login = inputs.zookeeper?.login
    const tls = await readTls(environment.kube, cluster)
    const entrance = {
      ...parseConnect(connectText(cluster)),
      ...(login ? { login: loginIn({ data: login }) } : {}),
      ...(typeof tls === 'object' ? { tls } : {}),
    }
    const old = await environment.lookAtCluster(entrance)
    const ready = new Set(seen.pods.filter((pod) => !isZooKeeper(pod) && isReady(pod)).map(idOf))
    const running = new Map(spec.brokers.map(({ name }) => [name, replicasOf(sets, groupName(cluster, name))]))
    const plan = planMigration({ groups: spec.brokers, running, ready, replicates: data !== 'HandOver', old })
    inputs.replicas = plan.replicas
    if (plan.state === 'done') return { warnings: [{ reason: 'Migrating', message: plan.message }] }
    const verdict = plan.state === 'blocked' ? reconciling('MigrationBlocked', plan.message) : reconciling('Migrating', plan.message)
    return { verdict, requeueAfterMs: AGAIN_MS }
  },
}

const replicasOf = (sets: readonly StatefulSet[], name: string): number =>
  sets.find(({ metadata }) => metadata.name === name)?.spec.replicas ?? 0

/** Every broker's pod is there, ready, and as its set wants it. */
export const isSettled = ({ seen }: Pass, sets: readonly StatefulSet[]): boolean => {
  const pods = seen.pods.filter((pod) => !isZooKeeper(pod))
  const wanted = sets.reduce((sum, { spec }) => sum + spec.replicas, 0)
  return pods.length >= wanted && pods.every(isReady) && outdatedPods({ statefulSets: seen.statefulSets, pods: seen.pods }).length === 0
}
