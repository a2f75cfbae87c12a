import type { MonotonicClock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { ErrorName } from '../../protocol/errors.ts'
import type { GroupState } from '../coordinator/messages.ts'
import type { Partition } from '../partition.ts'
import type { BrokerMetrics, ReplicationCounter, TopicCounter, Watched } from '../ports.ts'
import { NO_CONTROLLER_FIGURES } from '../controller/figures.ts'
import { Exposition, type Sample } from '../../base/exposition.ts'
import { ProcessMetrics } from './process-metrics.ts'
import { Quantiles } from './quantiles.ts'
import { writeSecurity } from './security-metrics.ts'

type TopicCounts = Record<TopicCounter, number>

/** Names of the Strimzi and jmx_exporter dialect; each stands once without a topic and once per topic. */
const TOPIC_METRICS: Record<TopicCounter, readonly [name: string, help: string]> = {
  messagesIn: ['messagesin', 'Records received'],
  bytesIn: ['bytesin', 'Bytes of records received'],
  bytesOut: ['bytesout', 'Bytes of records sent to consumers'],
  produces: ['totalproducerequests', 'Produce requests'],
  failedProduces: ['failedproducerequests', 'Produce requests that failed'],
  fetches: ['totalfetchrequests', 'Fetch requests'],
  failedFetches: ['failedfetchrequests', 'Fetch requests that failed'],
}
const GROUP_STATES: readonly GroupState[] = ['PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead', 'Empty']
const QUANTILES = [0.5, 0.75, 0.95, 0.99, 0.999]
/** Topics counted by name; a client that asks for made-up names must not fill the memory. */
const MAX_TOPICS = 20_000

export type BrokerMetricsOptions = { clock: MonotonicClock; disk: Disk }

const zero = (): TopicCounts => ({ messagesIn: 0, bytesIn: 0, bytesOut: 0, produces: 0, failedProduces: 0, fetches: 0, failedFetches: 0 })
const NO_FOLLOWER_FIGURES = { lags: [], failedPartitions: 0, bytesIn: 0, reassignmentBytesIn: 0 }
const count = (partitions: readonly Partition[], test: (partition: Partition) => boolean): number => partitions.filter(test).length

/** All that /metrics shows of a broker. Counts what the request path tells it, and asks the parts for the rest at each scrape. */
export class Metrics implements BrokerMetrics {
  readonly #clock: MonotonicClock
  readonly #process: ProcessMetrics
  readonly #all = zero()
  readonly #topics = new Map<string, TopicCounts>()
  readonly #replication: Record<ReplicationCounter, number> = { replicationBytesOut: 0, reassignmentBytesOut: 0 }
  readonly #times = new Map<string, Quantiles>()
  readonly #requests = new Map<string, { labels: { request: string; version: number }; value: number }>()
  readonly #errors = new Map<string, { labels: { request: string; error: string }; value: number }>()
  #watched: Watched | undefined

  constructor({ clock, disk }: BrokerMetricsOptions) {
    this.#clock = clock
    this.#process = new ProcessMetrics(disk)
  }

  watch(parts: Watched): void {
    this.#watched = parts
  }

  request(observation: { api: string; version: number; totalMs: number }): void {
    const { api, version, totalMs } = observation
    const nowMs = this.#clock.nowMs()
    let times = this.#times.get(api)
    if (!times) this.#times.set(api, (times = new Quantiles(nowMs)))
    times.add(totalMs, nowMs)
    const key = `${api} ${version}`
    const known = this.#requests.get(key)
    if (known) known.value++
    else this.#requests.set(key, { labels: { request: api, version }, value: 1 })
  }

  error(api: string, error: ErrorName): void {
    const key = `${api} ${error}`
    const known = this.#errors.get(key)
    if (known) known.value++
    else this.#errors.set(key, { labels: { request: api, error }, value: 1 })
  }

  /** Adds to a counter of a topic and to that of all topics. */
  topic(name: string, counter: TopicCounter, by = 1): void {
    this.#all[counter] += by
    let counts = this.#topics.get(name)
    if (!counts && this.#topics.size < MAX_TOPICS) this.#topics.set(name, (counts = zero()))
    if (counts) counts[counter] += by
  }

  replication(counter: ReplicationCounter, by: number): void {
    this.#replication[counter] += by
  }

  text(): string {
    const to = new Exposition()
    this.#writeTopics(to)
    this.#writeRequests(to)
    const partitions = [...(this.#watched?.partitions.all() ?? [])]
    this.#writeReplicas(to, partitions)
    this.#writePartitions(to, partitions)
    this.#writeLogDirs(to)
    this.#writeGroups(to)
    this.#writeFollowers(to)
    this.#writeFetchSessions(to)
    this.#writeController(to)
    this.#writeSockets(to)
    if (this.#watched) writeSecurity(to, this.#watched)
    this.#process.write(to)
    return to.text()
  }

  stop(): void {
    this.#process.stop()
  }

  #writeTopics(to: Exposition): void {
    for (const [counter, [name, help]] of Object.entries(TOPIC_METRICS) as [TopicCounter, readonly [string, string]][]) {
      const perTopic = [...this.#topics].map(([topic, counts]) => ({ labels: { topic }, value: counts[counter] }))
      to.add(`kafka_server_brokertopicmetrics_${name}_total`, 'counter', `${help}.`, [{ value: this.#all[counter] }, ...perTopic])
    }
  }

  #writeRequests(to: Exposition): void {
    const nowMs = this.#clock.nowMs()
    const times = [...this.#times].flatMap(([request, quantiles]): Sample[] =>
      QUANTILES.map((quantile) => ({ labels: { request, quantile }, value: quantiles.quantile(quantile, nowMs) })),
    )
    const counts = [...this.#times].map(([request, quantiles]) => ({ labels: { request }, value: quantiles.count }))
    to.add('kafka_network_requestmetrics_requests_total', 'counter', 'Requests by API and version.', this.#requests.values())
    to.add('kafka_network_requestmetrics_errors_total', 'counter', 'Requests that failed as a whole, by error.', this.#errors.values())
    to.add('kafka_network_requestmetrics_totaltimems', 'summary', 'Milliseconds from the request to its answer.', times)
    to.add('kafka_network_requestmetrics_totaltimems_count', 'counter', 'Requests that were timed.', counts)
  }

  #writeReplicas(to: Exposition, partitions: readonly Partition[]): void {
    const figures: Record<string, number> = {
      leadercount: count(partitions, ({ isLeader }) => isLeader),
      partitioncount: partitions.length,
      underreplicatedpartitions: count(partitions, ({ isUnderReplicated }) => isUnderReplicated),
      atminisrpartitioncount: count(partitions, ({ isAtMinIsr }) => isAtMinIsr),
      reassigningpartitions: count(partitions, ({ isLeader, isReassigning }) => isLeader && isReassigning),
      underminisrpartitioncount: count(partitions, ({ isUnderMinIsr }) => isUnderMinIsr),
      offlinereplicacount: count(partitions, ({ isOffline }) => isOffline),
    }
    for (const [name, value] of Object.entries(figures)) {
      to.add(`kafka_server_replicamanager_${name}`, 'gauge', 'Replicas on this broker.', [{ value }])
    }
    const { shrink, expand, failed } = this.#watched?.partitions.isrChanges ?? { shrink: 0, expand: 0, failed: 0 }
    const changes = { isrshrinks: shrink, isrexpands: expand, failedisrupdates: failed }
    for (const [name, value] of Object.entries(changes)) {
      to.add(`kafka_server_replicamanager_${name}_total`, 'counter', 'Changes of in-sync sets by this broker as the leader.', [{ value }])
    }
  }

  #writePartitions(to: Exposition, partitions: readonly Partition[]): void {
    const leaders = partitions.filter(({ isLeader }) => isLeader)
    const per = (list: readonly Partition[], value: (partition: Partition) => number): Sample[] =>
      list.map((one) => ({ labels: { topic: one.topic, partition: one.partition }, value: value(one) }))
    to.add(
      'kafka_log_log_size',
      'gauge',
      'Bytes of a partition on disk.',
      per(partitions, ({ log }) => log.sizeBytes),
    )
    to.add(
      'kafka_log_log_logstartoffset',
      'gauge',
      'First offset of a partition.',
      per(partitions, ({ log }) => log.logStartOffset),
    )
    to.add(
      'kafka_log_log_logendoffset',
      'gauge',
      'Offset of the next record of a partition.',
      per(partitions, ({ log }) => log.logEndOffset),
    )
    to.add(
      'kafka_cluster_partition_replicascount',
      'gauge',
      'Replicas of a partition.',
      per(leaders, ({ replicationFactor }) => replicationFactor),
    )
    to.add(
      'kafka_cluster_partition_insyncreplicascount',
      'gauge',
      'In-sync replicas of a partition.',
      per(leaders, ({ isr }) => isr.length),
    )
    to.add(
      'kafka_cluster_partition_underreplicated',
      'gauge',
      '1 while replicas are missing from the in-sync set.',
      per(leaders, ({ isUnderReplicated }) => Number(isUnderReplicated)),
    )
    to.add(
      'kafka_cluster_partition_underminisr',
      'gauge',
      '1 below min.insync.replicas.',
      per(leaders, ({ isUnderMinIsr }) => Number(isUnderMinIsr)),
    )
    to.add(
      'kafka_cluster_partition_atminisr',
      'gauge',
      '1 at min.insync.replicas.',
      per(leaders, ({ isAtMinIsr }) => Number(isAtMinIsr)),
    )
  }

  #writeLogDirs(to: Exposition): void {
    const all = this.#watched?.logDirs.all() ?? []
    const failed = all.filter(({ isOnline }) => !isOnline).length
    to.add('kafka_log_logmanager_offlinelogdirectorycount', 'gauge', 'Log directories that failed.', [{ value: failed }])
    const perDirectory = all.map(({ path, isOnline }) => ({ labels: { logDirectory: path }, value: Number(!isOnline) }))
    to.add('kafka_log_logmanager_logdirectoryoffline', 'gauge', '1 for a log directory that failed.', perDirectory)
  }

  /** Of the groups that this broker coordinates. */
  #writeGroups(to: Exposition): void {
    const { groups, offsets } = this.#watched?.groups.counts() ?? { groups: new Map<GroupState, number>(), offsets: 0 }
    const prefix = 'kafka_coordinator_group_groupmetadatamanager'
    const all = [...groups.values()].reduce((sum, value) => sum + value, 0)
    to.add(`${prefix}_numoffsets`, 'gauge', 'Committed offsets.', [{ value: offsets }])
    to.add(`${prefix}_numgroups`, 'gauge', 'Groups.', [{ value: all }])
    for (const state of GROUP_STATES)
      to.add(`${prefix}_numgroups${state.toLowerCase()}`, 'gauge', `Groups in the state ${state}.`, [{ value: groups.get(state) ?? 0 }])
  }

  #writeFetchSessions(to: Exposition): void {
    const { sessions, partitions, evictions } = this.#watched?.fetchSessions() ?? { sessions: 0, partitions: 0, evictions: 0 }
    const cache = 'kafka_server_fetchsessioncache'
    to.add(`${cache}_numincrementalfetchsessions`, 'gauge', 'Fetch sessions.', [{ value: sessions }])
    to.add(`${cache}_numincrementalfetchpartitionscached`, 'gauge', 'Partitions of all fetch sessions.', [{ value: partitions }])
    to.add(`${cache}_incrementalfetchsessionevictions_total`, 'counter', 'Fetch sessions that were replaced.', [{ value: evictions }])
  }

  #writeFollowers(to: Exposition): void {
    const { lags, failedPartitions, bytesIn, reassignmentBytesIn } = this.#watched?.followers() ?? NO_FOLLOWER_FIGURES
    const labels = { clientId: 'Replica' }
    to.add('kafka_server_replicafetchermanager_maxlag', 'gauge', 'Records that the worst replica lacks.', [
      { labels, value: Math.max(0, ...lags.map(({ lag }) => lag)) },
    ])
    to.add('kafka_server_replicafetchermanager_failedpartitionscount', 'gauge', 'Replicas that cannot follow their leader.', [
      { labels, value: failedPartitions },
    ])
    const perReplica = lags.map(({ lag, ...names }) => ({ labels: names, value: lag }))
    to.add('kafka_server_fetcherlagmetrics_consumerlag', 'gauge', 'Records that a replica lacks.', perReplica)
    const { replicationBytesOut, reassignmentBytesOut } = this.#replication
    const bytes: Record<string, [value: number, help: string]> = {
      replicationbytesin: [bytesIn, 'Bytes of records fetched from leaders.'],
      replicationbytesout: [replicationBytesOut, 'Bytes of records sent to followers.'],
      reassignmentbytesin: [reassignmentBytesIn, 'Bytes of records fetched for replicas that a reassignment adds.'],
      reassignmentbytesout: [reassignmentBytesOut, 'Bytes of records sent to replicas that a reassignment adds.'],
    }
    for (const [name, [value, help]] of Object.entries(bytes))
      to.add(`kafka_server_brokertopicmetrics_${name}_total`, 'counter', help, [{ value }])
  }

  #writeController(to: Exposition): void {
    const figures = this.#watched?.controller() ?? NO_CONTROLLER_FIGURES
    const gauges: Record<string, [value: number, help: string]> = {
      activecontrollercount: [Number(figures.isActive), '1 on the controller.'],
      offlinepartitionscount: [figures.offlinePartitions, 'Partitions without a leader, on the controller.'],
      preferredreplicaimbalancecount: [
        figures.preferredReplicaImbalance,
        'Partitions not led by their preferred replica, on the controller.',
      ],
      globaltopiccount: [figures.topics, 'Topics of the cluster, on the controller.'],
      globalpartitioncount: [figures.partitions, 'Partitions of the cluster, on the controller.'],
      topicstodeletecount: [figures.topicsToDelete, 'Topics that are to be deleted, on the controller.'],
      replicastodeletecount: [figures.replicasToDelete, 'Replicas that are to be deleted, on the controller.'],
      topicsineligibletodeletecount: [figures.topicsIneligibleToDelete, 'Topics whose deletion waits for a broker, on the controller.'],
      replicasineligibletodeletecount: [figures.replicasIneligibleToDelete, 'Replicas that cannot be deleted now, on the controller.'],
    }
    for (const [name, [value, help]] of Object.entries(gauges))
      to.add(`kafka_controller_kafkacontroller_${name}`, 'gauge', help, [{ value }])
    to.add('kafka_controller_controllerstats_uncleanleaderelections_total', 'counter', 'Elections of a replica that was not in sync.', [
      { value: figures.uncleanElections },
    ])
  }

  #writeSockets(to: Exposition): void {
    const idle = this.#process.idleShare()
    to.add('kafka_network_socketserver_networkprocessoravgidle_percent', 'gauge', 'Idle share of the event loop, 0 to 1.', [
      { value: idle },
    ])
    to.add('kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent', 'gauge', 'Idle share of the event loop, 0 to 1.', [
      { value: idle },
    ])
    to.add('kafka_server_socket_server_metrics_connection_count', 'gauge', 'Open connections.', [
      { value: this.#watched?.connectionCount() ?? 0 },
    ])
  }
}
