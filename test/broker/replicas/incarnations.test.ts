import { expect, test } from 'vitest'
import type { Incarnation } from '../../../src/broker/replicas/incarnations.ts'
import { batchOf } from '../../log/support.ts'
import { ReplicaLab } from './support/replica-lab.ts'

const FILE = '/logs/t-0/topic-incarnation.sofakafka'

/** A broker with three records of the topic of `first`, which starts again when the topic is that of `then`. */
const restarted = async (first: Incarnation | undefined, then: Incarnation | undefined): Promise<ReplicaLab> => {
  const lab = await ReplicaLab.open()
  await lab.logs.close()
  lab.incarnation = first
  await lab.start()
  const partition = await lab.lead({ isr: [1], replicas: [1] })
  await partition.append(batchOf(3), { origin: 'client', requiredAcks: 1 })
  await lab.logs.close()
  lab.incarnation = then
  await lab.start()
  return lab
}
const endAfter = async (lab: ReplicaLab, isNew: boolean): Promise<number> => {
  const replica = await lab.table.follow('t', 0, lab.leadership({ leader: 2, leaderEpoch: 0 }), isNew)
  return replica.log.logEndOffset
}

test('the log of a topic that was deleted and made again while this broker was away goes', async () => {
  const lab = await restarted({ cluster: 1n, topic: 20n }, { cluster: 1n, topic: 30n })
  expect(await endAfter(lab, false)).toBe(0)
  expect(lab.machine.disk.list('/logs').filter(({ name }) => name.endsWith('-delete')).length).toBe(1)
  expect(lab.machine.disk.readFile(FILE).toString()).toBe('version=1\ncluster.czxid=1\ntopic.czxid=30\n')
})

test('the log of the same topic stays, said to be new or not', async () => {
  expect(await endAfter(await restarted({ cluster: 1n, topic: 20n }, { cluster: 1n, topic: 20n }), false)).toBe(3)
  expect(await endAfter(await restarted({ cluster: 1n, topic: 20n }, { cluster: 1n, topic: 20n }), true)).toBe(3)
})

test('znodes that were copied into another ZooKeeper delete nothing', async () => {
  const lab = await restarted({ cluster: 1n, topic: 20n }, { cluster: 5n, topic: 6n })
  expect(await endAfter(lab, false)).toBe(3)
  expect(lab.machine.disk.readFile(FILE).toString()).toBe('version=1\ncluster.czxid=5\ntopic.czxid=6\n')
})

test('a log without the file is taken over, unless the partition is new', async () => {
  const lab = await restarted(undefined, { cluster: 1n, topic: 20n })
  expect(await endAfter(lab, false)).toBe(3)
  expect(lab.machine.disk.stat(FILE)).toBeDefined()
  expect(await endAfter(await restarted(undefined, { cluster: 1n, topic: 20n }), true)).toBe(0)
})

test('a file that is not readable is written anew', async () => {
  const lab = await restarted({ cluster: 1n, topic: 20n }, { cluster: 1n, topic: 30n })
  await lab.machine.disk.replaceFile(FILE, Buffer.from('version=1\ncluster.czxid=what\n'))
  expect(await endAfter(lab, false)).toBe(3)
  expect(lab.machine.disk.readFile(FILE).toString()).toContain('topic.czxid=30')
})
