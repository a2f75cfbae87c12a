/** What a panel shows; its place and looks are computed. Legends are templates of Grafana's. */
type Unit = 'short' | 's' | 'ms' | 'bytes' | 'Bps' | 'ops' | 'percentunit' | 'dateTimeAsIso'
export type Panel = { title: string; unit: Unit; kind?: 'stat' | 'timeseries' | 'table'; queries: [expr: string, legend: string][] }
export type Row = { title: string; panels: Panel[] }

/** Of the namespaces and Clusters that are chosen at the top of a dashboard. */
export const OF = '{namespace=~"$namespace",sofakafka_io_cluster=~"$cluster"}'
