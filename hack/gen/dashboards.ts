// The Grafana dashboards of the chart, from tables: what a panel shows stands here once, its place and looks are computed.
import { join } from 'node:path'

type Unit = 'short' | 's' | 'ms' | 'bytes' | 'Bps' | 'ops' | 'percentunit' | 'dateTimeAsIso'
type Panel = { title: string; unit: Unit; kind?: 'stat' | 'timeseries' | 'table'; queries: [expr: string, legend: string][] }
type Row = { title: string; panels: Panel[] }

const INSTANT_KINDS = ['stat', 'table']
const WIDTH = 24
const HEIGHT = { stat: 4, timeseries: 8, table: 8 }

const OPERATOR: Row[] = [
  {
    title: 'State',
    panels: [
      { title: 'Operators that lead', unit: 'short', kind: 'stat', queries: [['sum(sofakafka_operator_leader)', '']] },
      { title: 'Resources', unit: 'short', kind: 'stat', queries: [['max by (kind) (sofakafka_operator_resources)', '{{kind}}']] },
      {
        title: 'Not Ready',
        unit: 'short',
        kind: 'stat',
        queries: [['max by (kind) (sofakafka_operator_resources - sofakafka_operator_resources_ready)', '{{kind}}']],
      },
      { title: 'Paused', unit: 'short', kind: 'stat', queries: [['max by (kind) (sofakafka_operator_resources_paused)', '{{kind}}']] },
      { title: 'Fields that definitions lack', unit: 'short', kind: 'stat', queries: [['sum(sofakafka_operator_crd_missing_fields)', '']] },
    ],
  },
  {
    title: 'Reconciles',
    panels: [
      {
        title: 'Begun per second',
        unit: 'ops',
        queries: [['sum by (kind) (rate(sofakafka_operator_reconciliations_total[5m]))', '{{kind}}']],
      },
      {
        title: 'Failed and given up per second',
        unit: 'ops',
        queries: [
          ['sum by (kind) (rate(sofakafka_operator_reconciliations_failed_total[5m]))', '{{kind}} failed'],
          ['sum by (kind) (rate(sofakafka_operator_reconciliations_timeouts_total[5m]))', '{{kind}} given up'],
        ],
      },
      {
        title: 'How long they take, 99th percentile',
        unit: 's',
        queries: [
          [
            'histogram_quantile(0.99, sum by (kind, le) (rate(sofakafka_operator_reconciliations_duration_seconds_bucket[5m])))',
            '{{kind}}',
          ],
        ],
      },
      {
        title: 'Longest of the last minutes',
        unit: 's',
        queries: [['max by (kind) (sofakafka_operator_reconciliations_duration_seconds_max)', '{{kind}}']],
      },
      { title: 'In the queues', unit: 'short', queries: [['max by (kind) (sofakafka_operator_queue_depth)', '{{kind}}']] },
      {
        title: 'Under way for long',
        unit: 's',
        kind: 'table',
        queries: [['time() - sofakafka_operator_reconciliations_in_progress_start_time_seconds', '{{kind}} {{namespace}}/{{name}}']],
      },
    ],
  },
  {
    title: 'Kubernetes and Kafka',
    panels: [
      {
        title: 'Requests to the API server per second',
        unit: 'ops',
        queries: [['sum by (method, code) (rate(sofakafka_operator_kubernetes_requests_total[5m]))', '{{method}} {{code}}']],
      },
      {
        title: 'Calls to Kafka per second',
        unit: 'ops',
        queries: [['sum by (call) (rate(sofakafka_operator_kafka_calls_total[5m]))', '{{call}}']],
      },
      {
        title: 'Watches begun again per minute',
        unit: 'short',
        queries: [
          ['sum by (kind) (60 * rate(sofakafka_operator_watch_restarts_total[5m]))', '{{kind}}'],
          ['sum by (kind) (60 * rate(sofakafka_operator_watch_failures_total[5m]))', '{{kind}} broke off'],
        ],
      },
      { title: 'Memory', unit: 'bytes', queries: [['process_resident_memory_bytes{container="operator"}', '{{pod}}']] },
      { title: 'Processor', unit: 'short', queries: [['rate(process_cpu_seconds_total{container="operator"}[5m])', '{{pod}}']] },
      {
        title: 'Longest delay of the event loop',
        unit: 's',
        queries: [['sofakafka_event_loop_delay_max_seconds{container="operator"}', '{{pod}}']],
      },
    ],
  },
]

const OF = '{namespace=~"$namespace",sofakafka_io_cluster=~"$cluster"}'
const KAFKA: Row[] = [
  {
    title: 'State',
    panels: [
      { title: 'Brokers', unit: 'short', kind: 'stat', queries: [[`count(kafka_server_replicamanager_leadercount${OF})`, '']] },
      {
        title: 'Controllers',
        unit: 'short',
        kind: 'stat',
        queries: [[`sum(kafka_controller_kafkacontroller_activecontrollercount${OF})`, '']],
      },
      {
        title: 'Partitions without a leader',
        unit: 'short',
        kind: 'stat',
        queries: [[`sum(kafka_controller_kafkacontroller_offlinepartitionscount${OF})`, '']],
      },
      {
        title: 'Under-replicated partitions',
        unit: 'short',
        kind: 'stat',
        queries: [[`sum(kafka_server_replicamanager_underreplicatedpartitions${OF})`, '']],
      },
      {
        title: 'Below min.insync.replicas',
        unit: 'short',
        kind: 'stat',
        queries: [[`sum(kafka_server_replicamanager_underminisrpartitioncount${OF})`, '']],
      },
      {
        title: 'Log directories that failed',
        unit: 'short',
        kind: 'stat',
        queries: [[`sum(kafka_log_logmanager_offlinelogdirectorycount${OF})`, '']],
      },
    ],
  },
  {
    title: 'Traffic',
    panels: [
      ...(['in', 'out'] as const).map((way): Panel => ({
        title: `Bytes ${way} per second`,
        unit: 'Bps',
        queries: [[`sum by (pod) (rate(kafka_server_brokertopicmetrics_bytes${way}_total{topic="",${OF.slice(1)}[5m]))`, '{{pod}}']],
      })),
      {
        title: 'Messages in per second, by topic',
        unit: 'ops',
        queries: [[`sum by (topic) (rate(kafka_server_brokertopicmetrics_messagesin_total{topic!="",${OF.slice(1)}[5m]))`, '{{topic}}']],
      },
      {
        title: 'Requests per second',
        unit: 'ops',
        queries: [[`sum by (request) (rate(kafka_network_requestmetrics_requests_total${OF}[5m]))`, '{{request}}']],
      },
      {
        title: 'Milliseconds of Produce and Fetch, 99th percentile',
        unit: 'ms',
        queries: [[`max by (request) (kafka_network_requestmetrics_totaltimems{quantile="0.99",${OF.slice(1)})`, '{{request}}']],
      },
      {
        title: 'Connections',
        unit: 'short',
        queries: [[`sum by (pod) (kafka_server_socket_server_metrics_connection_count${OF})`, '{{pod}}']],
      },
    ],
  },
  {
    title: 'Replicas and disks',
    panels: [
      { title: 'Partitions', unit: 'short', queries: [[`kafka_server_replicamanager_partitioncount${OF}`, '{{pod}}']] },
      { title: 'Leaders', unit: 'short', queries: [[`kafka_server_replicamanager_leadercount${OF}`, '{{pod}}']] },
      {
        title: 'Records that the worst replica lacks',
        unit: 'short',
        queries: [[`kafka_server_replicafetchermanager_maxlag${OF}`, '{{pod}}']],
      },
      { title: 'Size of logs', unit: 'bytes', queries: [[`sum by (pod) (kafka_log_log_size${OF})`, '{{pod}}']] },
      { title: 'Memory', unit: 'bytes', queries: [[`process_resident_memory_bytes${OF}`, '{{pod}}']] },
      {
        title: 'Idle share of the event loop',
        unit: 'percentunit',
        queries: [[`kafka_network_socketserver_networkprocessoravgidle_percent${OF}`, '{{pod}}']],
      },
    ],
  },
]

const datasource = { type: 'prometheus', uid: '${datasource}' }

const panelOf = (panel: Panel, id: number, gridPos: { x: number; y: number; w: number; h: number }) => ({
  id,
  type: panel.kind ?? 'timeseries',
  title: panel.title,
  datasource,
  gridPos,
  fieldConfig: { defaults: { unit: panel.unit }, overrides: [] },
  targets: panel.queries.map(([expr, legendFormat], index) => ({
    refId: String.fromCharCode(65 + index),
    datasource,
    expr,
    legendFormat,
    instant: INSTANT_KINDS.includes(panel.kind ?? ''),
  })),
})

const panelsOf = (rows: readonly Row[]): unknown[] => {
  const panels: unknown[] = []
  let y = 0
  for (const { title, panels: of } of rows) {
    panels.push({ id: panels.length + 1, type: 'row', title, gridPos: { x: 0, y: y++, w: WIDTH, h: 1 }, panels: [] })
    const stats = of.filter(({ kind }) => kind === 'stat')
    const others = of.filter(({ kind }) => kind !== 'stat')
    const w = Math.floor(WIDTH / Math.max(1, stats.length))
    for (const [at, panel] of stats.entries()) panels.push(panelOf(panel, panels.length + 1, { x: at * w, y, w, h: HEIGHT.stat }))
    if (stats.length > 0) y += HEIGHT.stat
    for (const [at, panel] of others.entries()) {
      const place = { x: (at % 3) * 8, y: y + Math.floor(at / 3) * HEIGHT.timeseries, w: 8, h: HEIGHT.timeseries }
      panels.push(panelOf(panel, panels.length + 1, place))
    }
    y += Math.ceil(others.length / 3) * HEIGHT.timeseries
  }
  return panels
}

const DATASOURCE = { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus' }
const variable = (name: string, label: string, expr: string) => ({
  name,
  label,
  type: 'query',
  datasource,
  query: { query: expr, refId: name },
  refresh: 2,
  multi: true,
  includeAll: true,
  current: { text: 'All', value: '$__all' },
})

const dashboard = (uid: string, title: string, rows: readonly Row[], variables: readonly unknown[]) => ({
  uid,
  title,
  tags: ['sofakafka', 'kafka'],
  schemaVersion: 39,
  version: 1,
  editable: true,
  refresh: '30s',
  time: { from: 'now-1h', to: 'now' },
  templating: { list: [DATASOURCE, ...variables] },
  panels: panelsOf(rows),
})

export const dashboards = (): [path: string, text: string][] => {
  const all = {
    'sofakafka-operator': dashboard('sofakafka-operator', 'SOFAKafka: the operator', OPERATOR, []),
    'sofakafka-kafka': dashboard('sofakafka-kafka', 'SOFAKafka: brokers', KAFKA, [
      variable('namespace', 'Namespace', 'label_values(kafka_server_replicamanager_leadercount, namespace)'),
      variable(
        'cluster',
        'Cluster',
        'label_values(kafka_server_replicamanager_leadercount{namespace=~"$namespace"}, sofakafka_io_cluster)',
      ),
    ]),
  }
  return Object.entries(all).map(([name, content]) => [
    join('charts', 'sofakafka', 'dashboards', `${name}.json`),
    `${JSON.stringify(content, null, 2)}\n`,
  ])
}
