import { OF, type Row } from './panels.ts'

/** Of ensembles of Apache ZooKeeper. A server without a quorum shows looking_count and little else, so that one tells which Clusters there are. */
export const ZOOKEEPER: Row[] = [
  {
    title: 'State',
    panels: [
      {
        title: 'Members of ensembles',
        unit: 'short',
        kind: 'stat',
        queries: [[`sum(max by (namespace, sofakafka_io_cluster) (quorum_size${OF}))`, '']],
      },
      { title: 'Servers in a quorum', unit: 'short', kind: 'stat', queries: [[`count(quorum_size${OF}) or vector(0)`, '']] },
      { title: 'Leaders', unit: 'short', kind: 'stat', queries: [[`count(leader_uptime${OF}) or vector(0)`, '']] },
      { title: 'Synced followers', unit: 'short', kind: 'stat', queries: [[`sum(synced_followers${OF})`, '']] },
      { title: 'Connections', unit: 'short', kind: 'stat', queries: [[`sum(num_alive_connections${OF})`, '']] },
      {
        title: 'Elections in an hour',
        unit: 'short',
        kind: 'stat',
        queries: [[`sum(max by (namespace, sofakafka_io_cluster) (increase(looking_count${OF}[1h])))`, '']],
      },
    ],
  },
  {
    title: 'Quorum',
    panels: [
      { title: 'Who leads, and for how long', unit: 's', queries: [[`leader_uptime${OF} / 1000`, '{{pod}}']] },
      {
        title: 'Synced followers, and how many there should be',
        unit: 'short',
        queries: [
          [
            `max by (namespace, sofakafka_io_cluster) (synced_followers${OF} - synced_non_voting_followers${OF})`,
            '{{namespace}}/{{sofakafka_io_cluster}}',
          ],
          [`max by (namespace, sofakafka_io_cluster) (quorum_size${OF} - 1)`, '{{namespace}}/{{sofakafka_io_cluster}} should be'],
        ],
      },
      { title: 'Elections', unit: 'short', queries: [[`increase(looking_count${OF}[5m])`, '{{pod}}']] },
    ],
  },
  {
    title: 'Requests',
    panels: [
      { title: 'Requests per second', unit: 'ops', queries: [[`rate(packets_received${OF}[5m])`, '{{pod}}']] },
      { title: 'Requests that wait', unit: 'short', queries: [[`outstanding_requests${OF}`, '{{pod}}']] },
      { title: 'Connections', unit: 'short', queries: [[`num_alive_connections${OF}`, '{{pod}}']] },
      {
        title: 'Milliseconds of reads, 50th and 99th percentile',
        unit: 'ms',
        queries: [
          [`readlatency{quantile="0.5",${OF.slice(1)}`, '{{pod}} p50'],
          [`readlatency{quantile="0.99",${OF.slice(1)}`, '{{pod}} p99'],
        ],
      },
      {
        title: 'Milliseconds of updates, 50th and 99th percentile',
        unit: 'ms',
        queries: [
          [`updatelatency{quantile="0.5",${OF.slice(1)}`, '{{pod}} p50'],
          [`updatelatency{quantile="0.99",${OF.slice(1)}`, '{{pod}} p99'],
        ],
      },
      {
        title: 'Milliseconds of an fsync, average',
        unit: 'ms',
        queries: [[`rate(fsynctime_sum${OF}[5m]) / rate(fsynctime_count${OF}[5m])`, '{{pod}}']],
      },
    ],
  },
  {
    title: 'Data and processes',
    panels: [
      {
        title: 'Znodes',
        unit: 'short',
        queries: [
          [`znode_count${OF}`, '{{pod}}'],
          [`ephemerals_count${OF}`, '{{pod}} ephemeral'],
        ],
      },
      { title: 'Watches', unit: 'short', queries: [[`watch_count${OF}`, '{{pod}}']] },
      { title: 'Size of data', unit: 'bytes', queries: [[`approximate_data_size${OF}`, '{{pod}}']] },
      {
        title: 'Heap',
        unit: 'bytes',
        queries: [
          [`jvm_memory_bytes_used{area="heap",${OF.slice(1)}`, '{{pod}}'],
          [`jvm_memory_bytes_max{area="heap",${OF.slice(1)}`, '{{pod}} limit'],
        ],
      },
      {
        title: 'Share of time spent on garbage collection',
        unit: 'percentunit',
        queries: [[`sum by (pod) (rate(jvm_gc_collection_seconds_sum${OF}[5m]))`, '{{pod}}']],
      },
      {
        title: 'Open descriptors, share of the limit',
        unit: 'percentunit',
        queries: [[`open_file_descriptor_count${OF} / max_file_descriptor_count${OF}`, '{{pod}}']],
      },
    ],
  },
]
