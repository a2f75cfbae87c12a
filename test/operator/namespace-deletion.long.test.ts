import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clusters, type Cluster } from '../../src/api/index.ts'
import * as resources from '../../src/kube/resources.ts'
import { keyOf } from '../../src/kube/types.ts'
import { lacksKubeLab } from '../support/control-plane.ts'
import { eventually } from '../support/net.ts'
import type { FakeKafka } from './support/fake-kafka.ts'
import { acl, topic, user } from './support/objects.ts'
import { OperatorLab, type Kind } from './support/operator-lab.ts'

describe.skipIf(lacksKubeLab())('on a real control plane', () => {
  const place = new OperatorLab()
  const { contacts, put, becomes, readyCluster } = place
  beforeAll(() => place.start())
  afterAll(() => place.stop())

  test.each<[string, (at: { object: Cluster; kafka: FakeKafka }) => unknown]>([
    ['with all that is in it', () => undefined],
    ['while no broker can be reached', ({ kafka }) => (kafka.isReachable = false)],
    ['after its Cluster', ({ object }) => place.kube.delete(clusters, keyOf(object))],
    ['while the operator restarts', () => place.operator.stop()],
  ])(
    'a namespace goes %s',
    async (_what, before) => {
      const { namespace, object, kafka } = await readyCluster()
      const all: Kind[] = [
        topic('t', namespace, { deletionPolicy: 'Delete' }),
        topic('kept', namespace),
        user('u', namespace),
        acl('x', namespace, { user: 'u' }),
      ]
      for (const one of all) await put(one)
      for (const one of all) await becomes(one, 'Ready')
      contacts.unreachableForMs = 0
      await before({ object, kafka })
      const startedMs = performance.now()
      await place.kube.delete(resources.namespaces, { namespace: '', name: namespace })
      if ((await Promise.race([place.operator.stopped, Promise.resolve('runs')])) !== 'runs') {
        place.operator = await place.startOperator()
        await place.operator.leading
      }
      const isGone = async () => {
        // Nobody runs the pods here, so nobody says that they ended.
        for (const pod of (await place.kube.list(resources.pods, { namespace })).items)
          await place.kube.delete(resources.pods, keyOf(pod), { gracePeriodSeconds: 0 })
        return (await place.kube.get(resources.namespaces, { namespace: '', name: namespace })) === undefined
      }
      await eventually(isGone, { timeoutMs: 60_000, everyMs: 200, what: `namespace ${namespace} gone` })
      expect(performance.now() - startedMs).toBeLessThan(60_000)
      expect(kafka.topics.has('kept')).toBe(true)
    },
    90_000,
  )
})
