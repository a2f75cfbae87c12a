/** One run of the fault harness: a cluster, its workload, the faults of a seed, and the verdict. */
import { setTimeout as sleep } from 'node:timers/promises'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { Admin } from '../../src/client/admin.ts'
import { ClusterClient } from '../../src/client/cluster-client.ts'
import { removeDirectory, temporaryDirectory } from '../support/apache.ts'
import { eventually } from '../support/net.ts'
import { type Anomaly, check, figures, type Figures } from './checker.ts'
import { Cluster, LOG_DIRS } from './cluster.ts'
import { judgeByApache } from './apache-judge.ts'
import { emptyHistory, type FinalLog, type Healing, type History, type Place, type ReplicaLog } from './history.ts'
import { Nemesis } from './nemesis.ts'
import { Recorder } from './recorder.ts'
import { readReplica } from './replica-logs.ts'
import { drawSchedule, describeFault, type Fault, type FaultKind } from './schedule.ts'
import { Routes } from './routes.ts'
import { Workload } from './workload.ts'

export type RunOptions = {
  seed: number
  seconds: number
  replicationFactor: number
  zookeeper: 'embedded' | 'apache'
  /** flush.messages=1: every record is synced before it is acknowledged; a power loss may then take all replicas. */
  isFlushed: boolean
  /** No producer is idempotent. */
  isPlain?: boolean
  kinds?: readonly FaultKind[]
  /** Leaves the directory of the run also when all is well. */
  keep: boolean
  /** Apache's DumpLogSegments looks at one partition of every broker, too; needs Java. */
  isJudgedByApache?: boolean
  print: (line: string) => void
}

export type Verdict = {
  schedule: readonly Fault[]
  done: Partial<Record<FaultKind, number>>
  skipped: Partial<Record<FaultKind, number>>
  anomalies: readonly Anomaly[]
  figures: Figures
  /** Where the logs of the processes and all records of the run are; undefined when all was well and nothing is kept. */
  directory: string | undefined
}

export const TOPICS = [
  { topic: 'plain', partitions: 2 },
  { topic: 'sequenced', partitions: 2 },
] as const
const idempotentTopics = (options: RunOptions): string[] => (options.isPlain ? [] : ['sequenced'])
const SESSION_TIMEOUT_MS = 4000
const BROKERS = [0, 1, 2] as const
const HEAL_WITHIN_MS = 60_000
const DRAIN_WITHIN_MS = 30_000

const places: readonly Place[] = TOPICS.flatMap(({ topic, partitions }) =>
  Array.from({ length: partitions }, (_unused, partition) => ({ topic, partition })),
)

const createTopics = async (cluster: Cluster, replicationFactor: number): Promise<void> => {
  const client = new ClusterClient({ bootstrap: cluster.bootstrap, clientId: 'harness', clock: monotonicClock, logger: silentLogger })
  const topics = TOPICS.map(({ topic, partitions }) => ({ name: topic, partitions, replicationFactor }))
  await eventually(
    async () => {
      const outcomes = await new Admin(client).createTopics(topics)
      for (const outcome of outcomes.values()) if (outcome && outcome.error !== 'TOPIC_ALREADY_EXISTS') throw outcome
      return true
    },
    { timeoutMs: 20_000, everyMs: 300, what: 'the topics are created' },
  )
  client.close()
}

/** What is not yet well with a partition; '' when all is. */
const complaint = async (cluster: Cluster, place: Place): Promise<string> => {
  const { leader, leaderEpoch, isr } = await cluster.znodes.partitionState(place.topic, place.partition)
  const { replicas, isMoving } = await cluster.znodes.assignment(place.topic)
  const assigned = replicas.get(place.partition) ?? []
  const state = `leader ${leader}, epoch ${leaderEpoch}, in sync ${isr.join(',')}, replicas ${assigned.join(',')}${isMoving ? ', moving' : ''}`
  const isWell = leader >= 0 && !isMoving && isr.length === assigned.length
  return isWell ? '' : state
}

/** From the last fault on: every partition has a leader and all replicas in sync again, and takes records. */
const healing = async (cluster: Cluster, recorder: Recorder, all: readonly Place[]): Promise<Healing[]> => {
  const startMs = recorder.nowMs()
  const isTaken = ({ topic, partition }: Place) => {
    const last = recorder.sends.findLast((send) => send.topic === topic && send.partition === partition && send.outcome === 'acknowledged')
    return last !== undefined && last.startMs > startMs
  }
  return Promise.all(
    all.map(async (place): Promise<Healing> => {
      const isOfWorkload = places.includes(place)
      let state = 'nothing is known'
      while (recorder.nowMs() < startMs + HEAL_WITHIN_MS) {
        state = await complaint(cluster, place).catch((error: Error) => error.message)
        if (state === '' && isOfWorkload && !isTaken(place)) state = 'it takes no records'
        if (state === '') return { ...place, afterMs: recorder.nowMs() - startMs, state: 'in sync' }
        await sleep(200)
      }
      return { ...place, afterMs: undefined, state }
    }),
  )
}

const finalLogs = async (routes: Routes, recorder: Recorder): Promise<FinalLog[]> => {
  const { logs, missing } = await Workload.readAll({ routes, places, withinMs: DRAIN_WITHIN_MS })
  for (const place of missing)
    recorder.brokenPromise(place, 'the last reader', `did not reach the high watermark within ${DRAIN_WITHIN_MS} ms`)
  return logs
}

const replicaLogs = (cluster: Cluster, recorder: Recorder, assignments: ReadonlyMap<Place, readonly number[]>): ReplicaLog[] =>
  [...assignments].flatMap(([place, brokers]) =>
    brokers.flatMap((broker) => {
      const found = LOG_DIRS.flatMap((name) => readReplica(join(cluster.rootOf(broker), name), place, broker) ?? [])
      if (found.length !== 1) recorder.brokenPromise(place, `broker ${broker}`, `has it in ${found.length} log directories`)
      return found
    }),
  )

const judgeSamples = async (cluster: Cluster, recorder: Recorder, replicas: readonly ReplicaLog[]): Promise<void> => {
  for (const broker of BROKERS) {
    const replica = replicas.find(({ brokerId, topic }) => brokerId === broker && topic === TOPICS[broker % TOPICS.length]!.topic)
    const logDir = replica && LOG_DIRS.map((name) => join(cluster.rootOf(broker), name)).find((path) => readReplica(path, replica, broker))
    if (!replica || !logDir) continue
    for (const what of await judgeByApache(logDir, replica, replica))
      recorder.brokenPromise(replica, `DumpLogSegments on broker ${broker}`, what)
  }
}

/** All brokers at once: none may need another to stop. */
const stopBrokers = async (cluster: Cluster): Promise<void> => {
  await Promise.all([...cluster.brokers.values()].map((server) => server.close('SIGTERM')))
}

const historyOf = (recorder: Recorder, parts: Pick<History, 'idempotentTopics' | 'finalLogs' | 'replicas' | 'healing'>): History => ({
  ...emptyHistory(),
  sends: recorder.sends,
  polls: recorder.polls,
  commits: recorder.commits,
  committed: recorder.committed,
  broken: recorder.broken,
  healWithinMs: HEAL_WITHIN_MS,
  ...parts,
})

const live = async (options: RunOptions, cluster: Cluster, recorder: Recorder, schedule: readonly Fault[]) => {
  const { print } = options
  await createTopics(cluster, options.replicationFactor)
  const routes = new Routes({ bootstrap: cluster.bootstrap, brokers: BROKERS, topics: TOPICS.map(({ topic }) => topic) })
  const workload = new Workload({ cluster, routes, recorder, places, idempotentTopics: idempotentTopics(options), seed: options.seed })
  const nemesis = new Nemesis({ cluster, recorder, places, isFlushed: options.isFlushed })
  await workload.start()
  print(`the workload runs; ${schedule.length} faults in ${options.seconds} s`)
  await nemesis.run(schedule)
  const all = await nemesis.allPlaces()
  await nemesis.heal()
  print(`the last fault has ended; ${recorder.sends.length} records were sent`)
  const healed = await healing(cluster, recorder, all)
  await workload.stopProducers(DRAIN_WITHIN_MS)
  const logs = await finalLogs(routes, recorder)
  await workload.stopReaders(logs, DRAIN_WITHIN_MS)
  routes.close()
  const assignments = new Map<Place, readonly number[]>()
  for (const place of places) assignments.set(place, (await cluster.znodes.assignment(place.topic)).replicas.get(place.partition) ?? [])
  await stopBrokers(cluster)
  const replicas = replicaLogs(cluster, recorder, assignments)
  if (options.isJudgedByApache) await judgeSamples(cluster, recorder, replicas)
  return {
    history: historyOf(recorder, { idempotentTopics: idempotentTopics(options), finalLogs: logs, replicas, healing: healed }),
    counts: nemesis.counts,
  }
}

/** Rejects only when the harness itself cannot work, e.g. when no broker starts. */
export const run = async (options: RunOptions): Promise<Verdict> => {
  const { seed, seconds, replicationFactor, print } = options
  const schedule = drawSchedule({
    seed,
    durationMs: seconds * 1000,
    brokers: BROKERS,
    replicationFactor,
    topics: TOPICS,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    ...(options.kinds ? { kinds: options.kinds } : {}),
    ...(options.isFlushed ? { mostPowerLosses: BROKERS.length } : {}),
  })
  print(`seed ${seed}`)
  for (const fault of schedule) print(describeFault(fault))
  const directory = temporaryDirectory(`faults-${seed}`)
  mkdirSync(directory, { recursive: true })
  const recorder = new Recorder()
  const cluster = await Cluster.start({
    directory,
    brokers: BROKERS,
    replicationFactor,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    zookeeper: options.zookeeper,
    properties: options.isFlushed ? ['log.flush.interval.messages=1'] : [],
    note: (what) => recorder.note(what),
  })
  let isKept = options.keep
  try {
    const { history, counts } = await live(options, cluster, recorder, schedule)
    const anomalies = check(history)
    isKept ||= anomalies.length > 0
    if (isKept) {
      const notes = recorder.notes.map(({ atMs, what }) => `${(atMs / 1000).toFixed(3)} ${what}`)
      writeFileSync(join(directory, 'notes.log'), `${notes.join('\n')}\n`)
      writeFileSync(join(directory, 'anomalies.log'), anomalies.map((anomaly) => `${JSON.stringify(anomaly)}\n`).join(''))
      writeFileSync(join(directory, 'history.json'), JSON.stringify({ ...history, startedMs: recorder.startedMs }))
    }
    return { schedule, ...counts, anomalies, figures: figures(history), directory: isKept ? directory : undefined }
  } catch (error) {
    print(`the logs of the processes are in ${directory}`)
    isKept = true
    throw error
  } finally {
    await cluster.close()
    if (!isKept) removeDirectory(directory)
  }
}
