import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { monotonicClock, wallClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { EventRecorder } from '../../src/kube/event-recorder.ts'
import { Informer } from '../../src/kube/informer.ts'
import { LeaderElection } from '../../src/kube/lease.ts'
import { configMaps, events, leases, namespaces, services, type ConfigMap, type Service } from '../../src/kube/resources.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { KUBE_LAB_PORTS, lacksKubeLab, startKubeLab, type KubeLab } from '../support/control-plane.ts'
import { eventually, freePorts } from '../support/net.ts'

describe.skipIf(lacksKubeLab())('against a real API server', () => {
  let lab: KubeLab
  let kube: KubeClient
  let namespace: string

  beforeAll(async () => {
    lab = await startKubeLab(await freePorts(KUBE_LAB_PORTS))
    kube = lab.client()
    namespace = `kube-${process.pid}`
    await kube.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  })
  afterAll(() => lab?.stop())

  const configMap = (name: string, data: Record<string, string>): ConfigMap => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels: { test: 'yes' } },
    data,
  })
  const names = (informer: Informer<ConfigMap>) =>
    informer
      .list()
      .map(({ metadata }) => metadata.name)
      .sort()
  const informerThrough = (client: KubeClient, name: string, relistMs?: number) =>
    new Informer<ConfigMap>({
      kube: client,
      resource: configMaps,
      clock: monotonicClock,
      logger: silentLogger,
      namespace,
      labelSelector: `test=${name}`,
      relistMs,
      random: () => 0,
    })
  const labelled = (name: string, label: string) => {
    const object = configMap(name, {})
    return { ...object, metadata: { ...object.metadata, labels: { test: label } } }
  }

  test('apply makes, changes and takes away fields, and writes nothing the second time', async () => {
    const service: Service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'svc', namespace, labels: { a: '1', b: '2' } },
      spec: { selector: { app: 'x' }, ports: [{ name: 'p', port: 80, targetPort: 80, protocol: 'TCP' }] },
    }
    expect(await kube.apply(services, service)).toMatchObject({ changed: true, created: true })
    expect(await kube.apply(services, service)).toMatchObject({ changed: false, created: false })
    const without = { ...service, metadata: { ...service.metadata, labels: { a: '1' } } }
    const { object, changed } = await kube.apply(services, without)
    expect(changed).toBe(true)
    expect(object.metadata.labels).toEqual({ a: '1' })
  })

  test('apply takes a field back that somebody else changed, and leaves alone what it does not name', async () => {
    await kube.apply(configMaps, configMap('drift', { a: '1' }))
    await kube.patch(configMaps, { namespace, name: 'drift' }, 'merge', { data: { a: '2', theirs: 'x' } })
    const { object } = await kube.apply(configMaps, configMap('drift', { a: '1' }))
    expect(object.data).toEqual({ a: '1', theirs: 'x' })
  })

  test('errors carry the code and the reason, and absence is no error', async () => {
    expect(await kube.get(configMaps, { namespace, name: 'absent' })).toBeUndefined()
    expect(await kube.delete(configMaps, { namespace, name: 'absent' })).toBe(false)
    await kube.create(configMaps, configMap('twice', {}))
    await expect(kube.create(configMaps, configMap('twice', {}))).rejects.toMatchObject({ status: 409, reason: 'AlreadyExists' })
    await expect(kube.create(configMaps, configMap('No Name', {}))).rejects.toMatchObject({ status: 422, reason: 'Invalid' })
    const preconditions = { uid: '00000000-0000-0000-0000-000000000000' }
    await expect(kube.delete(configMaps, { namespace, name: 'twice' }, { preconditions })).rejects.toMatchObject({ status: 409 })
    const unreachable = lab.client({ connection: { ...lab.connection, server: 'https://127.0.0.1:1' } })
    await expect(unreachable.list(configMaps)).rejects.toMatchObject({ status: 0, reason: 'Unreachable' })
  })

  test('a list that comes in pages is whole', async () => {
    for (let i = 0; i < 7; i++) await kube.create(configMaps, labelled(`page-${i}`, 'pages'))
    const first = await kube.list(configMaps, { namespace, labelSelector: 'test=pages', limit: 3 })
    expect(first.items).toHaveLength(3)
    expect(first.continue).toBeTruthy()
    expect((await kube.list(configMaps, { namespace, labelSelector: 'test=pages' })).items).toHaveLength(7)
  })

  test('a client whose fence is down writes nothing', async () => {
    const fenced = lab.client({
      fence: () => {
        throw new Error('not the leader')
      },
    })
    await expect(fenced.apply(configMaps, configMap('fenced', {}))).rejects.toThrow('not the leader')
    expect(await fenced.get(configMaps, { namespace, name: 'fenced' })).toBeUndefined()
  })

  test('an informer follows what is made, changed and deleted', async () => {
    const seen: string[] = []
    await kube.create(configMaps, labelled('one', 'follow'))
    const informer = new Informer<ConfigMap>({
      kube,
      resource: configMaps,
      clock: monotonicClock,
      logger: silentLogger,
      namespace,
      labelSelector: 'test=follow',
      indexes: { data: ({ data }) => Object.keys(data ?? {}) },
      onChange: (now, before) => void seen.push(`${before ? 'had' : 'new'} ${now ? now.metadata.name : 'gone'}`),
    }).start()
    await informer.synced
    expect(names(informer)).toEqual(['one'])
    await kube.create(configMaps, labelled('two', 'follow'))
    await kube.patch(configMaps, { namespace, name: 'one' }, 'merge', { data: { key: 'x' } })
    await eventually(() => informer.by('data', 'key').length === 1)
    await kube.delete(configMaps, { namespace, name: 'one' })
    await eventually(() => names(informer).join() === 'two')
    expect(informer.by('data', 'key')).toEqual([])
    expect(seen).toEqual(['new one', 'new two', 'had one', 'had gone'])
    await informer.stop()
  })

  test('a watch that is cut, expired or silent is made good', async () => {
    const proxy = new FaultProxy(lab.connection)
    const through = lab.client({ connection: await proxy.start(), watchIdleMs: 1000 })
    const informer = informerThrough(through, 'faults').start()
    await informer.synced

    await eventually(() => proxy.watching === 1)
    proxy.cutWatches()
    await kube.create(configMaps, labelled('cut', 'faults'))
    await eventually(() => names(informer).includes('cut'))
    expect(informer.counters.lists).toBe(2)

    await eventually(() => proxy.watching === 1)
    proxy.fault = 'gone'
    proxy.cutWatches()
    await kube.create(configMaps, labelled('gone', 'faults'))
    await kube.delete(configMaps, { namespace, name: 'cut' })
    await eventually(() => names(informer).join() === 'gone')
    expect(informer.counters.failures).toBeGreaterThanOrEqual(2)

    await eventually(() => proxy.watching === 1)
    proxy.fault = 'stall'
    const lists = informer.counters.lists
    await kube.create(configMaps, labelled('stalled', 'faults'))
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(names(informer)).not.toContain('stalled')
    proxy.fault = 'none'
    await eventually(() => names(informer).includes('stalled'))
    // A silent watch is taken up where it was: no whole list for it.
    expect(informer.counters.lists).toBe(lists)
    await informer.stop()
    await proxy.stop()
  })

  test('what no watch ever told is found by the periodic list', async () => {
    const proxy = new FaultProxy(lab.connection)
    const through = lab.client({ connection: await proxy.start(), watchIdleMs: 60_000 })
    const informer = informerThrough(through, 'relist', 1000).start()
    await informer.synced
    proxy.fault = 'stall'
    await kube.create(configMaps, labelled('untold', 'relist'))
    await eventually(() => names(informer).includes('untold'))
    expect(informer.counters.failures).toBe(0)
    await informer.stop()
    await proxy.stop()
  })

  test('events of one kind become one series', async () => {
    const recorder = new EventRecorder({
      kube,
      clock: wallClock,
      monotonic: monotonicClock,
      logger: silentLogger,
      controller: 'sofakafka.io/test',
      instance: 'test-1',
    })
    const object = await kube.create(configMaps, configMap('evented', {}))
    for (let i = 0; i < 3; i++) await recorder.record(object, { type: 'Normal', reason: 'Changed', action: 'Reconcile', note: 'something' })
    await recorder.flush()
    const { items } = await kube.list(events, { namespace, fieldSelector: 'reason=Changed' })
    expect(items).toHaveLength(1)
    expect(items[0]).toMatchObject({ note: 'something', series: { count: 3 }, regarding: { kind: 'ConfigMap', name: 'evented' } })
  })

  test('of two candidates one leads; the other takes over when it stops, or when it is silent for long enough', async () => {
    const key = { namespace, name: 'election' }
    const elect = (identity: string, client = kube) =>
      new LeaderElection({
        kube: client,
        key,
        identity,
        clock: monotonicClock,
        wall: wallClock,
        logger: silentLogger,
        leaseDurationMs: 1000,
        renewDeadlineMs: 600,
        retryMs: 100,
      })
    const [a, b] = [elect('a'), elect('b')]
    await a.acquire()
    const waiting = b.acquire()
    await new Promise((resolve) => setTimeout(resolve, 1300))
    expect([a.isLeader, b.isLeader]).toEqual([true, false])
    expect(() => b.fence()).toThrow('does not hold the lease')
    await a.stop()
    await waiting
    expect([a.isLeader, b.isLeader]).toEqual([false, true])
    await b.stop()

    const proxy = new FaultProxy(lab.connection)
    const through = lab.client({ connection: await proxy.start(), timeoutMs: 300 })
    const c = elect('c', through)
    await c.acquire()
    await proxy.stop()
    const d = elect('d')
    const takeover = d.acquire()
    await c.lost
    expect(() => c.fence()).toThrow('does not hold the lease')
    await takeover
    expect((await kube.get(leases, key))?.spec).toMatchObject({ holderIdentity: 'd' })
    await d.stop()
    await c.stop()
  })
})
