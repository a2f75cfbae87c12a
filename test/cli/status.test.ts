import { describe, expect, test } from 'vitest'
import type { Pod } from '../../src/kube/resources.ts'
import type { Seen } from '../../src/cli/status/observe.ts'
import { isWell, report } from '../../src/cli/status/report.ts'
import { statusText } from '../../src/cli/status/text.ts'

const condition = (type: string, status: string, message: string) => ({
  type,
  status,
  reason: type,
  message,
  lastTransitionTime: '2026-11-21T08:00:00Z',
})
const pod = (id: number, status: Pod['status']): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `ant-kafka-${id}`, labels: { 'app.kubernetes.io/name': 'kafka', 'apps.kubernetes.io/pod-index': String(id) } },
  spec: { containers: [{ name: 'kafka', image: 'host:5000/sofakafka@sha256:0123456789abcdef' }] },
  ...(status ? { status } : {}),
})
const running = { conditions: [{ type: 'Ready', status: 'True' }] }
const partition = (topic: string, index: number, leader: number, isr: number[]) => ({
  topic,
  partition: index,
  leader,
  replicas: [0, 1, 2],
  isr,
})

const seen = (parts: {
  annotations?: Record<string, string>
  conditions?: object[]
  pods?: Pod[]
  kafka?: Seen['kafka']
  zookeeper?: object
}): Seen =>
  ({
    cluster: {
      apiVersion: 'sofakafka.io/v1beta1',
      kind: 'Cluster',
      metadata: { name: 'ant', namespace: 'ns', annotations: parts.annotations ?? {} },
      spec: { zookeeper: parts.zookeeper ?? { replicas: 1, storage: { size: '1Gi' } }, brokers: [] },
      status: { conditions: parts.conditions ?? [condition('Ready', 'True', 'all is well')] },
    },
    pods: parts.pods ?? [0, 1, 2].map((id) => pod(id, running)),
    resources: { topic: { items: [], isWhole: true }, user: { items: [], isWhole: false }, acl: { items: [], isWhole: true } },
    kafka: parts.kafka,
  }) as unknown as Seen
const shown = (parts: Parameters<typeof seen>[0]) => report(seen(parts), 'sofakafka')
const brokers = [0, 1, 2].map((id) => ({ id, rack: `zone-${id}` }))

describe('status', () => {
  test('nothing to do where all is well', () => {
    const found = shown({ kafka: { controllerId: 2, brokers, partitions: [partition('t', 0, 1, [0, 1, 2])] } })
    expect(found).toMatchObject({ next: [], partitions: { total: 1, offline: [], underReplicated: [] } })
    expect(
      found.brokers.map(({ isController, leads, outOfSync, rack, version }) => [isController, leads, outOfSync, rack, version]),
    ).toEqual([
      [false, 0, 0, 'zone-0', 'sha256:0123456789ab'],
      [false, 1, 0, 'zone-1', 'sha256:0123456789ab'],
      [true, 0, 0, 'zone-2', 'sha256:0123456789ab'],
    ])
    expect(isWell(found)).toBe(true)
    expect(statusText(found, { nowMs: 0, isWide: false, hasColour: true })).toContain('\u001B[32mTrue')
  })

  test('partitions without a leader are trouble, a replica that is behind is told', () => {
    const partitions = [partition('t', 0, -1, [0]), partition('t', 1, 1, [1, 2]), partition('t', 2, 1, [0, 1, 2])]
    const found = shown({ kafka: { controllerId: 1, brokers: brokers.slice(1), partitions } })
    expect(isWell(found)).toBe(false)
    expect(found.partitions).toEqual({ total: 3, offline: ['t-0'], underReplicated: ['t-1'] })
    expect(found.brokers.map(({ outOfSync, registered }) => [outOfSync, registered])).toEqual([
      [1, false],
      [1, true],
      [1, true],
    ])
    expect(found.next).toEqual([
      'brokers 0 run and are not registered: see `sofakafka logs -n ns -c ant --pod ant-kafka-0`',
      expect.stringMatching(/^partitions without a leader: 1 \(t-0\)/),
      expect.stringMatching(/^partitions that lack an in-sync replica: 1 \(t-1\)/),
    ])
    expect(isWell(shown({ kafka: { controllerId: 1, brokers, partitions: partitions.slice(1) } }))).toBe(true)
  })

  test.each<[string, Pod['status'], string]>([
    [
      'no node',
      { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' }] },
      'ant-kafka-0 has no node: Unschedulable: 0/3 nodes are available. Add a node',
    ],
    [
      'no image',
      {
        containerStatuses: [
          { name: 'kafka', ready: false, restartCount: 0, state: { waiting: { reason: 'ImagePullBackOff', message: 'x' } } },
        ],
      },
      'Mend spec.image',
    ],
    [
      'a crash',
      {
        containerStatuses: [
          { name: 'kafka', ready: false, restartCount: 3, state: { terminated: { reason: 'OOMKilled', exitCode: 137 } } },
        ],
      },
      'OOMKilled with 137. See `sofakafka logs -n ns -c ant --pod ant-kafka-0 --previous`',
    ],
    ['a start', {}, 'ant-kafka-0: is starting'],
  ])('a pod with %s', (_what, status, words) => {
    expect(shown({ pods: [pod(0, status)] }).next.join()).toContain(words)
  })

  test('what the operator says, a pause, and a ZooKeeper that is somewhere else', () => {
    const found = shown({
      annotations: { 'sofakafka.io/paused': 'true' },
      conditions: [
        condition('Ready', 'False', 'no'),
        condition('Stalled', 'True', 'shrink it first'),
        condition('Degraded', 'True', 'a certificate ends soon'),
      ],
      zookeeper: { external: { connect: 'zk:2181/chroot' } },
    })
    expect(found.next).toEqual([
      'the Cluster waits for you: shrink it first',
      expect.stringContaining('is paused'),
      'a certificate ends soon',
    ])
    const text = statusText(found, { nowMs: 0, isWide: true, hasColour: false })
    expect(text).toContain('ZooKeeper:   zk:2181/chroot')
    expect(text).toContain('this namespace; others may not be seen')
    expect(text).not.toContain('\u001B')
    expect(shown({ conditions: [condition('Ready', 'False', '1 of 3 brokers is ready')] }).next).toEqual(['wait: 1 of 3 brokers is ready'])
  })

  test('brokers that cannot be asked', () => {
    expect(shown({ kafka: { problem: 'you may not read the Secret' } }).next).toEqual([
      'the brokers could not be asked: you may not read the Secret',
    ])
  })
})
