import { expect, test } from 'vitest'
import { monotonicClock } from '../../../src/base/clock.ts'
import { nodeDisk } from '../../../src/base/node-disk.ts'
import { Metrics } from '../../../src/broker/metrics/broker-metrics.ts'
import { NO_CONTROLLER_FIGURES } from '../../../src/broker/controller/figures.ts'
import { batchOf } from '../../log/support.ts'
import { LAG_MS, ReplicaLab } from './support/replica-lab.ts'

/** What /metrics says of a broker's replicas, by name. */
const figuresOf = (lab: ReplicaLab): Record<string, number> => {
  const metrics = new Metrics({ clock: monotonicClock, disk: nodeDisk })
  metrics.watch({
    fetchSessions: () => ({ sessions: 2, partitions: 7, evictions: 1 }),
    partitions: lab.table,
    connectionCount: () => 0,
    authentications: () => [],
    tls: () => [],
    groups: { counts: () => ({ groups: new Map(), offsets: 0 }) },
    logDirs: { all: () => [] },
    followers: () => ({ lags: [], failedPartitions: 0, bytesIn: 0, reassignmentBytesIn: 0 }),
    controller: () => NO_CONTROLLER_FIGURES,
  })
  const lines = metrics.text().split('\n')
  metrics.stop()
  const wanted = lines.flatMap((line) =>
    [...(/^kafka_(?:server_replicamanager|cluster_partition)_(\w+)(?:\{.*\})? (\S+)$/.exec(line) ?? [])].slice(1),
  )
  return Object.fromEntries(Array.from({ length: wanted.length / 2 }, (_, i) => [wanted[2 * i]!, Number(wanted[2 * i + 1])]))
}

test('missing replicas show under the names that alerts ask for', async () => {
  const lab = await ReplicaLab.open({ minInsyncReplicas: 2 })
  const partition = await lab.lead({ replicas: [1, 2, 3, 4], addingReplicas: [4] })
  expect(figuresOf(lab)).toMatchObject({
    leadercount: 1,
    partitioncount: 1,
    underreplicatedpartitions: 0,
    underminisrpartitioncount: 0,
    atminisrpartitioncount: 0,
    reassigningpartitions: 1,
    isrshrinks_total: 0,
    replicascount: 3,
    insyncreplicascount: 3,
  })
  await partition.append(batchOf(1), { origin: 'client', requiredAcks: 1 })
  partition.followerFetched(2, { fetchOffset: 1, logStartOffset: 0, nowMs: 0 })
  await lab.clock.advance(LAG_MS + 1)
  partition.checkFollowers()
  await lab.store.carryOut()
  expect(figuresOf(lab)).toMatchObject({
    underreplicatedpartitions: 1,
    atminisrpartitioncount: 1,
    isrshrinks_total: 1,
    insyncreplicascount: 2,
    atminisr: 1,
  })
  await partition.append(batchOf(1), { origin: 'client', requiredAcks: 1 })
  partition.checkFollowers()
  await lab.store.carryOut()
  expect(figuresOf(lab)).toMatchObject({
    underminisrpartitioncount: 1,
    atminisrpartitioncount: 0,
    isrshrinks_total: 2,
    underminisr: 1,
    underreplicated: 1,
  })
  partition.followerFetched(2, { fetchOffset: 2, logStartOffset: 0, nowMs: lab.clock.nowMs() })
  lab.store.stored = undefined
  await lab.store.carryOut()
  expect(figuresOf(lab)).toMatchObject({ isrexpands_total: 0, failedisrupdates_total: 1, underminisr: 1 })
})
