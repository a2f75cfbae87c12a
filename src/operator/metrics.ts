import type { WorkQueue } from '../kube/work-queue.ts'
import type { Store } from './store.ts'

type Sample = { labels: Record<string, string>; value: number }

const family = (name: string, type: 'counter' | 'gauge', help: string, samples: Sample[]): string => {
  const lines = samples.map(({ labels, value }) => {
    const text = Object.entries(labels)
      .map(([key, label]) => `${key}="${label}"`)
      .join(',')
    return `${name}{${text}} ${value}`
  })
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n')
}

/** The operator's metrics in Prometheus' text format. */
export const metricsText = (queues: Record<string, WorkQueue>, store: Store, isLeader: boolean): string => {
  const perQueue = (value: (queue: WorkQueue) => number): Sample[] =>
    Object.entries(queues).map(([kind, queue]) => ({ labels: { kind }, value: value(queue) }))
  const informers = {
    Cluster: store.clusters,
    Topic: store.topics,
    User: store.users,
    Acl: store.acls,
    StatefulSet: store.statefulSets,
    Pod: store.pods,
  }
  const perInformer = (value: (informer: (typeof informers)[keyof typeof informers]) => number): Sample[] =>
    Object.entries(informers).map(([kind, informer]) => ({ labels: { kind }, value: value(informer) }))
  const ours = { Cluster: store.clusters, Topic: store.topics, User: store.users, Acl: store.acls }
  const readiness = Object.entries(ours).map(([kind, informer]): Sample => {
    const isReady = (object: { status?: { conditions?: { type: string; status: string }[] } }) =>
      object.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
    return { labels: { kind }, value: informer.list().filter((object) => isReady(object)).length }
  })
  return [
    family('sofakafka_operator_leader', 'gauge', 'Whether this process holds the lease.', [{ labels: {}, value: isLeader ? 1 : 0 }]),
    family(
      'sofakafka_operator_resources',
      'gauge',
      'Resources of a kind.',
      perInformer((informer) => informer.list().length),
    ),
    family('sofakafka_operator_resources_ready', 'gauge', 'Resources whose Ready condition is True.', readiness),
    family(
      'sofakafka_operator_reconciliations_total',
      'counter',
      'Reconciles begun.',
      perQueue((queue) => queue.counters.runs),
    ),
    family(
      'sofakafka_operator_reconciliations_failed_total',
      'counter',
      'Reconciles that ended with an error.',
      perQueue((queue) => queue.counters.failures),
    ),
    family(
      'sofakafka_operator_reconcile_oldest_seconds',
      'gauge',
      'Age of the oldest reconcile under way.',
      perQueue((queue) => queue.oldestRunMs() / 1000),
    ),
    family(
      'sofakafka_operator_queue_depth',
      'gauge',
      'Names in the queue: waiting, running, or for later.',
      perQueue((queue) => queue.size),
    ),
    family(
      'sofakafka_operator_lists_total',
      'counter',
      'Whole lists read from the API server.',
      perInformer((informer) => informer.counters.lists),
    ),
    family(
      'sofakafka_operator_watches_total',
      'counter',
      'Watches begun.',
      perInformer((informer) => informer.counters.watches),
    ),
    family(
      'sofakafka_operator_watch_failures_total',
      'counter',
      'Lists and watches that broke off.',
      perInformer((informer) => informer.counters.failures),
    ),
  ].join('')
}
