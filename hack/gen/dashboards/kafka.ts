import { OF, type Panel, type Row } from './panels.ts'

export const KAFKA: Row[] = [
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
