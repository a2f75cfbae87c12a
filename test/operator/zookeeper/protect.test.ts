import { afterAll, beforeAll, expect, test } from 'vitest'
import { monotonicClock, wallClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { startEmbeddedZooKeeper, type StartedZooKeeper } from '../../../src/embedded-zookeeper/server.ts'
import { parseZooConfig } from '../../../src/embedded-zookeeper/zoo-cfg.ts'
import { protectZnodes } from '../../../src/operator/zookeeper/protect.ts'
import type { ZooKeeperClient } from '../../../src/zookeeper/client.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { freePort } from '../../support/net.ts'
import { zooKeeperAt } from '../../support/zookeeper-client.ts'

const [BROKER, OPERATOR] = ['sofakafka-broker', 'sofakafka-operator']
let port: number
let server: StartedZooKeeper
const open: ZooKeeperClient[] = []

const connect = async (username?: string): Promise<ZooKeeperClient> => {
  const client = await zooKeeperAt(port, { connectTimeoutMs: 6000, ...(username ? { saslDigest: { username, password: 'p' } } : {}) })
  open.push(client)
  return client
}

beforeAll(async () => {
  port = await freePort()
  const text = `dataDir=/zk\nclientPort=${port}\nclientPortAddress=127.0.0.1\nsuperUser=${OPERATOR}\n`
  const saslUsers = new Map([BROKER, OPERATOR].map((user) => [user, 'p']))
  server = await startEmbeddedZooKeeper({
    config: parseZooConfig(text, { saslUsers }),
    disk: new MemoryDisk(),
    clocks: { monotonic: monotonicClock, wall: wallClock },
    logger: silentLogger,
  })
})
afterAll(async () => {
  await Promise.all(open.map((client) => client.close()))
  await server?.stop()
})

test('an open cluster is closed once, and brokers and operator go on', async () => {
  const [anybody, broker, operator] = [await connect(), await connect(BROKER), await connect(OPERATOR)]
  for (const path of [
    '/consumers/g',
    '/config/users/u',
    '/config/topics/t',
    '/brokers/topics/t/partitions/0/state',
    '/sofakafka/operator/topics/t',
  ])
    await anybody.makePath(path)
  expect(await protectZnodes(operator)).toBe(15)
  expect(await protectZnodes(operator)).toBe(0)
  const owner = (id: string) => ({ perms: 31, scheme: 'sasl', id })
  const readers = { perms: 1, scheme: 'world', id: 'anyone' }
  expect((await operator.getAcl('/brokers/topics/t/partitions/0/state')).acl).toEqual([owner(BROKER), readers])
  expect((await operator.getAcl('/config/users/u')).acl).toEqual([owner(BROKER)])
  expect((await operator.getAcl('/sofakafka/operator/topics/t')).acl).toEqual([owner(OPERATOR)])
  expect((await operator.getAcl('/consumers/g')).acl).toEqual([{ perms: 31, scheme: 'world', id: 'anyone' }])
  await expect(anybody.set('/config/topics/t', Buffer.from('x'), -1)).rejects.toThrow('NO_AUTH')
  await expect(anybody.get('/config/users/u')).rejects.toThrow('NO_AUTH')
  await expect(broker.get('/sofakafka/operator/topics/t')).rejects.toThrow('NO_AUTH')
  await broker.set('/config/topics/t', Buffer.from('x'), -1)
  await operator.set('/config/users/u', Buffer.from('x'), -1)
})

test('one that was interrupted goes on where it was, since what tells whether it is done is closed last', async () => {
  const [anybody, operator] = [await connect(), await connect(OPERATOR)]
  const everybody = [{ perms: 31, scheme: 'world', id: 'anyone' }]
  await operator.setAcl('/config', everybody, -1)
  await operator.setAcl('/brokers', everybody, -1)
  await anybody.create('/brokers/late', null)
  let left = 2
  const dying = {
    ...bound(operator),
    setAcl: (...args: Parameters<ZooKeeperClient['setAcl']>) =>
      left-- > 0 ? operator.setAcl(...args) : Promise.reject(new Error('killed')),
  }
  await expect(protectZnodes(dying)).rejects.toThrow('killed')
  expect(await protectZnodes(operator)).toBe(1)
  expect((await operator.getAcl('/brokers/late')).acl).not.toEqual(everybody)
})

const bound = (client: ZooKeeperClient) => ({
  getAcl: (path: string) => client.getAcl(path),
  children: (path: string) => client.children(path),
})
