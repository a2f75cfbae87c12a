import { describe, expect, test } from 'vitest'
import type { StatefulSet } from '../../../src/kube/resources.ts'
import { desired } from '../../../src/operator/cluster/desired.ts'
import type { Inputs, Shared } from '../../../src/operator/cluster/inputs.ts'
import { nextShared, sharedOf } from '../../../src/operator/migration/listener.ts'
import { planMigration, type MigrationSeen } from '../../../src/operator/migration/plan.ts'
import { cluster } from '../support/objects.ts'

const LISTENER = { name: 'PLAINTEXT', port: 9095, securityProtocol: 'PLAINTEXT' }
const GROUPS = [{ name: 'kafka', firstId: 1, replicas: 3, storage: { size: '1Gi' } }]
const moved = (migration?: object) =>
  cluster('ant', 'ns', { zookeeper: { external: { connect: 'zk:2181' } }, brokers: GROUPS, ...(migration ? { migration } : {}) })

describe('the brokers of another cluster', () => {
  const partition = (isr: number[], replicas = [1, 2, 3]) => ({ topic: 't', partition: 0, replicas, isr })
  const seen = (running: number, registered: number[], more: Partial<MigrationSeen> = {}, isr = [1, 2, 3]): MigrationSeen => ({
    groups: GROUPS,
    running: new Map([['kafka', running]]),
    ready: new Set([1, 2, 3].slice(0, running)),
    replicates: true,
    old: { brokers: new Map(registered.map((id) => [id, [`PLAINTEXT://old:${id}`]])), partitions: [partition(isr)] },
    ...more,
  })
  const plan = (given: MigrationSeen) => {
    const { replicas, state, message } = planMigration(given)
    return [replicas.get('kafka'), state, message]
  }

  test('are taken over in the order of their ids, each when its old one has stopped', () => {
    const stop = (id: number) => `stop the old broker ${id} (PLAINTEXT://old:${id}) now: broker ${id} of this Cluster takes its place`
    expect(plan(seen(0, [1, 2, 3]))).toEqual([0, 'going on', stop(1)])
    expect(plan(seen(0, [2, 3], {}, [2, 3]))).toEqual([1, 'going on', 'broker 1 begins'])
    expect(plan(seen(1, [2, 3], { ready: new Set() }, [2, 3]))).toEqual([
      1,
      'going on',
      'waiting until broker 1 serves; do not stop another one',
    ])
    expect(plan(seen(1, [1, 2, 3], {}, [2, 3]))).toEqual([
      1,
      'going on',
      'do not stop the old broker 2 yet: 1 partitions are not in sync (t-0)',
    ])
    expect(plan(seen(1, [1, 2, 3]))).toEqual([1, 'going on', stop(2)])
    expect(plan(seen(3, [1, 2, 3])).slice(0, 2)).toEqual([3, 'done'])
  })
  test('wait for one another also when two have stopped', () => {
    expect(plan(seen(1, [3], { ready: new Set() }, [3]))[0]).toBe(1)
    expect(plan(seen(1, [1, 3], {}, [3]))[0]).toBe(2)
  })
  test('do not begin empty while they are listed as in sync, nor ever where nobody else has a partition', () => {
    expect(plan(seen(0, [2, 3]))).toEqual([0, 'going on', 'the old broker 1 has stopped; waiting until others lead t-0'])
    expect(plan(seen(0, [2, 3], {}, [1])).slice(0, 2)).toEqual([0, 'blocked'])
    const alone = plan(seen(0, [1, 2, 3], {}, [1]))
    expect(alone.slice(0, 2)).toEqual([0, 'blocked'])
    expect(alone[2]).toContain('must not be stopped: nobody else has t-0')
  })
  test('may begin as they are where their log directory comes along', () => {
    expect(plan(seen(0, [2, 3], { replicates: false }, [1]))).toEqual([1, 'going on', 'broker 1 begins'])
  })
})

describe('the listener that both kinds share', () => {
  const setOf = (shared: Shared | undefined): StatefulSet => {
    const inputs: Inputs = { image: 'i', advertise: 'pod-dns', ...(shared ? { shared } : {}) }
    return desired(moved(), inputs).find(({ kind }) => kind === 'StatefulSet') as StatefulSet
  }
  const joint: Shared = { listener: LISTENER, isInterBroker: true }
  const apart: Shared = { listener: LISTENER, isInterBroker: false }
  const hashOf = (set: StatefulSet) => set.spec.template.metadata!.annotations!['sofakafka.io/template-hash']

  test('is the one by which brokers talk, beside their own', () => {
    const { args, ports } = setOf(joint).spec.template.spec.containers[0]!
    const last = (key: string) => args!.findLast((arg) => arg.startsWith(`${key}=`))
    expect(last('inter.broker.listener.name')).toBe('inter.broker.listener.name=PLAINTEXT')
    expect(last('listeners')).toBe('listeners=REPLICATION://0.0.0.0:9091,INTERNAL://0.0.0.0:9092,PLAINTEXT://0.0.0.0:9095')
    expect(last('advertised.listeners')).toMatch(/^advertised.listeners=REPLICATION:.*,PLAINTEXT:\/\/\$\(POD_IP\):9095$/)
    expect(last('listener.security.protocol.map')).toMatch(/,PLAINTEXT:PLAINTEXT$/)
    expect(ports).toContainEqual({ name: 'tcp-shared', containerPort: 9095, protocol: 'TCP' })
  })
  test('is open to everybody where other listeners are guarded', () => {
    const inputs: Inputs = { image: 'i', advertise: 'pod-dns', operatorPods: { namespace: 'op', labels: { app: 'op' } } }
    const rules = (shared?: Shared) => {
      const policy = desired(moved(), shared ? { ...inputs, shared } : inputs).find(({ kind }) => kind === 'NetworkPolicy')
      return (policy as unknown as { spec: { ingress: { ports: { port: number }[]; from?: unknown }[] } }).spec.ingress
    }
    const open = { ports: [{ protocol: 'TCP', port: 9095 }] }
    expect(rules(joint)).toContainEqual(open)
    expect(rules()).not.toContainEqual(open)
  })
  test('is left in two rolls: every broker is always reached by the one that the others know', () => {
    expect(nextShared(moved({ listener: LISTENER }), [], true)).toEqual(joint)
    expect(nextShared(moved(), [setOf(joint)], true)).toEqual(apart)
    expect(nextShared(moved(), [setOf(apart), setOf(joint)], true)).toEqual(apart)
    expect(nextShared(moved(), [setOf(apart)], false)).toEqual(apart)
    expect(nextShared(moved(), [setOf(apart)], true)).toBeUndefined()
    expect(nextShared(moved(), [setOf(undefined)], true)).toBeUndefined()
    expect([sharedOf(setOf(joint)), sharedOf(setOf(undefined))]).toEqual([joint, undefined])
    expect(new Set([setOf(joint), setOf(apart), setOf(undefined)].map(hashOf)).size).toBe(3)
  })
})
