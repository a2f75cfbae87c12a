import { beforeAll, expect, test } from 'vitest'
import { conditionOf } from '../../../src/kube/conditions.ts'
import * as resources from '../../../src/kube/resources.ts'
import { keyOf } from '../../../src/kube/types.ts'
import { eventually } from '../../support/net.ts'
import { makeNamespace } from '../support/lab.ts'
import { cluster } from '../support/objects.ts'
import type { OperatorLab } from '../support/operator-lab.ts'

const CLASSES = { grows: `grows-${process.pid}`, rigid: `rigid-${process.pid}` }

/** Needs a control plane that binds claims and guards their growth. The test plays what provisions volumes: it makes them, and says when they have grown. */
export const volumesOnRealServer = (place: OperatorLab): void => {
  const { put, read, readyOf, becomes } = place
  beforeAll(async () => {
    for (const [what, name] of Object.entries(CLASSES)) {
      const metadata = { name }
      const storageClass = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata, provisioner: 'test.sofakafka.io/none' }
      await place.kube.create(resources.storageClasses, { ...storageClass, allowVolumeExpansion: what === 'grows' } as never)
    }
  })

  const spec = (size: string, more: Record<string, unknown> = {}, storageClassName = CLASSES.grows) => ({
    zookeeper: { storage: { size, storageClassName } },
    brokers: [{ name: 'kafka', replicas: 2, storage: { size, storageClassName } }],
    ...more,
  })
  const claimsOf = async (namespace: string) => (await place.kube.list(resources.persistentVolumeClaims, { namespace })).items
  const sizes = async (namespace: string) =>
    Object.fromEntries(
      (await claimsOf(namespace)).map(({ metadata, spec: { resources: of } }) => [metadata.name, of?.requests?.['storage']]),
    )
  const podUids = async (namespace: string) =>
    Object.fromEntries((await place.kube.list(resources.pods, { namespace })).items.map(({ metadata }) => [metadata.name, metadata.uid]))
  const setOf = (namespace: string, name = 'ant-kafka') => place.kube.get(resources.statefulSets, { namespace, name })

  /** Volumes that wait for their claims. */
  const provision = async (namespace: string, storage: string, storageClassName: string): Promise<void> => {
    for (const name of ['data-ant-zookeeper-0', 'data-ant-kafka-0', 'data-ant-kafka-1']) {
      const volume = {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: `${namespace}-${name}` },
        spec: {
          capacity: { storage },
          accessModes: ['ReadWriteOnce'],
          storageClassName,
          claimRef: { namespace, name },
          hostPath: { path: '/nowhere' },
        },
      }
      await place.kube.create(resources.persistentVolumes, volume)
    }
  }
  const claimHas = (namespace: string, name: string, status: Record<string, unknown>) =>
    place.kube.patch(resources.persistentVolumeClaims, { namespace, name }, 'merge', { status }, { subresource: 'status' })
  const grown = async (namespace: string, storage: string): Promise<void> => {
    for (const claim of await claimsOf(namespace))
      await claimHas(namespace, claim.metadata.name, { capacity: { storage }, conditions: null })
  }
  const served = async (size: string, storageClassName = CLASSES.grows) => {
    const namespace = await makeNamespace(place.kube)
    const object = cluster('ant', namespace, spec(size, {}, storageClassName))
    await provision(namespace, size, storageClassName)
    await put(object)
    await place.playNodes(namespace, 3)
    const isBound = async () => (await claimsOf(namespace)).every(({ status }) => status?.phase === 'Bound')
    await eventually(isBound, { timeoutMs: 20_000, what: 'claims bound' })
    await becomes(object, 'Ready')
    return { namespace, object }
  }

  test('grow under the same pods: claims first, then StatefulSets that are made again', async () => {
    const { namespace, object } = await served('1Gi')
    const [pods, before] = [await podUids(namespace), await setOf(namespace)]
    await put(cluster('ant', namespace, spec('2Gi')))
    await eventually(async () => {
      const set = await setOf(namespace)
      return set?.metadata.uid !== before?.metadata.uid && set?.status?.replicas === 2
    })
    expect(await sizes(namespace)).toEqual({ 'data-ant-kafka-0': '2Gi', 'data-ant-kafka-1': '2Gi', 'data-ant-zookeeper-0': '2Gi' })
    await becomes(object, 'VolumesGrowing')
    expect((await readyOf(object))?.message).toContain('data-ant-kafka-0 has 1Gi')
    await grown(namespace, '2Gi')
    await becomes(object, 'Ready')
    expect(await podUids(namespace)).toEqual(pods)
    const set = await setOf(namespace)
    expect(set?.spec.volumeClaimTemplates).toMatchObject([{ spec: { resources: { requests: { storage: '2Gi' } } } }])
    const sets = [set?.metadata.uid, (await setOf(namespace, 'ant-zookeeper'))?.metadata.uid]
    await eventually(async () => {
      const { items } = await place.kube.list(resources.pods, { namespace })
      return items.every(({ metadata }) => sets.includes(metadata.ownerReferences?.[0]?.uid))
    })
    const notes = (await place.kube.list(resources.events, { namespace })).items.map(({ note }) => note ?? '')
    expect(notes.filter((note) => note.includes('is made again for volumes of 2Gi'))).toHaveLength(2)
  }, 60_000)

  test('an operator that was killed between the steps goes on: the StatefulSet is away, and comes again for the same pods', async () => {
    const { namespace, object } = await served('1Gi')
    const pods = await podUids(namespace)
    await place.operator.stop()
    await put(cluster('ant', namespace, spec('2Gi')))
    await place.kube.patch(resources.persistentVolumeClaims, { namespace, name: 'data-ant-kafka-1' }, 'merge', {
      spec: { resources: { requests: { storage: '2Gi' } } },
    })
    await place.kube.delete(resources.statefulSets, { namespace, name: 'ant-kafka' }, { propagation: 'Orphan' })
    await eventually(async () => (await setOf(namespace)) === undefined)
    place.operator = await place.startOperator()
    await becomes(object, 'VolumesGrowing')
    await grown(namespace, '2Gi')
    await becomes(object, 'Ready')
    expect(new Set(Object.values(await sizes(namespace)))).toEqual(new Set(['2Gi']))
    expect(await podUids(namespace)).toEqual(pods)
  }, 60_000)

  test('a volume that somebody made larger is served, with a condition that says what to write; one that waits for its pod gets it anew', async () => {
    const { namespace, object } = await served('1Gi')
    const name = 'data-ant-kafka-1'
    await place.kube.patch(resources.persistentVolumeClaims, { namespace, name }, 'merge', {
      spec: { resources: { requests: { storage: '3Gi' } } },
    })
    await place.restartOperator()
    const degraded = await eventually(async () => conditionOf((await read(object)).status?.conditions, 'Degraded'))
    expect(degraded).toMatchObject({ status: 'True', reason: 'VolumeLargerThanSpec' })
    expect(degraded.message).toContain(`${name} asks for 3Gi, more than the 1Gi of the spec: say storage.size 3Gi`)
    expect((await readyOf(object))?.status).toBe('True')

    const before = await podUids(namespace)
    const waits = (lastTransitionTime: string) => ({
      conditions: [{ type: 'FileSystemResizePending', status: 'True', lastTransitionTime }],
    })
    await claimHas(namespace, name, waits('2020-01-01T00:00:00Z'))
    await claimHas(namespace, 'data-ant-kafka-0', waits(new Date().toISOString()))
    await put(cluster('ant', namespace, spec('2Gi')))
    await eventually(async () => (await podUids(namespace))['ant-kafka-1'] !== before['ant-kafka-1'], { timeoutMs: 10_000 })
    const after = await podUids(namespace)
    expect(after['ant-kafka-0']).toBe(before['ant-kafka-0'])
  }, 60_000)

  test('a class that cannot grow is named, and everything else goes on', async () => {
    const { namespace, object } = await served('1Gi', CLASSES.rigid)
    await put(cluster('ant', namespace, spec('2Gi', { image: 'sofakafka:new' }, CLASSES.rigid)))
    await becomes(object, 'VolumeCannotGrow')
    expect((await readyOf(object))?.message).toContain(`allow it (allowVolumeExpansion of its StorageClass ${CLASSES.rigid})`)
    expect(conditionOf((await read(object)).status?.conditions, 'Stalled')?.status).toBe('True')
    const isNew = async () => {
      const pods = (await place.kube.list(resources.pods, { namespace })).items
      return pods.some((pod) => pod.spec.containers[0]?.image === 'sofakafka:new')
    }
    await eventually(isNew, { what: 'a pod of the new image' })
    expect((await setOf(namespace))?.spec.volumeClaimTemplates).toMatchObject([{ spec: { resources: { requests: { storage: '1Gi' } } } }])
    await place.kube.delete(resources.statefulSets, keyOf((await setOf(namespace))!))
  }, 60_000)
}
