import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { Admin } from '../../src/client/admin.ts'
import { ClusterClient } from '../../src/client/cluster-client.ts'
import { startEmbeddedLab } from '../operator/support/embedded-lab.ts'
import { cluster, topic } from '../operator/support/objects.ts'
import { OperatorLab } from '../operator/support/operator-lab.ts'
import { scrapeText } from '../operator/support/scrape.ts'
import { lacks } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../support/ours.ts'

const CHART = join('charts', 'sofakafka')
const RULES = readdirSync(join(CHART, 'rules'))
const DASHBOARDS = readdirSync(join(CHART, 'dashboards'))
const MONITORING = ['PodMonitor', 'PrometheusRule'].flatMap((kind) => ['-a', `monitoring.coreos.com/v1/${kind}`])

type Panel = { id: number; gridPos: { x: number; y: number; w: number; h: number }; targets?: { expr: string }[] }
type Dashboard = { panels: Panel[]; templating: { list: { query: string | { query: string } }[] } }
type RuleFile = { groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[] }

const dashboardOf = (file: string): Dashboard => JSON.parse(readFileSync(join(CHART, 'dashboards', file), 'utf8')) as Dashboard
const rulesOf = (file: string) => (parse(readFileSync(join(CHART, 'rules', file), 'utf8')) as RuleFile).groups.flatMap(({ rules }) => rules)
const expressions = [
  ...DASHBOARDS.flatMap((file) => dashboardOf(file).panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))),
  ...RULES.flatMap((file) => rulesOf(file).map(({ expr }) => expr)),
]
/** Names of metrics in an expression: what begins as ours and Kafka's do. Labels have other names. */
const metricsIn = (text: string): string[] => [
  ...new Set(
    [
      ...text.matchAll(/(?<![\w"=])(?:sofakafka_operator|sofakafka_certificate|sofakafka_event|kafka|process|nodejs|strimzi)_[a-z0-9_]+/g),
    ].map(([name]) => name),
  ),
]
/** Without what a histogram puts behind its name. */
const familyOf = (name: string): string => name.replace(/(_duration_seconds)_(bucket|sum|count)$/, '$1')
const familiesOf = (text: string): string[] => [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!)

describe('what dashboards, rules and documentation name is in a scrape', () => {
  const place = new OperatorLab()
  let zookeeper: OurZooKeeper
  let brokers: OurBroker[]
  let ofOperator: string[]
  let ofBrokers: string[]

  beforeAll(async () => {
    await place.start(startEmbeddedLab)
    zookeeper = await startOurZooKeeper()
    brokers = await Promise.all([1, 2].map((id) => startOurBroker({ id, zookeeper: zookeeper.connect })))
    const { namespace, kafka } = await place.servedCluster()
    kafka.admin.createTopics = () => new Promise(() => {})
    await place.put(topic('slow', namespace))
    const tls = { name: 'tls', port: 9093, tls: { enabled: true } }
    await place.put(cluster('tls', namespace, { listeners: [tls] }))
    await followedTopic(brokers)
    const text = await eventually(
      async () => {
        const now = await scrapeText(place.operator)
        return now.includes('in_progress_start') && now.includes('certificate_expiration') && now
      },
      { everyMs: 250 },
    )
    ofOperator = familiesOf(text)
    const bodies = await Promise.all(brokers.map(async ({ httpPort }) => (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text()))
    ofBrokers = [...new Set(bodies.flatMap(familiesOf))]
  })
  afterAll(async () => {
    await Promise.all((brokers ?? []).map((broker) => broker.stop()))
    await zookeeper?.stop()
    await place.stop()
  })

  test('each name in a dashboard or rule', () => {
    const scraped = new Set([...ofOperator, ...ofBrokers])
    const named = expressions.flatMap(metricsIn).map(familyOf)
    expect(named.length).toBeGreaterThan(30)
    expect(named.filter((name) => !scraped.has(name))).toEqual([])
  })

  test.each([
    ['The operator', () => ofOperator],
    ['Brokers', () => ofBrokers],
  ])('docs/metrics.md has each metric, and no other: %s', (title, scraped) => {
    const section = readFileSync('docs/metrics.md', 'utf8')
      .split(/^## /m)
      .find((text) => text.startsWith(`${title}\n`))!
    const named = [...section.matchAll(/^\| `([a-z0-9_]+)/gm)].map(([, name]) => name!)
    // It is there only after a request failed as a whole.
    const always = scraped().filter((name) => name !== 'kafka_network_requestmetrics_errors_total')
    expect(named.sort()).toEqual(always.sort())
  })
})

/** A topic that one broker leads and the other follows, and a request that fails. */
const followedTopic = async (brokers: readonly OurBroker[]): Promise<void> => {
  const bootstrap = brokers.map(({ port }) => ({ host: '127.0.0.1', port }))
  const client = new ClusterClient({ bootstrap, clientId: 'test', clock: monotonicClock, logger: silentLogger })
  await eventually(async () => (await client.brokers()).brokers.length === 2)
  const outcomes = await new Admin(client).createTopics([{ name: 't', partitions: 2, replicationFactor: 2, config: {} }])
  expect(outcomes.get('t')).toBeUndefined()
  client.close()
  for (const { httpPort } of brokers)
    await eventually(async () => (await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text()).includes('fetcherlagmetrics'))
}

test('dashboards have data sources, a legend for each query, and no two panels in one place', () => {
  for (const file of DASHBOARDS) {
    const { panels } = dashboardOf(file)
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_unused, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    )
    expect(new Set(cells).size, file).toBe(cells.length)
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24)
  }
})

test('every alert says what happened and what to do', () => {
  for (const { alert, annotations } of RULES.flatMap(rulesOf)) {
    expect(annotations['summary'], alert).toMatch(/\S/)
    expect(annotations['description'], alert).toMatch(/\.$/)
  }
})

describe.skipIf(lacks('promtool'))('promtool', () => {
  const promtool = (...args: string[]) => spawnSync('promtool', args, { encoding: 'utf8' })

  test('finds nothing wrong in the rules', () => {
    const { status, stdout, stderr } = promtool(
      'check',
      'rules',
      '--lint=all',
      '--lint-fatal',
      ...RULES.map((file) => join(CHART, 'rules', file)),
    )
    expect(status, stdout + stderr).toBe(0)
  })

  test('sees each alert fire when it should, and not before', () => {
    const cases = RULES.map((file) => join('test', 'charts', 'rules', file))
    const { status, stdout, stderr } = promtool('test', 'rules', ...cases)
    expect(status, stdout + stderr).toBe(0)
    const tested = cases.map((file) => readFileSync(file, 'utf8')).join('\n')
    for (const { alert } of RULES.flatMap(rulesOf)) expect(tested).toContain(alert)
  })

  test('understands every expression of the dashboards', () => {
    const queries = DASHBOARDS.flatMap((file) => dashboardOf(file).panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)))
    const rules = queries.map((expr, index) => ({ record: `query:${index}`, expr: expr.replaceAll(/\$(namespace|cluster)/g, '.*') }))
    const directory = mkdtempSync(join(tmpdir(), 'sofakafka-rules-'))
    writeFileSync(join(directory, 'rules.json'), JSON.stringify({ groups: [{ name: 'dashboards', rules }] }))
    const { status, stdout, stderr } = promtool('check', 'rules', join(directory, 'rules.json'))
    rmSync(directory, { recursive: true })
    expect(status, stdout + stderr).toBe(0)
  })
})

describe.skipIf(lacks('helm'))('the chart', () => {
  type Rendered = { kind: string; metadata: { name: string }; spec?: unknown; data?: Record<string, string> }
  const render = (...args: string[]): Rendered[] => {
    const text = execFileSync('helm', ['template', 'sofakafka', CHART, '--kube-version', '1.33.0', ...args], { encoding: 'utf8' })
    return parseAllDocuments(text).map((document) => document.toJS() as Rendered)
  }
  const kinds = (objects: Rendered[]) => objects.map(({ kind }) => kind).filter((kind) => /Monitor|PrometheusRule/.test(kind))

  test("makes kinds of Prometheus' operator only where they are, and what is asked for", () => {
    expect(kinds(render())).toEqual([])
    expect(kinds(render(...MONITORING))).toEqual(['PodMonitor', 'PodMonitor', 'PodMonitor', 'PrometheusRule', 'PrometheusRule'])
    expect(kinds(render(...MONITORING, '--set', 'monitoring.podMonitors.enabled=false,monitoring.rules.enabled=false'))).toEqual([])
  })

  test('carries rules and dashboards as they are in its files', () => {
    const objects = render(...MONITORING, '--set', 'monitoring.dashboards.enabled=true')
    const rules = objects.filter(({ kind }) => kind === 'PrometheusRule')
    expect(rules.map(({ spec }) => spec)).toEqual(RULES.map((file) => parse(readFileSync(join(CHART, 'rules', file), 'utf8')) as unknown))
    const maps = objects.filter(({ kind }) => kind === 'ConfigMap')
    expect(maps.flatMap(({ data = {} }) => Object.keys(data))).toEqual(DASHBOARDS)
    for (const { data } of maps) for (const [file, text] of Object.entries(data!)) expect(JSON.parse(text)).toEqual(dashboardOf(file))
  })
})
