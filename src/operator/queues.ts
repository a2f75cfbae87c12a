import { keyText, type Key, type Result } from '../kube/types.ts'
import { WorkQueue } from '../kube/work-queue.ts'
import { acls, clusters, topics, users } from '../api/index.ts'
import { reconcileAcl } from './acl/reconcile.ts'
import { reconcileCluster } from './cluster/reconcile.ts'
import { Run } from './deadline.ts'
import type { Environment } from './environment.ts'
import { reconcileTopic } from './topic/reconcile.ts'
import { Trouble } from './trouble.ts'
import { reconcileUser } from './user/reconcile.ts'

type Reconcile = (environment: Environment) => (key: Key) => Promise<Result>

/** Reconciles of Topics, and of Users, are gathered into common requests to Kafka; the more at once, the fewer requests. */
const KINDS = {
  cluster: { reconcile: reconcileCluster, concurrency: 8, deadlineMs: 120_000 },
  topic: { reconcile: reconcileTopic, concurrency: 200, deadlineMs: 60_000 },
  user: { reconcile: reconcileUser, concurrency: 200, deadlineMs: 60_000 },
  acl: { reconcile: reconcileAcl, concurrency: 50, deadlineMs: 60_000 },
} as const satisfies Record<string, { reconcile: Reconcile; concurrency: number; deadlineMs: number }>

export type QueueName = keyof typeof KINDS
export type Queues = Record<QueueName, WorkQueue>

type Options = {
  /** Told every call to Kafka before it is made; throws when this process may not act any more. */
  beforeKafka: (name: string) => void
  /** For all kinds, where it is given. */
  deadlineMs: number | undefined
}

/** A queue for each kind, each reconcile within its deadline. */
export const queuesOf = (environment: Environment, options: Options): Queues => {
  const { kube, store, clock, wall, logger } = environment
  const places = {
    cluster: { resource: clusters, informer: store.clusters },
    topic: { resource: topics, informer: store.topics },
    user: { resource: users, informer: store.users },
    acl: { resource: acls, informer: store.acls },
  }
  const queue = (name: QueueName): WorkQueue => {
    const { reconcile, concurrency, deadlineMs } = KINDS[name]
    const ofKind = logger.child({ kind: places[name].resource.kind })
    const trouble = new Trouble({ ...places[name], kube, logger: ofKind, nowMs: () => wall.nowMs() })
    const work = async (key: Key, signal: AbortSignal): Promise<Result> => {
      const run = new Run(signal, options.beforeKafka)
      try {
        const result = await reconcile(run.within(environment))(key)
        trouble.isOver(key)
        ofKind.debug({ key: keyText(key), result }, 'reconciled')
        return result
      } catch (error) {
        await trouble.say(key, error, run.waitingFor)
        throw error
      }
    }
    return new WorkQueue({ name, work, clock, logger: ofKind, concurrency, deadlineMs: options.deadlineMs ?? deadlineMs })
  }
  return { cluster: queue('cluster'), topic: queue('topic'), user: queue('user'), acl: queue('acl') }
}
