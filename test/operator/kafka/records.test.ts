import { expect, test } from 'vitest'
import type { OwnerRecord } from '../../../src/operator/kafka/contact.ts'
import { zooKeeperRecords } from '../../../src/operator/kafka/records.ts'
import { MemoryZooKeeper } from '../../support/memory-zookeeper.ts'

const record = (name: string, more: Partial<OwnerRecord> = {}): OwnerRecord => ({
  owner: { namespace: 'ns', name, uid: name },
  deletionPolicy: 'Delete',
  ...more,
})

test('each operator has its own records and leaves those of others', async () => {
  const zookeeper = new MemoryZooKeeper().client()
  const [here, there] = [zooKeeperRecords(zookeeper, 'here'), zooKeeperRecords(zookeeper, 'there')]
  await here.put('acls', 'User:*', record('a', { bindings: ['x'] }))
  await there.put('acls', 'User:*', record('b', { bindings: ['y'] }))
  expect(await here.get('acls', 'User:*')).toEqual(record('a', { bindings: ['x'] }))
  expect(await here.others('acls', 'User:*')).toEqual([record('b', { bindings: ['y'] })])
  await here.delete('acls', 'User:*')
  expect(await here.get('acls', 'User:*')).toBeUndefined()
  expect(await there.get('acls', 'User:*')).toEqual(record('b', { bindings: ['y'] }))
  await there.delete('acls', 'User:*')
  expect(await here.list('acls')).toEqual([])
})

test('a record is written only when it says something else, and never over a change of somebody else that was not seen', async () => {
  const memory = new MemoryZooKeeper()
  let writes = 0
  const records = zooKeeperRecords(memory.client({ beforeWrite: () => void writes++ }), 'here')
  await records.put('topics', 'T1', record('a'))
  writes = 0
  await records.put('topics', 'T1', record('a'))
  expect(writes).toBe(0)
  const overtaken: Pick<ReturnType<typeof memory.client>, 'set'> = {
    set: async (path, data, version) => {
      await zooKeeperRecords(memory.client(), 'there').put('topics', 'T1', record('b'))
      return memory.client().set(path, data, version)
    },
  }
  const late = zooKeeperRecords(Object.assign(memory.client(), overtaken), 'here')
  await expect(late.put('topics', 'T1', record('a', { deletionPolicy: 'Retain' }))).rejects.toMatchObject({ error: 'BAD_VERSION' })
  await records.put('topics', 'T1', record('a', { deletionPolicy: 'Retain' }))
  expect(await records.others('topics', 'T1')).toEqual([record('b')])
})

test('a record of the time when there was one operator counts as its own, and one of a newer operator is not touched', async () => {
  const zookeeper = new MemoryZooKeeper().client()
  await zookeeper.makePath('/sofakafka/operator/users')
  await zookeeper.create('/sofakafka/operator/users/app', Buffer.from(JSON.stringify({ version: 1, ...record('app') })))
  await zookeeper.create('/sofakafka/operator/users/new', Buffer.from(JSON.stringify({ version: 2 })))
  const records = zooKeeperRecords(zookeeper, 'here')
  expect(await records.get('users', 'app')).toEqual(record('app'))
  await expect(records.put('users', 'new', record('new'))).rejects.toThrow('written by a newer operator (version 2)')
})
