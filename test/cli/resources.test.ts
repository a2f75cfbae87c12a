import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { acls, clusters, topics, users } from '../../src/api/index.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { type Pod, pods } from '../../src/kube/resources.ts'
import type { KubeObject } from '../../src/kube/types.ts'
import { startEmbeddedLab } from '../operator/support/embedded-lab.ts'
import { installKinds } from '../operator/support/lab.ts'
import type { KubeLab } from '../support/control-plane.ts'
import { call, type Called, type CallOptions } from './support.ts'

let lab: KubeLab
let kube: KubeClient
const run = (args: string, options: CallOptions = {}): Promise<Called> => call(args.split(' '), { kubeconfig: lab.kubeconfig, ...options })
/** Ages and ids are not the same twice. */
const steady = (text: string): string => text.replace(/\b\d+s\b/g, 'Ns')

const setStatus = (resource: Parameters<KubeClient['patchStatus']>[0], object: KubeObject, status: object) =>
  kube.patch(
    resource,
    { namespace: object.metadata.namespace!, name: object.metadata.name },
    'merge',
    { status },
    { subresource: 'status' },
  )
const ready = (status = 'True', reason = 'Ready', message = 'everything is as the resource says') => ({
  conditions: [{ type: 'Ready', status, reason, message, lastTransitionTime: '2026-11-21T08:00:00Z' }],
})
const cluster = (name: string, namespace = 'default') => ({
  apiVersion: clusters.apiVersion,
  kind: 'Cluster',
  metadata: { name, namespace },
  spec: { zookeeper: { storage: { size: '1Gi' } }, brokers: [{ name: 'kafka', replicas: 2, storage: { size: '1Gi' } }] },
})
const brokerPod = (id: number, status: Pod['status']): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: `ant-kafka-${id}`,
    namespace: 'default',
    labels: { 'sofakafka.io/cluster': 'ant', 'app.kubernetes.io/name': 'kafka', 'apps.kubernetes.io/pod-index': String(id) },
  },
  spec: { nodeName: 'node-a', containers: [{ name: 'kafka', image: 'r/sofakafka:1.2.0' }] },
  ...(status ? { status } : {}),
})

beforeAll(async () => {
  lab = await startEmbeddedLab()
  kube = lab.client({ fieldManager: 'test' })
  await installKinds(kube)
})
afterAll(() => lab.stop())

describe('without a Cluster', () => {
  test('it is said where there is none, and 3 is the exit code', async () => {
    expect(await run('status')).toMatchObject({
      code: 3,
      err: 'sofakafka: there is no Cluster in the namespace default; -A looks in all\n',
    })
    expect(await run('topic create orders -p 3')).toMatchObject({ code: 3, out: '' })
    expect(await run('topic list')).toMatchObject({ code: 0, out: '', err: 'there are no Topics in the namespace default\n' })
    expect(await run('group list -c ant')).toMatchObject({ code: 3, err: 'sofakafka: there is no Cluster ant in the namespace default\n' })
  })

  test('files can be made for one that is not there yet', async () => {
    const { code, out } = await run(
      'topic create orders -c ant -p 12 -r 3 --config retention.ms=60000 --config cleanup.policy=compact --dry-run client',
    )
    expect(code).toBe(0)
    expect(parse(out)).toEqual({
      apiVersion: 'sofakafka.io/v1beta1',
      kind: 'Topic',
      metadata: { name: 'orders', namespace: 'default' },
      spec: { clusterRef: { name: 'ant' }, partitions: 12, replicas: 3, config: { 'retention.ms': 60_000, 'cleanup.policy': 'compact' } },
    })
    const user = await run('user create app -c other/ant --username app.1 --password-from mine/pw --dry-run client -o json')
    expect(JSON.parse(user.out)).toMatchObject({
      spec: {
        clusterRef: { name: 'ant', namespace: 'other' },
        username: 'app.1',
        authentication: { type: 'SCRAM-SHA-512', password: { secretKeyRef: { name: 'mine', key: 'pw' } } },
      },
    })
  })
})

describe('with Clusters', () => {
  beforeAll(async () => {
    const made = await kube.create(clusters as never, cluster('ant'))
    await setStatus(clusters as never, made, {
      ...ready('False', 'BrokersNotReady', '1 of 2 brokers is ready'),
      clusterId: 'AAAA',
      image: 'r/sofakafka:1.2.0',
      listeners: [{ name: 'internal', bootstrapServers: 'ant-internal-bootstrap.default.svc:9092' }],
    })
    const readyPod = {
      phase: 'Running',
      podIP: '10.0.0.1',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [{ name: 'kafka', ready: true, restartCount: 0 }],
    }
    const broken = {
      phase: 'Running',
      containerStatuses: [
        { name: 'kafka', ready: false, restartCount: 4, state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s' } } },
      ],
    }
    for (const [id, status] of [readyPod, broken].entries()) {
      const pod = await kube.create(pods, brokerPod(id, undefined))
      await setStatus(pods as never, pod, status)
    }
  })

  test('a Topic is made, shown, changed and deleted', async () => {
    expect(await run('topic create orders -p 3 --config retention.ms=60000')).toMatchObject({
      code: 0,
      out: 'topic.sofakafka.io/orders created\n',
    })
    const again = await run('topic create orders -p 3')
    expect(again).toMatchObject({ code: 1 })
    expect(again.err).toContain('"orders" already exists')
    const topic = await kube.get(topics as never, { namespace: 'default', name: 'orders' })
    await setStatus(topics as never, topic!, { ...ready(), topicName: 'orders', partitions: 3, replicas: 2 })
    expect(steady((await run('topic list')).out)).toBe(
      'NAME     TOPIC    PARTITIONS   REPLICAS   CLUSTER   READY   REASON   AGE\norders   orders   3            2          ant       True    Ready    Ns\n',
    )
    expect((await run('topic list -o name')).out).toBe('topic.sofakafka.io/orders\n')
    expect((await run('topic list --no-headers')).out).toMatch(/^orders /)
    expect((await run('topic list -A')).out).toMatch(/^NAMESPACE +NAME/)
    expect(JSON.parse((await run('topic list -o json')).out)).toMatchObject({ kind: 'List', items: [{ metadata: { name: 'orders' } }] })
    expect((await run('topic list -c other')).err).toBe('there are no Topics in the namespace default\n')

    expect((await run('topic alter orders -p 2')).err).toContain('the topic has 3, and Kafka never takes any away')
    expect((await run('topic alter orders -p 6 --config retention.ms- --dry-run server')).out).toBe(
      'topic.sofakafka.io/orders changed (dry run)\n',
    )
    const dry = parse((await run('topic alter orders -p 6 --config retention.ms- --dry-run client')).out) as { spec: object }
    expect(dry.spec).toMatchObject({ partitions: 6, config: {} })
    expect((await run('topic alter orders -p 6 --config retention.ms- --config segment.bytes=1000')).code).toBe(0)
    const { spec } = (await kube.get(topics as never, { namespace: 'default', name: 'orders' })) as unknown as { spec: object }
    expect(spec).toMatchObject({ partitions: 6, config: { 'segment.bytes': 1000 } })
    expect(spec).not.toHaveProperty(['config', 'retention.ms'])

    const described = await run('topic describe orders')
    expect(described.out).toMatch(/Ready +True +Ready +everything is as/)
    expect(described.out).toContain('not asked: there is no Secret ant-credentials in default')
    expect((await run('topic describe nope')).code).toBe(3)
  })

  test('what is to go is asked for, and stays where nobody says yes', async () => {
    expect(await run('topic delete orders')).toMatchObject({ code: 2 })
    const asked = await run('topic delete orders', { isInteractive: true, input: 'n\n' })
    expect(asked).toMatchObject({ code: 1, out: '' })
    expect(asked.err).toContain('The topic orders stays in Kafka with its records. [y/N]')
    expect((await run('topic delete orders --dry-run server')).out).toContain('would be deleted (dry run)')
    expect(await kube.get(topics as never, { namespace: 'default', name: 'orders' })).toBeDefined()
    await run('topic alter orders --deletion-policy Delete')
    const gone = await run('topic delete orders', { isInteractive: true, input: 'y\n' })
    expect(gone).toMatchObject({ code: 0, out: 'topic.sofakafka.io/orders deleted\n' })
    expect(gone.err).toContain('goes with ALL ITS RECORDS')
    expect(await kube.get(topics as never, { namespace: 'default', name: 'orders' })).toBeUndefined()
    expect((await run('topic delete orders --yes')).code).toBe(3)
  })

  test('Users and Acls', async () => {
    expect((await run('user create app')).out).toBe('user.sofakafka.io/app created\n')
    const made = await run('acl create app --allow Read,Describe:Topic:orders-* --deny Write:Topic:orders-x --host 10.0.0.7')
    expect(made).toMatchObject({ code: 0, out: 'acl.sofakafka.io/app created\n', err: '' })
    expect((await run('acl create b --allow Read:Topic:t --dry-run server')).err).toBe('note: no User in default is called b in Kafka\n')
    expect((await kube.get(users as never, { namespace: 'default', name: 'app' })) as unknown).toMatchObject({
      spec: { authentication: { type: 'SCRAM-SHA-512' } },
    })
    expect((await kube.get(acls as never, { namespace: 'default', name: 'app' })) as unknown).toMatchObject({
      spec: {
        user: 'app',
        rules: [
          { resource: { type: 'Topic', name: 'orders-', patternType: 'Prefixed' }, operations: ['Read', 'Describe'], host: '10.0.0.7' },
          { resource: { type: 'Topic', name: 'orders-x' }, operations: ['Write'], permission: 'Deny', host: '10.0.0.7' },
        ],
      },
    })
    expect((await run('acl describe app')).out).toContain(
      '  Allow Read,Describe on Topic orders-* from 10.0.0.7\n  Deny Write on Topic orders-x from 10.0.0.7\n',
    )
    expect((await run('user list')).out).toMatch(/app +app +SCRAM-SHA-512 +<none> +ant +Unknown/)
    // What the API server refuses is said in its words.
    const refused = await run('user create sofakafka-x')
    expect(refused.code).toBe(1)
    expect(refused.err).not.toContain('Error:')
  })

  test('status: what is not well, and what to do about it', async () => {
    const { code, out } = await run('status --no-kafka')
    expect(code).toBe(5)
    expect(steady(out)).toMatchInlineSnapshot(`
      "Cluster:      default/ant
      Ready:        False, BrokersNotReady: 1 of 2 brokers is ready
      Cluster id:   AAAA
      Image:        r/sofakafka:1.2.0

      Brokers
        ID   POD           RACK     READY                                VERSION   PARTITIONS   LEADS     OUT OF SYNC   NODE     RESTARTS   AGE
        0    ant-kafka-0   <none>   yes                                  1.2.0     unknown      unknown   unknown       node-a   0          Ns
        1    ant-kafka-1   <none>   no: CrashLoopBackOff: back-off Ns   1.2.0     unknown      unknown   unknown       node-a   4          Ns

      Listeners
        NAME       TYPE       TLS   BOOTSTRAP SERVERS
        internal   Internal   no    ant-internal-bootstrap.default.svc:9092

      Resources
        KIND    READY   OF
        Topic   0/0     all namespaces
        User    0/1     all namespaces
        Acl     0/1     all namespaces

      Not Ready
        KIND   NAME   REASON    MESSAGE
        User   app    Unknown   the operator has not looked at it yet; is it running?
        Acl    app    Unknown   the operator has not looked at it yet; is it running?

      What to do
        - ant-kafka-1: CrashLoopBackOff: back-off Ns. See \`sofakafka logs -n default -c ant --pod ant-kafka-1 --previous\`
        - User app: Unknown. See \`sofakafka user describe app -n default\`
        - Acl app: Unknown. See \`sofakafka acl describe app -n default\`
      "
    `)
    const data = JSON.parse((await run('status ant -o json --no-kafka')).out) as object
    expect(data).toMatchObject({
      name: 'ant',
      ready: { reason: 'BrokersNotReady' },
      brokers: [
        { id: 0, ready: true },
        { id: 1, ready: false, restarts: 4 },
      ],
    })
    expect((await run('status default/ant -o name --no-kafka')).out).toBe('cluster.sofakafka.io/ant\n')
  })

  test('a restart is asked for by an annotation on the Cluster, or on a pod', async () => {
    const annotationsOf = async (resource: Parameters<KubeClient['get']>[0], name: string) =>
      (await kube.get(resource, { namespace: 'default', name }))?.metadata.annotations ?? {}
    expect((await run('restart ant --dry-run server')).out).toBe('cluster.sofakafka.io/ant will be restarted (dry run)\n')
    expect(await annotationsOf(clusters as never, 'ant')).toEqual({})
    expect((await run('restart ant --pod ant-kafka-1')).out).toBe('pod/ant-kafka-1 will be restarted\n')
    expect(await annotationsOf(pods as never, 'ant-kafka-1')).toEqual({ 'sofakafka.io/restart': 'true' })
    expect(await run('restart ant --pod ant-kafka-7')).toMatchObject({ code: 3, err: expect.stringContaining('it has ant-kafka-0, ant-k') })
    expect(await run('restart')).toMatchObject({ code: 0, out: 'cluster.sofakafka.io/ant will be restarted\n' })
    expect((await annotationsOf(clusters as never, 'ant'))['sofakafka.io/restarted-at']).toMatch(/^\d{4}-.*Z$/)
    const pause = (value: string | null) => ({ metadata: { annotations: { 'sofakafka.io/paused': value } } })
    await kube.patch(clusters as never, { namespace: 'default', name: 'ant' }, 'merge', pause('true'))
    expect(await run('restart ant')).toMatchObject({ code: 1, err: expect.stringContaining('is paused') })
    await kube.patch(clusters as never, { namespace: 'default', name: 'ant' }, 'merge', pause(null))
  })

  test('status of several is a line for each', async () => {
    await kube.create(clusters as never, cluster('bee'))
    expect(steady((await run('status')).out)).toBe(
      'NAME   BROKERS   READY     REASON            AGE\nant    <none>    False     BrokersNotReady   Ns\nbee    <none>    Unknown   Unknown           Ns\n',
    )
    expect((await run('group list')).err).toContain('the namespace default has the Clusters ant, bee; write --cluster NAME')
    const none = await run('status bee --no-kafka')
    expect(none.out).toContain('no operator has looked at this Cluster')
    await kube.delete(clusters as never, { namespace: 'default', name: 'bee' })
  })

  test('a shell gets names', async () => {
    expect((await run('__complete user describe a')).out).toBe('app\tUnknown\n:4\n')
    expect((await call(['__complete', 'topic', 'list', '-n', ''], { kubeconfig: lab.kubeconfig })).out).toContain('default\n')
    expect((await call(['__complete', 'status', '-n', 'default', ''], { kubeconfig: lab.kubeconfig })).out).toBe(
      'ant\tBrokersNotReady\n:4\n',
    )
    expect((await call(['__complete', 'status', '--kubeconfig', ''], {})).out).toBe(':0\n')
    expect((await call(['__complete', 'topic', 'describe', ''], {})).out).toBe(':4\n')
  })

  test('an API server that is not there ends with 4', async () => {
    const { code, err } = await call(['topic', 'list', '--context', 'nope'], { kubeconfig: lab.kubeconfig })
    expect([code, err]).toEqual([2, expect.stringContaining("no context 'nope'")])
  })
})
