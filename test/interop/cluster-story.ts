import { join } from 'node:path'
import { Admin } from '../../src/client/admin.ts'
import type { ZooKeeperClient } from '../../src/zookeeper/client.ts'
import { eventually } from '../support/net.ts'
import type { ApacheTools } from '../support/tools.ts'
import type { Kind, MixedCluster } from './mixed-cluster.ts'

export const GOLDEN = join(import.meta.dirname, '..', 'golden', 'administration', 'cluster-kafka-2.6.3.json')
export const BROKER_LINES = ['authorizer.class.name=kafka.security.authorizer.AclAuthorizer', 'super.users=User:ANONYMOUS']

const TOPIC = 'kafka.admin.TopicCommand'
const CONFIG = 'kafka.admin.ConfigCommand'
const ACL = 'kafka.admin.AclCommand'

const ROOTS = [
  '/brokers',
  '/config',
  '/admin',
  '/kafka-acl',
  '/kafka-acl-extended',
  '/kafka-acl-changes',
  '/kafka-acl-extended-changes',
  '/controller',
  '/controller_epoch',
  '/cluster',
]

/** What differs from run to run: times, ports, ids and salted passwords. */
const masked = (text: string): string =>
  text
    .replace(/"timestamp":"\d+"/, '"timestamp":"T"')
    .replace(/"port":\d+/, '"port":0')
    .replace(/127\.0\.0\.1:\d+/g, 'HOST')
    .replace(/"id":"[\w-]{22}"/, '"id":"ID"')
    .replace(/(salt|stored_key|server_key)=[^,"]*/g, '$1=...')

type Znode = { acls?: Record<string, string>[] }
const textOf = (entry: Record<string, string>): string =>
  Object.entries(entry)
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join()
const parse = (text: string): Znode => {
  const znode = JSON.parse(text) as Znode
  // The entries of one resource have no order.
  znode.acls?.sort((a, b) => textOf(a).localeCompare(textOf(b)))
  return znode
}

/** Every znode below the roots and what it holds, JSON as such: readers of either go by keys. */
const treeOf = async (zookeeper: ZooKeeperClient): Promise<Record<string, unknown>> => {
  const tree: Record<string, unknown> = {}
  const walk = async (path: string): Promise<void> => {
    const { data } = await zookeeper.get(path)
    const text = data ? masked(data.toString('utf8')) : ''
    tree[path] = text.startsWith('{') ? parse(text) : text
    const isNotified = /^\/(config\/changes|kafka-acl(-extended)?-changes)$/.test(path)
    const { children } = await zookeeper.children(path)
    // Notifications are one per change; their numbers are ZooKeeper's.
    if (isNotified) {
      const sorted = children.toSorted()
      const contents = await Promise.all(sorted.map(async (name) => (await zookeeper.get(`${path}/${name}`)).data!.toString('utf8')))
      tree[path] = contents.map((content) => (content.startsWith('{') ? (JSON.parse(content) as unknown) : content))
    } else for (const child of children.toSorted()) await walk(`${path === '/' ? '' : path}/${child}`)
  }
  for (const root of ROOTS) if (await zookeeper.exists(root)) await walk(root)
  return tree
}

/**
 * The life of a cluster of the brokers 1, 2 and 3, of which 1 is the controller: topics with three replicas, settings, ACLs and users by Apache's tools, a broker that
 * stops in order, one that is killed, a killed controller, a deleted topic. The znodes after each step, by its name.
 */
export const tellStory = async (cluster: MixedCluster, kind: Kind, tools: ApacheTools): Promise<Map<string, unknown>> => {
  const story = new Map<string, unknown>()
  const note = async (step: string) => void story.set(step, await treeOf(cluster.session))
  const byBroker = ['--bootstrap-server', cluster.bootstrap]
  const exists = async (path: string) => (await cluster.session.exists(path)) !== undefined
  const back = async (id: number) => {
    await cluster.seat(id, kind)
    await cluster.untilAllKnown()
    await cluster.untilInSync(3)
  }
  const gone = async (id: number) => {
    await eventually(async () => !(await exists(`/brokers/ids/${id}`)), { what: `${id} is gone`, timeoutMs: 20_000 })
    await cluster.untilInSync(2)
    await eventually(
      async () => {
        const states = await Promise.all([0, 1, 2].map((partition) => cluster.state('a', partition)))
        return states.every(({ leader, isr }) => leader >= 0 && leader !== id && !isr.includes(id))
      },
      { timeoutMs: 20_000, what: `${id} is out of all sets` },
    )
  }

  await tools.ok(TOPIC, [
    ...byBroker,
    '--create',
    '--topic',
    'a',
    '--replica-assignment',
    '1:2:3,2:3:1,3:1:2',
    '--config',
    'retention.ms=600000',
  ])
  await tools.ok(TOPIC, [...byBroker, '--create', '--topic', 'b', '--replica-assignment', '3:2:1'])
  await cluster.untilInSync(3)
  await tools.ok(TOPIC, [...byBroker, '--alter', '--topic', 'b', '--partitions', '2', '--replica-assignment', '3:2:1,1:3:2'])
  await cluster.untilInSync(3)
  await note('topics')

  await tools.ok(CONFIG, [
    ...byBroker,
    '--alter',
    '--entity-type',
    'topics',
    '--entity-name',
    'a',
    '--add-config',
    'segment.bytes=1048576,cleanup.policy=[compact,delete]',
  ])
  await tools.ok(CONFIG, [...byBroker, '--alter', '--entity-type', 'topics', '--entity-name', 'a', '--delete-config', 'retention.ms'])
  await tools.ok(CONFIG, [
    ...byBroker,
    '--alter',
    '--entity-type',
    'brokers',
    '--entity-name',
    '2',
    '--add-config',
    'log.cleaner.threads=2',
  ])
  await tools.ok(CONFIG, [
    ...byBroker,
    '--alter',
    '--entity-type',
    'brokers',
    '--entity-default',
    '--add-config',
    'message.max.bytes=2000000',
  ])
  await note('settings')

  const add = (args: string[]) => tools.ok(ACL, [...byBroker, '--add', '--force', ...args])
  await add(['--allow-principal', 'User:alice', '--producer', '--topic', 'a'])
  await add(['--allow-principal', 'User:bob', '--consumer', '--topic', 'b', '--group', 'g', '--resource-pattern-type', 'prefixed'])
  await add(['--deny-principal', 'User:eve', '--deny-host', '10.0.0.1', '--operation', 'All', '--cluster'])
  await tools.ok(ACL, [...byBroker, '--remove', '--force', '--allow-principal', 'User:alice', '--operation', 'Create', '--topic', 'a'])
  await note('ACLs')

  // Apache's brokers of 2.6 have no request for users: its tool writes them itself.
  const user = 'al ice*@x'
  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
    if (kind === 'ours') await new Admin(cluster.client).setScramPassword(user, mechanism, 'secret')
    else {
      const entity = ['--entity-type', 'users', '--entity-name', user]
      await tools.ok(CONFIG, ['--zookeeper', cluster.zookeeper, '--alter', ...entity, '--add-config', `${mechanism}=[password=secret]`])
    }
  }
  await note('users')

  const states = async (step: string) => {
    const tree = await treeOf(cluster.session)
    story.set(
      step,
      Object.fromEntries(Object.entries(tree).filter(([path]) => /^\/(brokers|controller)/.test(path) && path !== '/controller')),
    )
  }
  await cluster.stop(3)
  await gone(3)
  await states('3 stopped')
  await back(3)
  await states('3 is back')
  await cluster.electPreferred()
  await states('preferred leaders')
  await cluster.kill(2)
  await gone(2)
  await states('2 was killed')
  await back(2)
  await states('2 is back')
  await tools.ok(TOPIC, [...byBroker, '--delete', '--topic', 'b'])
  await eventually(async () => !(await exists('/brokers/topics/b')), { what: 'the topic is gone' })
  await note('deleted')
  await cluster.kill(1)
  await gone(1)
  await eventually(async () => [2, 3].includes(await cluster.controller()), { timeoutMs: 20_000, what: 'another controller' })
  await states('the controller was killed')
  await back(1)
  await cluster.electPreferred()
  await states('the end')
  return story
}
