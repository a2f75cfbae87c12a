// The Grafana dashboards of the chart, from the tables in this folder: what a panel shows stands there once, its place and looks are computed here.
import { join } from 'node:path'
import { KAFKA } from './kafka.ts'
import { OPERATOR } from './operator.ts'
import type { Panel, Row } from './panels.ts'
import { ZOOKEEPER } from './zookeeper.ts'

const INSTANT_KINDS = ['stat', 'table']
const WIDTH = 24
const HEIGHT = { stat: 4, timeseries: 8, table: 8 }

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

/** Of those that have the metric. */
const clusterVariables = (metric: string, ours = '') => [
  variable('namespace', 'Namespace', `label_values(${metric}${ours}, namespace)`),
  variable('cluster', 'Cluster', `label_values(${metric}{namespace=~"$namespace"}, sofakafka_io_cluster)`),
]

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
    'sofakafka-kafka': dashboard(
      'sofakafka-kafka',
      'SOFAKafka: brokers',
      KAFKA,
      clusterVariables('kafka_server_replicamanager_leadercount'),
    ),
    'sofakafka-zookeeper': dashboard(
      'sofakafka-zookeeper',
      'SOFAKafka: ZooKeeper',
      ZOOKEEPER,
      clusterVariables('looking_count', '{sofakafka_io_cluster!=""}'),
    ),
  }
  return Object.entries(all).map(([name, content]) => [
    join('charts', 'sofakafka', 'dashboards', `${name}.json`),
    `${JSON.stringify(content, null, 2)}\n`,
  ])
}
