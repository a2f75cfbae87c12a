import type { Row } from './panels.ts'

export const OPERATOR: Row[] = [
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
