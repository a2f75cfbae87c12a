import { expect, test } from 'vitest'
import { producerIdBlockZnode } from '../../../src/broker/metadata/znodes/producer-id-block.ts'
import { ZooKeeperProducerIds } from '../../../src/broker/cluster/producer-ids.ts'
import { ZooKeeperError } from '../../../src/zookeeper/errors.ts'
import { MemoryZooKeeper } from '../../support/memory-zookeeper.ts'

const PATH = '/latest_producer_id_block'
const treeWith = (data: string | null): MemoryZooKeeper => {
  const tree = new MemoryZooKeeper()
  tree.put(PATH, data === null ? null : Buffer.from(data))
  return tree
}
const many = (ids: ZooKeeperProducerIds, count: number): Promise<number[]> => Promise.all(Array.from({ length: count }, () => ids.next()))

test('the znode has the bytes that Apache Kafka 2.6.3 writes', () => {
  const text = '{"version":1,"broker":1,"block_start":"1000","block_end":"1999"}'
  expect(producerIdBlockZnode.encode({ brokerId: 1, first: 1000, last: 1999 }).toString()).toBe(text)
  expect(producerIdBlockZnode.decode(Buffer.from(text))).toEqual({ brokerId: 1, first: 1000, last: 1999 })
})

test('the first block begins at 0, the next one after the last block of any broker', async () => {
  const tree = treeWith(null)
  const one = new ZooKeeperProducerIds({ client: tree.client() }, 1)
  expect(await many(one, 3)).toEqual([0, 1, 2])
  tree.put(PATH, Buffer.from('{"version":1,"broker":7,"block_start":"5000","block_end":"5999"}'))
  expect((await many(one, 998)).slice(-2)).toEqual([999, 6000])
  expect(tree.json(PATH)).toEqual({ version: 1, broker: 1, block_start: '6000', block_end: '6999' })
})

test('brokers that take blocks at the same time never give the same id', async () => {
  const tree = treeWith('')
  const brokers = [1, 2, 3].map((id) => new ZooKeeperProducerIds({ client: tree.client() }, id))
  const ids = (await Promise.all(brokers.map((broker) => many(broker, 1500)))).flat()
  expect(new Set(ids).size).toBe(4500)
  expect(Math.max(...ids)).toBeLessThan(6000)
})

test('a lost connection costs a block and not uniqueness, and the client is told to try again', async () => {
  const tree = treeWith(null)
  let fails = true
  const client = tree.client({
    afterWrite: () => {
      if (fails) throw new ZooKeeperError('CONNECTION_LOSS', { path: PATH })
    },
  })
  const ids = new ZooKeeperProducerIds({ client }, 1)
  await expect(ids.next()).rejects.toMatchObject({ error: 'COORDINATOR_LOAD_IN_PROGRESS' })
  fails = false
  expect(await ids.next()).toBe(1000)
})

test('a znode that is no block of ids is named in the error', async () => {
  const ids = new ZooKeeperProducerIds({ client: treeWith('{"version":1,"broker":1,"block_start":"x","block_end":"y"}').client() }, 1)
  await expect(ids.next()).rejects.toThrow('/latest_producer_id_block: block_start must be an integer')
})
