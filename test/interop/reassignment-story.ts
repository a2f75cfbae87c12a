import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { ClusterClient } from '../../src/client/cluster-client.ts'
import { BrokerConfigAdmin } from '../../src/client/broker-config-admin.ts'
import { PartitionAdmin, type PartitionOutcomes } from '../../src/client/partition-admin.ts'
import type { KafkaError } from '../../src/protocol/errors.ts'
import type { ZooKeeperClient } from '../../src/zookeeper/client.ts'
import { eventually } from '../support/net.ts'
import type { ApacheTools } from '../support/tools.ts'
import { zooKeeperAt } from '../support/zookeeper-client.ts'

export const GOLDEN = join(import.meta.dirname, '..', 'golden', 'administration', 'moves-kafka-2.6.3.json')
/** Of the cluster in which the story is told. Leaders go back when the story says so. */
export const BROKER_IDS: readonly number[] = [1, 2, 3]
export const BROKER_LINES = ['auto.leader.rebalance.enable=false']

export type Cluster = { zookeeper: string; bootstrap: string; directory: string }
type Move = { topic: string; partition: number; replicas: number[] }

const TOPIC = 'kafka.admin.TopicCommand'
const REASSIGN = 'kafka.admin.ReassignPartitionsCommand'
const ELECT = 'kafka.admin.LeaderElectionCommand'
const PRODUCER = 'kafka.tools.ConsoleProducer'
const PREFERRED = 'kafka.admin.PreferredReplicaLeaderElectionCommand'

/** What administration changes in ZooKeeper: the data of every znode below, as JSON where it is. */
const ROOTS = ['/brokers/topics', '/config/topics', '/config/brokers', '/admin']

const treeOf = async (zookeeper: ZooKeeperClient): Promise<Record<string, unknown>> => {
  const tree: Record<string, unknown> = {}
  const walk = async (path: string): Promise<void> => {
    const { data } = await zookeeper.get(path)
    tree[path] = data && data.length > 0 ? (JSON.parse(data.toString('utf8')) as unknown) : null
    for (const child of (await zookeeper.children(path)).children.toSorted()) await walk(`${path}/${child}`)
  }
  for (const root of ROOTS) await walk(root)
  return tree
}

/** What a tool says, without what differs from run to run. */
const words = (output: string): string[] =>
  output
    .split('\n')
    .map((line) => line.replace(/^\[[^\]]*\] /, '').trim())
    .filter((line) => line !== '' && !line.startsWith('at ') && !/WARN|INFO|deprecat/i.test(line))

/**
 * The same commands of Apache's tools against any cluster of the brokers 1, 2 and 3: what they say, and the znodes after each, by the name of the step.
 */
export const tellStory = async (
  tools: ApacheTools,
  { zookeeper: connect, bootstrap, directory }: Cluster,
): Promise<Map<string, unknown>> => {
  const story = new Map<string, unknown>()
  const [host, port] = connect.split(':')
  const zookeeper = await zooKeeperAt(Number(port), { host: host!, connectTimeoutMs: 10_000 })
  const client = new ClusterClient({
    bootstrap: bootstrap.split(',').map((address) => ({ host: address.split(':')[0]!, port: Number(address.split(':')[1]) })),
    clientId: 'story',
    clock: monotonicClock,
    logger: silentLogger,
  })
  const admin = new PartitionAdmin(client)
  const note = async (step: string) => void story.set(`znodes after: ${step}`, await treeOf(zookeeper))
  const run = async (step: string, tool: string, args: string[]): Promise<string> => {
    const { code, output } = await tools.run(tool, args)
    story.set(step, [`exit ${code}`, ...words(output)])
    return output
  }
  const file = (name: string, content: object): string => {
    const path = join(directory, name)
    writeFileSync(path, JSON.stringify({ version: 1, ...content }))
    return path
  }
  const moves = (name: string, partitions: Move[]) => file(name, { partitions })
  const byBroker = ['--bootstrap-server', bootstrap]
  const byZooKeeper = ['--zookeeper', connect]
  /** Every partition is led, every replica in sync, nothing moves. */
  const rest = () =>
    eventually(
      async () => {
        if ((await admin.reassignments()).length > 0 || (await zookeeper.exists('/admin/reassign_partitions'))) return false
        const all = await admin.replicas(await zookeeper.children('/brokers/topics').then(({ children }) => [...children]))
        return all.every(({ leader, replicas, isr }) => leader > 0 && replicas.length === isr.length)
      },
      { timeoutMs: 30_000, what: 'the cluster is at rest' },
    )

  await run('create', TOPIC, [...byBroker, '--create', '--topic', 'a', '--replica-assignment', '1:2,2:3,3:1'])
  await run('create by ZooKeeper', TOPIC, [...byZooKeeper, '--create', '--topic', 'b', '--replica-assignment', '1:2:3'])
  await run('create with a factor', TOPIC, [...byBroker, '--create', '--topic', 'c', '--partitions', '4', '--replication-factor', '3'])
  await run('create with too many replicas', TOPIC, [
    ...byBroker,
    '--create',
    '--topic',
    'd',
    '--partitions',
    '1',
    '--replication-factor',
    '4',
  ])
  await rest()
  const spread = await admin.replicas(['c'])
  story.set(
    'spread',
    spread.map(({ replicas }) => new Set(replicas).size),
  )
  await tools.ok(TOPIC, [...byBroker, '--delete', '--topic', 'c'])
  await eventually(async () => !(await zookeeper.exists('/brokers/topics/c')), { what: 'the topic is gone' })
  await note('create')

  await run('grow', TOPIC, [...byBroker, '--alter', '--topic', 'a', '--partitions', '6'])
  await run('grow as chosen', TOPIC, [...byBroker, '--alter', '--topic', 'b', '--partitions', '2', '--replica-assignment', '1:2:3,3:2:1'])
  await rest()
  await note('grow')

  const plan = file('topics.json', { topics: [{ topic: 'b' }] })
  const generated = await run('generate', REASSIGN, [
    ...byBroker,
    '--generate',
    '--topics-to-move-json-file',
    plan,
    '--broker-list',
    '1,2,3',
  ])
  story.set('generate', generated.includes('Proposed partition reassignment configuration'))

  const first = moves('first.json', [
    { topic: 'a', partition: 0, replicas: [3, 2] },
    { topic: 'a', partition: 1, replicas: [2, 3, 1] },
    { topic: 'b', partition: 0, replicas: [3, 2] },
  ])
  await run('execute with a throttle', REASSIGN, [...byBroker, '--execute', '--reassignment-json-file', first, '--throttle', '1000000'])
  await rest()
  await note('execute with a throttle')
  await run('verify', REASSIGN, [...byBroker, '--verify', '--reassignment-json-file', first])
  await note('verify')

  const second = moves('second.json', [
    { topic: 'a', partition: 0, replicas: [2, 1] },
    { topic: 'a', partition: 2, replicas: [1, 3] },
  ])
  await run('execute by ZooKeeper', REASSIGN, [...byZooKeeper, '--execute', '--reassignment-json-file', second])
  await rest()
  await run('verify by ZooKeeper', REASSIGN, [...byZooKeeper, '--verify', '--reassignment-json-file', second])
  await note('execute by ZooKeeper')

  await run('cancel what is over', REASSIGN, [...byBroker, '--cancel', '--reassignment-json-file', second])
  const wrong = moves('wrong.json', [{ topic: 'a', partition: 0, replicas: [1, 9] }])
  await run('an unknown broker', REASSIGN, [...byBroker, '--execute', '--reassignment-json-file', wrong])
  await note('what is wrong')

  await run('elect', ELECT, [...byBroker, '--election-type', 'preferred', '--topic', 'a', '--partition', '2'])
  await run('elect in vain', ELECT, [...byBroker, '--election-type', 'preferred', '--topic', 'a', '--partition', '2'])
  await run('elect uncleanly in vain', ELECT, [...byBroker, '--election-type', 'unclean', '--topic', 'a', '--partition', '2'])
  await run('elect nowhere', ELECT, [...byBroker, '--election-type', 'preferred', '--topic', 'a', '--partition', '77'])
  await note('elect')
  const order = moves('order.json', [
    { topic: 'a', partition: 0, replicas: [1, 2] },
    { topic: 'a', partition: 1, replicas: [3, 2, 1] },
  ])
  await run('another order', REASSIGN, [...byBroker, '--execute', '--reassignment-json-file', order])
  await rest()
  await note('another order')
  const one = file('preferred.json', { partitions: [{ topic: 'a', partition: 0 }] })
  await run('elect by ZooKeeper', PREFERRED, [...byZooKeeper, '--path-to-json-file', one])
  await eventually(async () => !(await zookeeper.exists('/admin/preferred_replica_election')), { what: 'the election is held' })
  await note('elect by ZooKeeper')
  await run('elect all', ELECT, [...byBroker, '--election-type', 'preferred', '--all-topic-partitions'])
  await note('elect all')

  await run('create one to copy', TOPIC, [...byBroker, '--create', '--topic', 'e', '--replica-assignment', '1'])
  await tools.ok(PRODUCER, ['--bootstrap-server', bootstrap, '--topic', 'e'], `${'x'.repeat(1023)}\n`.repeat(4000))
  const there = moves('there.json', [{ topic: 'e', partition: 0, replicas: [2] }])
  const elsewhere = moves('elsewhere.json', [{ topic: 'e', partition: 0, replicas: [3, 1] }])
  await run('execute slowly', REASSIGN, [...byBroker, '--execute', '--reassignment-json-file', there, '--throttle', '1000'])
  story.set('under way', await admin.reassignments())
  await note('execute slowly')
  await run('verify too early', REASSIGN, [...byBroker, '--verify', '--reassignment-json-file', there])
  await run('execute another', REASSIGN, [...byBroker, '--execute', '--reassignment-json-file', elsewhere])
  await run('replace', REASSIGN, [...byBroker, '--execute', '--additional', '--reassignment-json-file', elsewhere, '--throttle', '1000'])
  story.set('replaced', await admin.reassignments())
  await note('replace')
  await run('grow while it moves', TOPIC, [...byBroker, '--alter', '--topic', 'e', '--partitions', '2'])
  await run('cancel', REASSIGN, [...byBroker, '--cancel', '--reassignment-json-file', elsewhere])
  await rest()
  await note('cancel')

  const answers = async (ask: () => Promise<PartitionOutcomes>): Promise<unknown> => {
    // Kafka's messages tell of Scala's collections.
    const text = ({ error, message }: KafkaError) => `${error}: ${message.replace(/\w+\(([-\d, ]*)\)/g, '$1')}`
    const outcomes = [...(await ask())].map(([partition, refusal]) => [partition, refusal ? text(refusal) : 'done'])
    return Object.fromEntries(outcomes)
  }
  const wish = (partition: number, replicas: number[] | null, topic = 'a') => ({ topic, partition, replicas })
  const before = await treeOf(zookeeper)
  const wrongWishes = [
    wish(0, []),
    wish(1, [1, 1]),
    wish(2, [-1]),
    wish(3, [1, 9]),
    wish(4, null),
    wish(77, [1]),
    wish(78, null),
    wish(0, [1], 'x'),
  ]
  story.set('wrong requests', await answers(() => admin.reassign(wrongWishes)))
  story.set('change nothing', isDeepStrictEqual(await treeOf(zookeeper), before))
  const at = (partition: number, topic = 'a') => ({ topic, partition })
  story.set('elections', await answers(() => admin.electLeaders('PREFERRED', [at(0), at(77), at(0, 'x')])))
  story.set('unclean elections', await answers(() => admin.electLeaders('UNCLEAN', [at(0), at(77)])))
  story.set('all elections', await answers(() => admin.electLeaders('PREFERRED', null)))
  story.set('lists', await admin.reassignments([at(0), at(77), at(0, 'x')]))
  const configs = new BrokerConfigAdmin(client)
  await configs.alterOwn(2, [{ key: 'leader.replication.throttled.rate', value: '5000' }])
  const throttles = () => configs.own(2, ['leader.replication.throttled.rate', 'follower.replication.throttled.rate'])
  await eventually(async () => (await throttles()).size > 0, { what: 'the throttle is known' })
  story.set('throttle', Object.fromEntries(await throttles()))
  await configs.alterOwn(2, [{ key: 'leader.replication.throttled.rate', value: null }])
  await note('requests')
  client.close()
  await zookeeper.close()
  return story
}
