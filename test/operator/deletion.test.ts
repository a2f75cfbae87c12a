import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clusters } from '../../src/api/index.ts'
import * as resources from '../../src/kube/resources.ts'
import { keyOf } from '../../src/kube/types.ts'
import { eventually } from '../support/net.ts'
import { startControlledLab } from './support/embedded-lab.ts'
import { acl, cluster, topic, user } from './support/objects.ts'
import { OperatorLab, resourceOf, type Kind } from './support/operator-lab.ts'

describe('with the controllers of the local mode', () => {
  const place = new OperatorLab()
  beforeAll(() => place.start(startControlledLab))
  afterAll(() => place.stop())

  const claims = async (namespace: string) =>
    (await place.kube.list(resources.persistentVolumeClaims, { namespace })).items.map(({ metadata }) => metadata.name).sort()
  const pods = async (namespace: string) => (await place.kube.list(resources.pods, { namespace })).items
  /** There are no kubelets: what they would end is ended here. */
  const endPods = async (namespace: string): Promise<void> => {
    for (const pod of await pods(namespace)) await place.kube.delete(resources.pods, keyOf(pod), { gracePeriodSeconds: 0 })
  }
  const isLeft = (namespace: string, count: number) =>
    eventually(
      async () => {
        await endPods(namespace)
        return (
          (await place.kube.list(resources.statefulSets, { namespace })).items.length === 0 && (await claims(namespace)).length === count
        )
      },
      { timeoutMs: 20_000, everyMs: 200, what: `${count} claims left` },
    )
  const secretNames = async (namespace: string) =>
    (await place.kube.list(resources.secrets, { namespace })).items.map(({ metadata }) => metadata.name)

  test('a Cluster that is deleted leaves volumes and passwords, or takes them with it where it says Delete', async () => {
    const kept = await place.readyCluster('ant', { deletionPolicy: 'Retain' })
    const gone = await place.readyCluster('ant', { deletionPolicy: 'Delete' })
    expect(await secretNames(gone.namespace)).toContain('ant-credentials')
    for (const { object } of [kept, gone]) await place.kube.delete(clusters, keyOf(object))
    await isLeft(kept.namespace, 4)
    await isLeft(gone.namespace, 0)
    expect(await secretNames(kept.namespace)).toContain('ant-credentials')
    await eventually(async () => !(await secretNames(gone.namespace)).includes('ant-credentials'))
  }, 60_000)

  test('a namespace goes with everything in it, whether brokers answer or not', async () => {
    const { namespace, object, kafka } = await place.readyCluster()
    const others: Kind[] = [
      topic('t', namespace, { deletionPolicy: 'Delete' }),
      user('u', namespace, { deletionPolicy: 'Delete' }),
      acl('a', namespace, { deletionPolicy: 'Delete' }),
    ]
    for (const one of others) await place.put(one)
    for (const one of others) await place.becomes(one, 'Ready')
    kafka.isReachable = false
    await place.kube.delete(resources.namespaces, { namespace: '', name: namespace })
    await eventually(
      async () => {
        await endPods(namespace)
        return (await place.kube.get(resources.namespaces, { namespace: '', name: namespace })) === undefined
      },
      { timeoutMs: 30_000, everyMs: 200, what: 'the namespace gone' },
    )
    for (const one of [object, ...others]) expect(await place.kube.get(resourceOf(one), keyOf(one))).toBeUndefined()
  }, 60_000)

  test('a paused Cluster is left as it is, and goes on from there when it is paused no more', async () => {
    const { namespace, object } = await place.readyCluster()
    const paused = cluster('ant', namespace, { image: 'sofakafka:new' })
    paused.metadata.annotations = { 'sofakafka.io/paused': 'true' }
    await place.put(paused)
    const other = await place.readyCluster('other')
    await place.kube.delete(resources.configMaps, { namespace, name: 'ant-kafka' })
    await place.put(cluster('other', other.namespace, { image: 'sofakafka:new' }))
    await place.becomes(other.object, 'RollingUpdate')
    expect((await place.kube.get(resources.statefulSets, { namespace, name: 'ant-kafka' }))?.spec.template.spec.containers[0]?.image).toBe(
      'sofakafka:test',
    )
    expect(await place.kube.get(resources.configMaps, { namespace, name: 'ant-kafka' })).toBeUndefined()
    await place.kube.patch(clusters, keyOf(object), 'merge', { metadata: { annotations: { 'sofakafka.io/paused': null } } })
    await place.becomes(object, 'RollingUpdate')
    expect(await place.kube.get(resources.configMaps, { namespace, name: 'ant-kafka' })).toBeDefined()
  }, 30_000)

  test('volumes grow under the same pods, which belong to the StatefulSet that comes again', async () => {
    const { namespace, object } = await place.readyCluster('ant', { deletionPolicy: 'Delete' })
    await eventually(async () =>
      (await place.kube.list(resources.persistentVolumeClaims, { namespace })).items.every(({ status }) => status?.phase === 'Bound'),
    )
    const uids = async () => (await pods(namespace)).map(({ metadata }) => metadata.uid)
    const before = await uids()
    const grown = { size: '2Gi' }
    const spec = { deletionPolicy: 'Delete', zookeeper: { storage: grown }, brokers: [{ name: 'kafka', replicas: 3, storage: grown }] }
    await place.put(cluster('ant', namespace, spec))
    const set = await eventually(async () => {
      const now = await place.kube.get(resources.statefulSets, { namespace, name: 'ant-kafka' })
      const template = now?.spec.volumeClaimTemplates?.[0] as resources.PersistentVolumeClaim | undefined
      return template?.spec.resources?.requests?.['storage'] === '2Gi' ? now : undefined
    })
    const ownersOf = async () => {
      const all = [...(await pods(namespace)), ...(await place.kube.list(resources.persistentVolumeClaims, { namespace })).items]
      return new Set(
        all.filter(({ metadata }) => metadata.name.includes('ant-kafka')).map(({ metadata }) => metadata.ownerReferences?.[0]?.uid),
      )
    }
    await eventually(async () => JSON.stringify([...(await ownersOf())]) === JSON.stringify([set.metadata.uid]))
    await place.becomes(object, 'Ready')
    expect(await uids()).toEqual(before)
  }, 30_000)
})
