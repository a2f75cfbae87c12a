import { describe, expect, test } from 'vitest'
import { deploymentStatus, planRollout } from '../../../src/local/controllers/deployment.ts'
import { canonical } from '../../../src/kube/difference.ts'
import { shortHash } from '../../../src/local/controllers/hash.ts'
import { podOf } from '../../../src/local/controllers/statefulset.ts'
import { planStatefulSet, statefulSetStatus } from '../../../src/local/controllers/statefulset-plan.ts'
import type { Deployment, Pod, ReplicaSet, StatefulSet } from '../../../src/local/objects.ts'
import { statefulSet } from '../support/objects.ts'

type Look = { ready?: boolean; revision?: string; terminating?: boolean; phase?: 'Succeeded' | 'Failed' }
const pod = (ordinal: number, { ready = true, revision = 'new', terminating = false, phase }: Look = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: `web-${ordinal}`,
    labels: { 'controller-revision-hash': revision },
    ...(terminating ? { deletionTimestamp: 'now' } : {}),
  },
  spec: { containers: [] },
  status: { phase: phase ?? 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
})
const plan = (set: Partial<StatefulSet['spec']>, pods: Pod[], status: StatefulSet['status'] = {}) => {
  const { create, delete: gone } = planStatefulSet({ ...statefulSet(set), status }, pods, { current: 'old', update: 'new' })
  return { create: create.map(({ ordinal, revision }) => `${ordinal} ${revision}`), delete: gone.map(({ metadata }) => metadata.name) }
}
const nothing = { create: [], delete: [] }

describe('a StatefulSet with Parallel', () => {
  const parallel = { podManagementPolicy: 'Parallel', replicas: 3 } as const
  test('makes all pods at once, from its first ordinal on', () => {
    expect(plan({ ...parallel, ordinals: { start: 100 } }, [])).toEqual({ create: ['100 new', '101 new', '102 new'], delete: [] })
  })
  test('removes all beyond its replicas at once, the highest first', () => {
    expect(plan({ ...parallel, replicas: 1 }, [pod(0), pod(1), pod(2, { ready: false })]).delete).toEqual(['web-2', 'web-1'])
  })
  test('replaces a pod that is over, when it is gone', () => {
    expect(plan({ ...parallel, replicas: 1 }, [pod(0, { phase: 'Failed' })])).toEqual({ create: [], delete: ['web-0'] })
    expect(plan({ ...parallel, replicas: 1 }, [pod(0, { phase: 'Failed', terminating: true })])).toEqual(nothing)
  })
  test('leaves pods of other names alone', () => {
    const stranger = { ...pod(0), metadata: { name: 'web-00' } }
    expect(plan({ ...parallel, replicas: 0 }, [stranger, { ...pod(0), metadata: { name: 'web-x' } }])).toEqual(nothing)
  })
})

describe('a StatefulSet with OrderedReady', () => {
  const ordered = { podManagementPolicy: 'OrderedReady', replicas: 3 } as const
  test('makes a pod when the one before it is ready', () => {
    expect(plan(ordered, []).create).toEqual(['0 new'])
    expect(plan(ordered, [pod(0, { ready: false })])).toEqual(nothing)
    expect(plan(ordered, [pod(0)]).create).toEqual(['1 new'])
  })
  test('removes one at a time, and none while another is not well', () => {
    expect(plan({ ...ordered, replicas: 1 }, [pod(0), pod(1), pod(2)]).delete).toEqual(['web-2'])
    expect(plan({ ...ordered, replicas: 1 }, [pod(0), pod(1), pod(2, { terminating: true })])).toEqual(nothing)
    expect(plan({ ...ordered, replicas: 1 }, [pod(0, { ready: false }), pod(1)])).toEqual(nothing)
  })
})

describe('a new template', () => {
  const old = [0, 1, 2].map((ordinal) => pod(ordinal, { revision: 'old' }))
  const three = { replicas: 3 } as const
  test('RollingUpdate replaces the highest first, and the next when it is ready', () => {
    expect(plan(three, old).delete).toEqual(['web-2'])
    expect(plan(three, [old[0]!, old[1]!, pod(2, { ready: false })])).toEqual(nothing)
    expect(plan(three, [old[0]!, old[1]!, pod(2)]).delete).toEqual(['web-1'])
  })
  test('ordinals below the partition keep the old one, also when their pod comes back', () => {
    const partition = { ...three, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } } as const
    expect(plan(partition, [old[0]!, old[1]!, pod(2)])).toEqual(nothing)
    expect(plan(partition, [old[0]!, pod(2)]).create).toEqual(['1 old'])
  })
  test('a pod that comes back during a rolling update keeps its template until its turn', () => {
    expect(plan(three, [old[0]!, pod(2)], { currentReplicas: 2 }).create).toEqual(['1 old'])
  })
  test('OnDelete replaces nothing, and a pod that was deleted comes back new', () => {
    const onDelete = { ...three, updateStrategy: { type: 'OnDelete' } } as const
    expect(plan(onDelete, old)).toEqual(nothing)
    expect(plan(onDelete, [old[0]!, old[2]!], { currentReplicas: 3 }).create).toEqual(['1 new'])
  })
  test('the current revision moves when a rolling update is complete, with OnDelete not', () => {
    const all = [pod(0), pod(1)]
    const status = (spec: Partial<StatefulSet['spec']>) => statefulSetStatus(statefulSet(spec), all, { current: 'old', update: 'new' })
    expect(status({})).toMatchObject({
      currentRevision: 'new',
      updateRevision: 'new',
      currentReplicas: 2,
      updatedReplicas: 2,
      readyReplicas: 2,
    })
    expect(status({ updateStrategy: { type: 'OnDelete' } })).toMatchObject({
      currentRevision: 'old',
      currentReplicas: 0,
      updatedReplicas: 2,
    })
  })
})

test('a pod has its name, index, revision, claims and place in DNS', () => {
  const set = statefulSet(
    { volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }] },
    {},
    {
      volumes: [
        { name: 'data', emptyDir: {} },
        { name: 'x', emptyDir: {} },
      ],
    },
  )
  const made = podOf(set, set.spec.template, 7, 'web-abc')
  expect(made.metadata.labels).toEqual({
    app: 'web',
    'statefulset.kubernetes.io/pod-name': 'web-7',
    'apps.kubernetes.io/pod-index': '7',
    'controller-revision-hash': 'web-abc',
  })
  expect(made.spec).toMatchObject({ hostname: 'web-7', subdomain: 'web' })
  expect(made.spec.volumes).toEqual([
    { name: 'x', emptyDir: {} },
    { name: 'data', persistentVolumeClaim: { claimName: 'data-web-7' } },
  ])
})

describe('a Deployment', () => {
  const deployment = (spec: Partial<Deployment['spec']> = {}): Deployment => {
    const { selector, template } = statefulSet().spec
    return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { replicas: 4, selector, template, ...spec } }
  }
  const set = (name: string, size: number, available: number): ReplicaSet => ({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name },
    spec: { ...deployment().spec, replicas: size },
    status: { replicas: size, readyReplicas: available, availableReplicas: available },
  })
  const sizes = (spec: Partial<Deployment['spec']>, current: ReplicaSet, old: ReplicaSet[]) =>
    Object.fromEntries(planRollout(deployment(spec), current, old))

  test('grows by its surge and shrinks by what may be missing', () => {
    expect(sizes({}, set('new', 0, 0), [set('old', 4, 4)])).toEqual({ new: 1, old: 3 })
    expect(sizes({}, set('new', 1, 0), [set('old', 3, 3)])).toEqual({ new: 2, old: 3 })
    expect(sizes({}, set('new', 2, 2), [set('old', 3, 3)])).toEqual({ new: 2, old: 1 })
    expect(sizes({}, set('new', 4, 4), [])).toEqual({ new: 4 })
  })
  test('old pods that are not available go first', () => {
    expect(sizes({ strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }, set('new', 1, 0), [set('old', 4, 3)])).toEqual({
      new: 1,
      old: 3,
    })
  })
  test('one with neither surge nor unavailability would never move: it surges by one', () => {
    expect(sizes({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }, set('new', 0, 0), [set('old', 4, 4)])).toEqual({
      new: 1,
      old: 4,
    })
  })
  test('Recreate waits until the old pods are gone', () => {
    const recreate = { strategy: { type: 'Recreate' } } as const
    expect(sizes(recreate, set('new', 0, 0), [set('old', 4, 4)])).toEqual({ new: 0, old: 0 })
    expect(sizes(recreate, set('new', 0, 0), [{ ...set('old', 0, 0) }])).toEqual({ new: 4, old: 0 })
  })
  test('its status says when it is complete, and keeps the time of a condition that stays', () => {
    const done = deploymentStatus(deployment(), set('new', 4, 4), [set('new', 4, 4)], 0)
    expect(done.conditions!.map(({ reason }) => reason)).toEqual(['MinimumReplicasAvailable', 'NewReplicaSetAvailable'])
    const later = deploymentStatus({ ...deployment(), status: done }, set('new', 4, 4), [set('new', 4, 4)], 60_000)
    expect(later.conditions).toEqual(done.conditions)
    expect(deploymentStatus(deployment(), set('new', 1, 0), [set('new', 1, 0), set('old', 3, 3)], 0)).toMatchObject({
      replicas: 4,
      updatedReplicas: 1,
      unavailableReplicas: 1,
    })
  })
})

test('a hash depends on what is written, not on the order of keys', () => {
  expect(canonical({ b: 1, a: { d: [2, 1], c: 0 } })).toBe('{"a":{"c":0,"d":[2,1]},"b":1}')
  expect(shortHash({ a: 1, b: 2 })).toBe(shortHash({ b: 2, a: 1 }))
  expect(shortHash({ a: 1 })).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{10}$/)
})
