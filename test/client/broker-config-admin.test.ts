import { afterAll, beforeAll, expect, test } from 'vitest'
import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { BrokerConfigAdmin } from '../../src/client/broker-config-admin.ts'
import { ClusterClient } from '../../src/client/cluster-client.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../support/ours.ts'

const KEY = 'message.max.bytes'
let zookeeper: OurZooKeeper
let broker: OurBroker
let client: ClusterClient
let configs: BrokerConfigAdmin
const brokerId = 1

beforeAll(async () => {
  zookeeper = await startOurZooKeeper()
  broker = await startOurBroker({ id: brokerId, zookeeper: zookeeper.connect, extra: [`${KEY}=2000000`] })
  const bootstrap = [{ host: '127.0.0.1', port: broker.port }]
  client = new ClusterClient({ bootstrap, clientId: 'test', clock: monotonicClock, logger: silentLogger })
  configs = new BrokerConfigAdmin(client)
}, 30_000)
afterAll(async () => {
  client?.close()
  await broker?.stop()
  await zookeeper?.stop()
})

const placesOf = async (key: string) => Object.fromEntries((await configs.ofBroker(brokerId, [key])).get(key)!)

test('a broker shows each place where a key stands, and what is set for all of them counts until one has its own', async () => {
  expect(await placesOf(KEY)).toEqual({ file: '2000000', default: '1048588' })
  await configs.alterShared([{ key: KEY, value: '3000000' }])
  expect(await configs.shared()).toEqual(new Map([[KEY, '3000000']]))
  expect(await placesOf(KEY)).toEqual({ cluster: '3000000', file: '2000000', default: '1048588' })
  await configs.alterOwn(brokerId, [{ key: KEY, value: '4000000' }])
  expect(await placesOf(KEY)).toMatchObject({ broker: '4000000', cluster: '3000000' })
  await configs.alterOwn(brokerId, [{ key: KEY, value: null }])
  await configs.alterShared([{ key: KEY, value: null }])
  expect(await configs.shared()).toEqual(new Map())
  expect(await placesOf(KEY)).toEqual({ file: '2000000', default: '1048588' })
})

test('a key without a default has none, and values of other names are not taken for its own', async () => {
  expect(await placesOf('log.retention.ms')).toEqual({})
})

test('what the broker refuses rejects with its error', async () => {
  await expect(configs.alterShared([{ key: 'num.partitions', value: '3' }])).rejects.toMatchObject({ error: 'INVALID_REQUEST' })
  await expect(configs.alterShared([{ key: KEY, value: 'many' }])).rejects.toMatchObject({ error: 'INVALID_REQUEST' })
})
