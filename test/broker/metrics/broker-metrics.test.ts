import { expect, test } from 'vitest'
import { nodeDisk } from '../../../src/base/node-disk.ts'
import { Metrics } from '../../../src/broker/metrics/broker-metrics.ts'
import { Exposition } from '../../../src/base/exposition.ts'
import { Quantiles } from '../../../src/broker/metrics/quantiles.ts'
import { NO_CONTROLLER_FIGURES } from '../../../src/broker/controller/figures.ts'

test('quantiles are right within five per cent and forget what is older than two minutes', () => {
  const times = new Quantiles(0)
  for (let ms = 1; ms <= 1000; ms++) times.add(ms, 0)
  for (const q of [0.5, 0.95, 0.99]) expect(Math.abs(times.quantile(q, 1) / (q * 1000) - 1)).toBeLessThan(0.06)
  expect(times.quantile(0.5, 61_000)).toBeGreaterThan(400)
  expect(times.quantile(0.5, 122_000)).toBeNaN()
  expect(times.count).toBe(1000)
})

test('labels are escaped, and a name without samples is left out', () => {
  const to = new Exposition()
  to.add('a', 'gauge', 'Help.', [{ labels: { topic: 'x"\\\n' }, value: Number.NaN }])
  to.add('b', 'gauge', 'Help.', [])
  expect(to.text()).toBe('# HELP a Help.\n# TYPE a gauge\na{topic="x\\"\\\\\\n"} NaN\n')
})

test('a broker shows the names that dashboards ask for', () => {
  const metrics = new Metrics({
    clock: { nowMs: () => 0, sleep: () => Promise.resolve(), schedule: () => ({ cancel: () => {} }) },
    disk: nodeDisk,
  })
  metrics.request({ api: 'Produce', version: 8, totalMs: 5 })
  metrics.error('Produce', 'CORRUPT_MESSAGE')
  metrics.topic('t', 'bytesIn', 100)
  metrics.replication('replicationBytesOut', 70)
  metrics.replication('reassignmentBytesOut', 20)
  metrics.watch({
    fetchSessions: () => ({ sessions: 2, partitions: 7, evictions: 1 }),
    partitions: { all: () => [], isrChanges: { shrink: 0, expand: 0, failed: 0 } },
    connectionCount: () => 3,
    authentications: () => [],
    tls: () => [],
    groups: {
      counts: () => ({
        groups: new Map([
          ['Stable', 2],
          ['Empty', 1],
        ]),
        offsets: 7,
      }),
    },
    logDirs: {
      all: () => [
        { path: '/a', isOnline: true, replicas: [] },
        { path: '/b', isOnline: false, replicas: [] },
      ],
    },
    followers: () => ({
      lags: [
        { clientId: 'ReplicaFetcherThread-0-2', topic: 't', partition: 0, lag: 5 },
        { clientId: 'ReplicaFetcherThread-0-3', topic: 't', partition: 1, lag: 9 },
      ],
      failedPartitions: 1,
      bytesIn: 1000,
      reassignmentBytesIn: 10,
    }),
    controller: () => ({ ...NO_CONTROLLER_FIGURES, isActive: true, offlinePartitions: 2, topics: 4, partitions: 9, topicsToDelete: 1 }),
  })
  const text = metrics.text()
  metrics.stop()
  for (const line of [
    'kafka_server_brokertopicmetrics_bytesin_total 100',
    'kafka_server_brokertopicmetrics_bytesin_total{topic="t"} 100',
    'kafka_network_requestmetrics_requests_total{request="Produce",version="8"} 1',
    'kafka_network_requestmetrics_errors_total{request="Produce",error="CORRUPT_MESSAGE"} 1',
    'kafka_server_replicamanager_leadercount 0',
    'kafka_server_replicafetchermanager_maxlag{clientId="Replica"} 9',
    'kafka_server_replicafetchermanager_failedpartitionscount{clientId="Replica"} 1',
    'kafka_server_fetcherlagmetrics_consumerlag{clientId="ReplicaFetcherThread-0-2",topic="t",partition="0"} 5',
    'kafka_server_brokertopicmetrics_replicationbytesin_total 1000',
    'kafka_server_brokertopicmetrics_replicationbytesout_total 70',
    'kafka_server_brokertopicmetrics_reassignmentbytesin_total 10',
    'kafka_server_brokertopicmetrics_reassignmentbytesout_total 20',
    'kafka_server_fetchsessioncache_numincrementalfetchsessions 2',
    'kafka_server_fetchsessioncache_numincrementalfetchpartitionscached 7',
    'kafka_server_fetchsessioncache_incrementalfetchsessionevictions_total 1',
    'kafka_controller_kafkacontroller_activecontrollercount 1',
    'kafka_log_logmanager_offlinelogdirectorycount 1',
    'kafka_coordinator_group_groupmetadatamanager_numgroups 3',
    'kafka_coordinator_group_groupmetadatamanager_numgroupsstable 2',
    'kafka_coordinator_group_groupmetadatamanager_numgroupsdead 0',
    'kafka_coordinator_group_groupmetadatamanager_numoffsets 7',
    'kafka_log_logmanager_logdirectoryoffline{logDirectory="/b"} 1',
    'kafka_controller_kafkacontroller_offlinepartitionscount 2',
    'kafka_controller_kafkacontroller_globaltopiccount 4',
    'kafka_controller_kafkacontroller_globalpartitioncount 9',
    'kafka_controller_kafkacontroller_topicstodeletecount 1',
    'kafka_server_socket_server_metrics_connection_count 3',
  ]) {
    expect(text.split('\n')).toContain(line)
  }
  expect(text).toMatch(/sofakafka_event_loop_delay_max_seconds [\d.e-]+\n/)
  expect(text).toMatch(/totaltimems\{request="Produce",quantile="0.99"\} [45]\.\d+/)
})
