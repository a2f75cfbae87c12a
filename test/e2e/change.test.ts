import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lacks } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { Kubectl, LocalMode } from './substrate.ts'
import { ADMIN, clientOf } from './suite.ts'
import { Traffic } from './traffic.ts'

type Ready = { status?: { conditions?: { type: string; status: string; reason: string; message: string }[] } }
type Pods = { items: { metadata: { name: string; uid: string } }[] }

const TOPICS = `apiVersion: sofakafka.io/v1beta1
kind: Topic
metadata: {name: safe}
spec: {clusterRef: {name: quickstart}, partitions: 6, replicas: 3, config: {min.insync.replicas: 2}}
---
apiVersion: sofakafka.io/v1beta1
kind: Topic
metadata: {name: growing}
spec: {clusterRef: {name: quickstart}, partitions: 4, replicas: 1}
`

describe.skipIf(lacks('kubectl'))('a cluster that is changed while it is used', () => {
  let local: LocalMode
  let kubectl: Kubectl
  let traffic: Traffic

  const kafka = async () => clientOf(await kubectl.login('tester'))
  const pods = async () => (await kubectl.json<Pods>('get', 'pods', '-l', 'app.kubernetes.io/name=kafka')).items
  const readyOf = async (what: string) => (await kubectl.json<Ready>('get', what)).status?.conditions?.find(({ type }) => type === 'Ready')
  const becomesReady = (what: string) =>
    eventually(async () => (await readyOf(what))?.status === 'True', { timeoutMs: 90_000, everyMs: 200, what: `${what} Ready` })
  const patch = (what: string, spec: object) => kubectl.ok(['patch', what, '--type=merge', '-p', JSON.stringify({ spec })])
  const brokers = (replicas: number) => ({ brokers: [{ name: 'kafka', replicas, storage: { size: '10Gi' } }] })
  /** Every replica of every partition, as the brokers tell it. */
  const replicas = async (topic: string): Promise<{ replicas: number[]; isr: number[] }[]> => {
    const admin = (await kafka()).admin()
    await admin.connect()
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] }).finally(() => admin.disconnect())
    return topics[0]!.partitions.map(({ replicas, isr }) => ({ replicas, isr }))
  }

  beforeAll(async () => {
    local = await LocalMode.start()
    kubectl = new Kubectl(local)
    expect((await kubectl.apply(`${ADMIN}---\n${TOPICS}`)).stderr).toBe('')
    for (const what of ['sku/tester', 'ska/tester', 'skt/safe', 'skt/growing']) await becomesReady(what)
    traffic = await Traffic.start(await kafka(), 'safe')
    await traffic.goesOnEverywhere()
  }, 60_000)
  afterAll(async () => {
    await traffic?.stop()
    await traffic?.close()
    await local?.stop()
  })

  test('a setting that needs a restart rolls through the brokers, and no send fails', async () => {
    const before = new Set((await pods()).map(({ metadata }) => metadata.uid))
    await patch('skc/quickstart', { config: { 'num.recovery.threads.per.data.dir': 2 } })
    await eventually(async () => (await pods()).filter(({ metadata }) => !before.has(metadata.uid)).length === 3, {
      timeoutMs: 90_000,
      everyMs: 200,
    })
    await becomesReady('skc/quickstart')
    await traffic.goesOnEverywhere()
  }, 120_000)

  test('a topic gets three replicas where it had one, and two again', async () => {
    for (const count of [3, 2]) {
      await patch('skt/growing', { replicas: count })
      await eventually(async () => (await replicas('growing')).every((partition) => partition.isr.length === count), {
        timeoutMs: 60_000,
        everyMs: 300,
      })
      await becomesReady('skt/growing')
      expect((await replicas('growing')).map((partition) => partition.replicas.length)).toEqual([count, count, count, count])
    }
  }, 120_000)

  test('a fourth broker comes, takes partitions, is drained and goes', async () => {
    await patch('skc/quickstart', brokers(4))
    await becomesReady('skc/quickstart')
    await eventually(async () => (await pods()).length === 4)
    const topic = TOPICS.split('---\n').at(-1)!.replaceAll('growing', 'late').replace('replicas: 1', 'replicas: 2')
    expect((await kubectl.apply(topic)).stderr).toBe('')
    await becomesReady('skt/late')
    expect((await replicas('late')).flatMap((partition) => partition.replicas)).toContain(3)
    await patch('skc/quickstart', brokers(3))
    await eventually(async () => (await pods()).length === 3, { timeoutMs: 60_000, everyMs: 200 })
    await becomesReady('skc/quickstart')
    const all = [...(await replicas('late')), ...(await replicas('safe'))]
    expect(all.flatMap((partition) => partition.replicas)).not.toContain(3)
    await traffic.goesOnEverywhere()
  }, 180_000)

  test('every record that was acknowledged meanwhile was consumed', async () => {
    await traffic.stop()
    await eventually(() => traffic.missing().length === 0, { timeoutMs: 20_000 })
  }, 60_000)
})
