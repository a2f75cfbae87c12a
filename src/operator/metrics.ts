import { Exposition, type Sample } from '../base/exposition.ts'
import { hasCondition } from '../kube/conditions.ts'
import type { WorkQueue } from '../kube/work-queue.ts'
import { isPaused } from './admission.ts'
import type { CertificateEnds } from './certificates/ends.ts'
import { writeProcess } from './process-metrics.ts'
import type { QueueName, Queues } from './queues.ts'
import type { Store } from './store.ts'

export type MetricInputs = {
  queues: Queues
  store: Store
  isLeader: boolean
  /** Calls to Kafka by name. */
  calls: ReadonlyMap<string, number>
  /** Answers of the API server by METHOD CODE. */
  answers: ReadonlyMap<string, number>
  certificateEnds: CertificateEnds
  /** Fields that this operator knows and the installed definitions do not, by kind. */
  missingFields: readonly { kind: string; field: string }[]
  monotonicMs: number
  wallMs: number
}

const KINDS: Record<QueueName, string> = { cluster: 'Cluster', topic: 'Topic', user: 'User', acl: 'Acl' }
/** Strimzi's names of the kinds, so that its dashboards and rules show ours; it has no kind of its own for what an Acl is. */
const STRIMZI_KINDS: Partial<Record<QueueName, string>> = { cluster: 'Kafka', topic: 'KafkaTopic', user: 'KafkaUser' }
/** Every reconcile under way is not worth a series; one that takes this long is. */
const LONG_RUN_MS = 2000

const names = Object.keys(KINDS) as QueueName[]

/** The operator's metrics in Prometheus' text format; docs/metrics.md lists them. */
export const metricsText = (inputs: MetricInputs): string => {
  const to = new Exposition()
  writeState(to, inputs)
  writeReconciles(to, inputs)
  writeApi(to, inputs)
  writeCertificates(to, inputs)
  writeStrimzi(to, inputs)
  writeProcess(to, inputs.wallMs)
  return to.text()
}

const ofKinds = (value: (name: QueueName) => number): Sample[] =>
  names.map((name) => ({ labels: { kind: KINDS[name] }, value: value(name) }))

const objectsOf = (store: Store, name: QueueName) =>
  ({ cluster: store.clusters, topic: store.topics, user: store.users, acl: store.acls })[name].list()

const writeState = (to: Exposition, { store, isLeader, missingFields }: MetricInputs): void => {
  to.add('sofakafka_operator_leader', 'gauge', 'Whether this process holds the Lease and acts.', [{ value: isLeader ? 1 : 0 }])
  to.add(
    'sofakafka_operator_resources',
    'gauge',
    'Resources of a kind.',
    ofKinds((name) => objectsOf(store, name).length),
  )
  to.add(
    'sofakafka_operator_resources_ready',
    'gauge',
    'Resources whose Ready condition is True.',
    ofKinds((name) => objectsOf(store, name).filter((each) => hasCondition(each, 'Ready')).length),
  )
  to.add(
    'sofakafka_operator_resources_paused',
    'gauge',
    'Resources that are left as they are by the annotation sofakafka.io/paused.',
    ofKinds((name) => objectsOf(store, name).filter(isPaused).length),
  )
  to.add('sofakafka_operator_crd_missing_fields', 'gauge', 'Fields that this operator knows and the installed definition does not.', [
    ...missingFields.map((labels) => ({ labels, value: 1 })),
    ...(missingFields.length === 0 ? [{ value: 0 }] : []),
  ])
}

const COUNTERS = [
  ['reconciliations_total', 'Reconciles begun.', 'runs'],
  ['reconciliations_successful_total', 'Reconciles that ended without an error.', 'successes'],
  ['reconciliations_failed_total', 'Reconciles that ended with an error.', 'failures'],
  ['reconciliations_timeouts_total', 'Reconciles that were given up at their deadline.', 'timeouts'],
  ['reconciliations_locked_total', 'Changes that waited for a reconcile of the same resource.', 'locked'],
  ['reconciliations_periodical_total', 'Reconciles that nothing but time began.', 'periodical'],
] as const

const writeReconciles = (to: Exposition, { queues, wallMs, monotonicMs }: MetricInputs): void => {
  for (const [name, help, counter] of COUNTERS)
    to.add(
      `sofakafka_operator_${name}`,
      'counter',
      help,
      ofKinds((kind) => queues[kind].counters[counter]),
    )
  const durations = names.flatMap((name) => histogramOf(queues[name], { kind: KINDS[name] }))
  to.add('sofakafka_operator_reconciliations_duration_seconds', 'histogram', 'How long reconciles took.', durations)
  to.add(
    'sofakafka_operator_reconciliations_duration_seconds_max',
    'gauge',
    'The longest reconcile of the last minutes.',
    ofKinds((name) => queues[name].durations.maxSeconds(monotonicMs)),
  )
  const inProgress = names.flatMap((name) => longRuns(name, queues[name], wallMs))
  to.add(
    'sofakafka_operator_reconciliations_in_progress_start_time_seconds',
    'gauge',
    'When a reconcile began that has been under way for two seconds or more, in seconds since 1970.',
    inProgress,
  )
  to.add(
    'sofakafka_operator_reconcile_oldest_seconds',
    'gauge',
    'Age of the oldest reconcile under way.',
    ofKinds((name) => queues[name].oldestRunMs() / 1000),
  )
  to.add(
    'sofakafka_operator_queue_depth',
    'gauge',
    'Resources in the queue: waiting, running, or for later.',
    ofKinds((name) => queues[name].size),
  )
}

const histogramOf = ({ durations }: WorkQueue, labels: { kind: string }): Sample[] => [
  ...durations.buckets().map(({ le, count }): Sample => ({ labels: { ...labels, le }, value: count, suffix: '_bucket' })),
  { labels, value: durations.sum, suffix: '_sum' },
  { labels, value: durations.count, suffix: '_count' },
]

const longRuns = (name: QueueName, queue: WorkQueue, wallMs: number): Sample[] =>
  queue
    .running()
    .filter(({ ageMs }) => ageMs >= LONG_RUN_MS)
    .map(({ key, ageMs }) => ({
      labels: { kind: KINDS[name], namespace: key.namespace, name: key.name },
      value: Math.round(wallMs - ageMs) / 1000,
    }))

const writeApi = (to: Exposition, { store, answers, calls }: MetricInputs): void => {
  const { clusters, topics, users, acls, statefulSets, pods, secrets } = store
  const informers = { Cluster: clusters, Topic: topics, User: users, Acl: acls, StatefulSet: statefulSets, Pod: pods, Secret: secrets }
  const each = (value: (counters: { lists: number; watches: number; events: number; failures: number }) => number): Sample[] =>
    Object.entries(informers).map(([kind, { counters }]) => ({ labels: { kind }, value: value(counters) }))
  const counter = (name: string, help: string, samples: Sample[]) => to.add(`sofakafka_operator_${name}`, 'counter', help, samples)
  counter(
    'lists_total',
    'Whole lists read from the API server.',
    each(({ lists }) => lists),
  )
  counter(
    'watches_total',
    'Watches begun.',
    each(({ watches }) => watches),
  )
  counter(
    'watch_restarts_total',
    'Watches begun again, after an end or a failure.',
    each(({ watches }) => Math.max(0, watches - 1)),
  )
  counter(
    'watch_failures_total',
    'Lists and watches that broke off.',
    each(({ failures }) => failures),
  )
  const requests = [...answers].map(([text, value]): Sample => {
    const [method = '', code = ''] = text.split(' ')
    return { labels: { method, code }, value }
  })
  counter('kubernetes_requests_total', 'Requests to the API server by what it answered; code 0: nothing.', requests)
  counter(
    'kafka_calls_total',
    'Calls to Kafka and its ZooKeeper that reconciles made.',
    [...calls].map(([call, value]) => ({ labels: { call }, value })),
  )
}

const writeCertificates = (to: Exposition, { certificateEnds }: MetricInputs): void => {
  to.add(
    'sofakafka_certificate_expiration_timestamp_seconds',
    'gauge',
    'When a certificate ends, in seconds since 1970.',
    certificateEnds.samples(),
  )
  to.add(
    'strimzi_certificate_expiration_timestamp_ms',
    'gauge',
    'When an authority ends, in milliseconds since 1970.',
    certificateEnds.strimziSamples(),
  )
}

/** The same figures under the names that Strimzi's operators give them. */
const writeStrimzi = (to: Exposition, { queues, store, monotonicMs }: MetricInputs): void => {
  const kinds = Object.entries(STRIMZI_KINDS) as [QueueName, string][]
  const each = (value: (name: QueueName) => number): Sample[] => kinds.map(([name, kind]) => ({ labels: { kind }, value: value(name) }))
  const add = (name: string, type: 'counter' | 'gauge', help: string, value: (name: QueueName) => number) =>
    to.add(`strimzi_${name}`, type, help, each(value))
  add('resources', 'gauge', 'Resources of a kind.', (name) => objectsOf(store, name).length)
  add('resources_paused', 'gauge', 'Paused resources of a kind.', (name) => objectsOf(store, name).filter(isPaused).length)
  for (const [name, help, counter] of COUNTERS)
    if (counter !== 'timeouts') add(name, 'counter', help, (kind) => queues[kind].counters[counter])
  const durations = kinds.flatMap(([name, kind]) => histogramOf(queues[name], { kind }))
  to.add('strimzi_reconciliations_duration_seconds', 'histogram', 'How long reconciles took.', durations)
  const longest = (name: QueueName) => queues[name].durations.maxSeconds(monotonicMs)
  add('reconciliations_duration_seconds_max', 'gauge', 'The longest reconcile of the last minutes.', longest)
}
