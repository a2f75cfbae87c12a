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
import { scrapeText, seriesOf } from '../operator/support/scrape.ts'
import { type ApacheServer, removeDirectory, startApacheZooKeeper, temporaryDirectory } from '../support/apache.ts'
import { lacks } from '../support/needs.ts'
import { eventually, freePorts } from '../support/net.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../support/ours.ts'

const CHART = join('charts', 'sofakafka')
const RULES = readdirSync(join(CHART, 'rules'))
const DASHBOARDS = readdirSync(join(CHART, 'dashboards'))
const MONITORING = ['PodMonitor', 'PrometheusRule'].flatMap((kind) => ['-a', `monitoring.coreos.com/v1/${kind}`])

type Panel = { id: number; gridPos: { x: number; y: number; w: number; h: number }; targets?: { expr: string }[] }
type Dashboard = { panels: Panel[]; templating: { list: { query: string | { query: string } }[] } }
type RuleFile = {
  groups: { rules: { alert: string; expr: string; labels: { severity: string }; annotations: Record<string, string> }[] }[]
}

const dashboardOf = (file: string): Dashboard => JSON.parse(readFileSync(join(CHART, 'dashboards', file), 'utf8')) as Dashboard
const rulesOf = (file: string) => (parse(readFileSync(join(CHART, 'rules', file), 'utf8')) as RuleFile).groups.flatMap(({ rules }) => rules)
/** Of a dashboard: of its panels and of its variables. */
const expressionsOf = (file: string): string[] => {
  const { panels, templating } = dashboardOf(file)
  const queries = templating.list.flatMap(({ query }) => (typeof query === 'string' ? [] : [query.query]))
  const variables = queries.map((query) => /^label_values\((.+), \w+\)$/.exec(query)![1]!)
  return [...variables, ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))]
}
/** Of all dashboards and rules whose file is one of ZooKeeper's, or is none. */
const expressions = ({ ofZooKeeper }: { ofZooKeeper: boolean }): string[] => {
  const isMeant = (file: string) => file.includes('zookeeper') === ofZooKeeper
  const rules = RULES.filter(isMeant).flatMap((file) => rulesOf(file).map(({ expr }) => expr))
  return [...DASHBOARDS.filter(isMeant).flatMap(expressionsOf), ...rules]
}
const NO_METRICS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'by', 'without', 'on', 'ignoring', 'group_left', 'group_right'])
/** Names of metrics in an expression: what is no label, function or word of the language. Prometheus itself makes `up`. */
const metricsIn = (expression: string): string[] => {
  const bare = expression.replaceAll(/"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring|group_left|group_right) *\([^)]*\)/g, ' ')
  const names = [...bare.matchAll(/\b[a-z_]\w*\b(?! *\()/g)].map(([name]) => name)
  return names.filter((name) => !NO_METRICS.has(name) && name !== 'up')
}
/** Families and their types. */
const familiesOf = (text: string): Map<string, string> =>
  new Map([...text.matchAll(/^# TYPE (\S+) (\S+)/gm)].map(([, name, type]) => [name!, type!]))
/** Without what a histogram or a summary of the scrape puts behind its name. */
const familyOf = (name: string, families: ReadonlyMap<string, string>): string => {
  const family = name.replace(/_(bucket|sum|count)$/, '')
  return /^(histogram|summary)$/.test(families.get(family) ?? '') ? family : name
}
const namedIn = (expressions: readonly string[], families: ReadonlyMap<string, string>): string[] => [
  ...new Set(expressions.flatMap(metricsIn).map((name) => familyOf(name, families))),
]
/** The rows of the tables in a section of docs/metrics.md that begin with a metric, or with an alert: its name, type or severity, and the rest. */
const rowsOf = (title: string, begins: 'metric' | 'alert'): { name: string; type: string; rest: string }[] => {
  const sections = readFileSync('docs/metrics.md', 'utf8').split(/^## /m)
  const section = sections.find((text) => text.startsWith(`${title}\n`))!
  const row = begins === 'metric' ? /^\| `([a-z]\w+)` \| (\w+)(.*)$/gm : /^\| `([A-Z]\w+)` \| (\w+)(.*)$/gm
  return [...section.matchAll(row)].map(([, name, type, rest]) => ({ name: name!, type: type!, rest: rest! }))
}
const documented = (title: string, begins: 'metric' | 'alert' = 'metric') =>
  Object.fromEntries(rowsOf(title, begins).map(({ name, type }) => [name, type]))

describe('what dashboards, rules and documentation name is in a scrape', () => {
  const place = new OperatorLab()
  let zookeeper: OurZooKeeper
  let brokers: OurBroker[]
  let ofOperator: Map<string, string>
  let ofBrokers: Map<string, string>

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
    ofBrokers = familiesOf(bodies.join('\n'))
  })
  afterAll(async () => {
    await Promise.all((brokers ?? []).map((broker) => broker.stop()))
    await zookeeper?.stop()
    await place.stop()
  })

  test('each name in a dashboard or rule', () => {
    const scraped = new Map([...ofOperator, ...ofBrokers])
    const named = namedIn(expressions({ ofZooKeeper: false }), scraped)
    expect(named.length).toBeGreaterThan(30)
    expect(named.filter((name) => !scraped.has(name))).toEqual([])
  })

  test.each([
    ['The operator', () => ofOperator],
    ['Brokers', () => ofBrokers],
  ])('docs/metrics.md has each metric, and no other: %s', (title, scraped) => {
    // It is there only after a request failed as a whole.
    const always = [...scraped()].filter(([name]) => name !== 'kafka_network_requestmetrics_errors_total')
    expect(documented(title)).toEqual(Object.fromEntries(always))
  })
})

describe.skipIf(lacks('java', 'maven'))(
  'what the dashboard, rules and documentation of ZooKeeper name is in a scrape of Apache ZooKeeper 3.9',
  () => {
    let servers: { zookeeper: ApacheServer; scrape: () => Promise<string> }[]
    let bodies: string[]

    const haveSamples = (name: string) => bodies.map((body) => seriesOf(body).some((series) => series.name === name))

    beforeAll(async () => {
      servers = await startEnsemble(3)
      bodies = await eventually(
        async () => {
          const now = await Promise.all(servers.map(({ scrape }) => scrape()))
          return now.some((body) => /^synced_followers 2/m.test(body)) && now.every((body) => /^quorum_size 3/m.test(body)) && now
        },
        { timeoutMs: 60_000 },
      )
    })
    afterAll(async () => {
      await Promise.all((servers ?? []).map(({ zookeeper }) => zookeeper.kill()))
      for (const { zookeeper } of servers ?? []) removeDirectory(zookeeper.dataDir)
    })

    test('each name, and documentation has these with their types and no other', () => {
      const scraped = familiesOf(bodies.join('\n'))
      const named = namedIn(expressions({ ofZooKeeper: true }), scraped)
      expect(named.length).toBeGreaterThan(15)
      expect(named.filter((name) => !scraped.has(name))).toEqual([])
      expect(documented('ZooKeeper')).toEqual(Object.fromEntries(named.map((name) => [name, scraped.get(name)])))
    })

    test('the leader alone tells of followers; a server without a quorum has what documentation does not call absent then', async () => {
      const leads = haveSamples('leader_uptime')
      expect(leads.filter(Boolean)).toHaveLength(1)
      expect(haveSamples('synced_followers')).toEqual(leads)
      expect(haveSamples('synced_non_voting_followers')).toEqual(leads)
      expect(haveSamples('outstanding_requests')).toEqual([true, true, true])

      const leader = servers[leads.indexOf(true)]!
      await Promise.all(servers.filter((server) => server !== leader).map(({ zookeeper }) => zookeeper.kill()))
      const names = await eventually(async () => {
        const now = familiesOf(await leader.scrape())
        return now.has('looking_count') && !now.has('quorum_size') && now
      })
      const rows = rowsOf('ZooKeeper', 'metric')
      const absent = rows.filter(({ rest }) => rest.includes('absent')).map(({ name }) => name)
      expect(absent).toEqual(expect.arrayContaining(['leader_uptime', 'synced_followers', 'outstanding_requests']))
      expect(rows.map(({ name }) => name).filter((name) => !names.has(name))).toEqual(absent)
    })
  },
)

/** Servers of Apache ZooKeeper 3.9 that are one ensemble, with metrics as the operator configures them. */
const startEnsemble = async (count: number): Promise<{ zookeeper: ApacheServer; scrape: () => Promise<string> }[]> => {
  const ids = Array.from({ length: count }, (_unused, index) => index + 1)
  const first = await freePorts(4 * count)
  const portsOf = (id: number) => [0, 1, 2, 3].map((index) => first + 4 * (id - 1) + index)
  const members = ids.map((id) => `server.${id}=127.0.0.1:${portsOf(id)[0]}:${portsOf(id)[1]}:participant;127.0.0.1:${portsOf(id)[2]}`)
  const start = async (id: number) => {
    const dataDir = temporaryDirectory('zk')
    writeFileSync(join(dataDir, 'myid'), String(id))
    const port = portsOf(id)[2]!
    const httpPort = portsOf(id)[3]!
    const extra = [
      'initLimit=20',
      'syncLimit=20',
      'standaloneEnabled=false',
      'metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider',
      'metricsProvider.httpHost=127.0.0.1',
      `metricsProvider.httpPort=${httpPort}`,
      ...members,
    ]
    const zookeeper = await startApacheZooKeeper('zookeeper-3.9', { dataDir, port, extra })
    return { zookeeper, scrape: async () => (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text() }
  }
  return Promise.all(ids.map(start))
}

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

test('docs/metrics.md has each alert of ZooKeeper with its severity, and no other', () => {
  const alerts = rulesOf('zookeeper.yaml').map(({ alert, labels: { severity } }) => [alert, severity])
  expect(documented('ZooKeeper', 'alert')).toEqual(Object.fromEntries(alerts))
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
    const queries = DASHBOARDS.flatMap(expressionsOf)
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
    expect(kinds(render(...MONITORING))).toEqual([
      'PodMonitor',
      'PodMonitor',
      'PodMonitor',
      'PrometheusRule',
      'PrometheusRule',
      'PrometheusRule',
    ])
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
