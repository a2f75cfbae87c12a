import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Cluster } from '../../../src/api/index.ts'
import { parseJaasUsers } from '../../../src/embedded-zookeeper/jaas.ts'
import { parseZooConfig } from '../../../src/embedded-zookeeper/zoo-cfg.ts'
import type { ConfigMap, Pod, Service, StatefulSet } from '../../../src/kube/resources.ts'
import { serverWish } from '../../../src/operator/certificates/zookeeper.ts'
import type { Inputs, ZooKeeperFacts } from '../../../src/operator/cluster/inputs.ts'
import { desired } from '../../../src/operator/cluster/desired.ts'
import { nextToReplace } from '../../../src/operator/cluster/rolls/roll.ts'
import { ensembleOf, memberLine } from '../../../src/operator/zookeeper/apache.ts'
import { newLogin } from '../../../src/operator/zookeeper/login.ts'
import { planOf, type EnsembleSeen } from '../../../src/operator/zookeeper/membership.ts'
import { connectText, parseConnect } from '../../../src/operator/zookeeper/place.ts'
import { nextSecurity, type Security } from '../../../src/operator/zookeeper/security.ts'
import { START_SCRIPT } from '../../../src/operator/zookeeper/start-script.ts'
import { parseEnsembleConfig } from '../../../src/zookeeper/ensemble.ts'
import { cluster } from '../support/objects.ts'

const own = (spec: Record<string, unknown> = {}) => cluster('ant', 'ns', { zookeeper: { storage: { size: '1Gi' }, replicas: 1, ...spec } })
const render = (object: Cluster, zookeeper: ZooKeeperFacts) => {
  const inputs: Inputs = { image: 'sofakafka:1', advertise: 'pod-dns', zookeeper }
  const objects = desired(object, inputs)
  const find = (kind: string, name: string) => objects.find((one) => one.kind === kind && one.metadata.name === name)
  return {
    objects,
    set: (name: string) => find('StatefulSet', name) as StatefulSet,
    config: (name: string) => find('ConfigMap', name) as ConfigMap,
  }
}
const containerOf = (set: StatefulSet) => set.spec.template.spec.containers[0]!

describe('who is a member', () => {
  const seen = (more: Partial<EnsembleSeen>): EnsembleSeen => ({
    wanted: 3,
    running: { replicas: 3, members: [1] },
    volumes: [1],
    members: [1],
    ready: new Set([1, 2, 3]),
    ...more,
  })

  test('a new ensemble begins with one server, whatever its size', () => {
    expect(planOf(seen({ running: undefined, volumes: [], members: undefined }))).toEqual({ replicas: 3, members: [1] })
  })
  test('one that was there before begins with those that were members, and with as many pods as they need', () => {
    expect(planOf(seen({ running: undefined, volumes: [1, 2, 3, 4, 5], members: undefined }))).toEqual({
      replicas: 5,
      members: [1, 2, 3, 4, 5],
    })
    expect(planOf(seen({ running: undefined, volumes: [2, 3], members: undefined }))).toEqual({ replicas: 3, members: [2, 3] })
  })
  test('servers join one at a time, lowest first, when all that matter serve', () => {
    expect(planOf(seen({}))).toEqual({ replicas: 3, members: [1, 2], change: { add: 2 } })
    expect(planOf(seen({ members: [1, 2] }))).toEqual({ replicas: 3, members: [1, 2, 3], change: { add: 3 } })
    expect(planOf(seen({ ready: new Set([1, 3]) })).waiting).toBe('server 2 joins when server 2 serves')
    expect(planOf(seen({ members: [1, 2], ready: new Set([3]) })).waiting).toBe('server 3 joins when the servers 1, 2 serve')
  })
  test('servers leave one at a time, highest first, before their pods go', () => {
    const five = { running: { replicas: 5, members: [1, 2, 3, 4, 5] }, members: [1, 2, 3, 4, 5], ready: new Set([1, 2, 3, 4, 5]) }
    expect(planOf(seen(five))).toEqual({ replicas: 5, members: [1, 2, 3, 4, 5], change: { remove: 5 } })
    expect(planOf(seen({ ...five, members: [1, 2, 3, 4] }))).toEqual({ replicas: 5, members: [1, 2, 3, 4], change: { remove: 4 } })
    expect(planOf(seen({ ...five, members: [1, 2, 3] }))).toEqual({ replicas: 3, members: [1, 2, 3] })
    expect(planOf(seen({ ...five, ready: new Set([1, 2, 3, 4]) })).change, 'one that is dead can leave').toEqual({ remove: 5 })
    expect(planOf(seen({ ...five, ready: new Set([1, 2, 3, 5]) })).waiting).toBe('server 5 leaves when server 4 serves')
  })
  test('without a leader nothing changes', () => {
    const now = { replicas: 5, members: [1, 2, 3, 4, 5] }
    expect(planOf(seen({ running: now, members: undefined }))).toEqual({ ...now, waiting: 'no server leads' })
  })
  test('whoever is a member is always written down, and nobody else but the one that is added next', () => {
    for (const wanted of [1, 3, 5, 7]) {
      for (let size = 1; size <= 7; size++) {
        const members = Array.from({ length: size }, (_unused, index) => index + 1)
        for (let dead = 0; dead <= size; dead++) {
          const ready = new Set([1, 2, 3, 4, 5, 6, 7].filter((id) => id !== dead))
          const plan = planOf({ wanted, running: { replicas: Math.max(wanted, size), members }, volumes: members, members, ready })
          const added = plan.change && 'add' in plan.change ? [plan.change.add] : []
          expect(plan.members).toEqual([...members, ...added])
          expect(plan.replicas).toBeGreaterThanOrEqual(size)
          const others = members.filter((id) => !(plan.change && 'remove' in plan.change && plan.change.remove === id))
          if (plan.change) expect(others.every((id) => ready.has(id))).toBe(true)
        }
      }
    }
  })
})

describe('logins and ACLs', () => {
  const setOf = (security: Security) => render(own(), { security, login: newLogin() }).set('ant-kafka')

  test('a new Cluster is closed; one that runs stays as it is; None is None', () => {
    expect(nextSecurity(own(), [], false)).toBe('acl')
    expect(nextSecurity(own(), [setOf('none')], true)).toBe('none')
    expect(nextSecurity(own(), [setOf('acl')], false)).toBe('acl')
    expect(nextSecurity(own({ authentication: { type: 'None' } }), [], false)).toBe('none')
  })
  test('an open one is closed in two rolls: all log in before the first keeps anything to itself', () => {
    const asked = own({ authentication: { type: 'DigestMD5' } })
    expect(nextSecurity(asked, [setOf('none')], true)).toBe('login')
    expect(nextSecurity(asked, [setOf('login'), setOf('none')], true)).toBe('login')
    expect(nextSecurity(asked, [setOf('login')], false)).toBe('login')
    expect(nextSecurity(asked, [setOf('login')], true)).toBe('acl')
    expect(nextSecurity(own(), [setOf('login')], true), 'what is under way goes on').toBe('acl')
  })
  test('an external one is as the user says', () => {
    const external = (more: object) => cluster('ant', 'ns', { zookeeper: { external: { connect: 'zk:2181/k', ...more } } })
    const authentication = { secretRef: { name: 's' } }
    expect(nextSecurity(external({}), [], true)).toBe('none')
    expect(nextSecurity(external({ authentication }), [], true)).toBe('login')
    expect(nextSecurity(external({ authentication, setAcl: true }), [], true)).toBe('acl')
    const { objects, config } = render(external({}), { security: 'none' })
    expect(config('ant-kafka').data!['server.properties']).toContain('zookeeper.connect=zk:2181/k')
    expect(objects.filter(({ metadata }) => metadata.name.includes('zookeeper'))).toEqual([])
  })
  test('an external one is reached by TLS where its Secret is named, with a certificate where the Secret has one', () => {
    const object = cluster('ant', 'ns', { zookeeper: { external: { connect: 'zk:2182', tls: { secretRef: { name: 'zk-tls' } } } } })
    const containers = [false, true].map((hasTlsKey) => render(object, { security: 'none', hasTlsKey }).set('ant-kafka'))
    const settings = containers.map((set) => containerOf(set).args!.filter((arg) => arg.startsWith('zookeeper.ssl')))
    expect(settings).toEqual([
      [
        'zookeeper.ssl.client.enable=true',
        'zookeeper.ssl.truststore.type=PEM',
        'zookeeper.ssl.truststore.location=/etc/sofakafka/zookeeper-tls',
      ],
      [
        'zookeeper.ssl.client.enable=true',
        'zookeeper.ssl.truststore.type=PEM',
        'zookeeper.ssl.truststore.location=/etc/sofakafka/zookeeper-tls',
        'zookeeper.ssl.keystore.type=PEM',
        'zookeeper.ssl.keystore.location=/etc/sofakafka/zookeeper-tls',
      ],
    ])
    expect(containers[0]!.spec.template.spec.volumes).toContainEqual({
      name: 'zookeeper-tls',
      secret: { secretName: 'zk-tls', defaultMode: 0o440 },
    })
  })
  test('our own server knows the logins, and the operator is its super user', () => {
    const login = newLogin()
    const { config, set } = render(own(), { security: 'acl', login })
    const settings = parseZooConfig(config('ant-zookeeper').data!['secured.cfg']!)
    expect(settings.superUser).toBe('sofakafka-operator')
    expect(settings.warnings).toEqual([])
    expect(containerOf(set('ant-zookeeper')).args).toEqual(['zookeeper', '/etc/sofakafka/zookeeper/secured.cfg'])
    const users = parseJaasUsers(Buffer.from(login['server.jaas.conf']!, 'base64').toString())
    expect([...users.keys()]).toEqual(['sofakafka-broker', 'sofakafka-operator'])
    expect(users.get('sofakafka-operator')).toBe(Buffer.from(login['password']!, 'base64').toString())
    expect(containerOf(set('ant-kafka')).args).toContain('zookeeper.set.acl=true')
  })
  test('no password is in anything but Secrets', () => {
    const login = newLogin()
    const { objects } = render(own({ image: 'zookeeper:3.9', replicas: 3 }), { security: 'acl', login })
    const words = Object.values(login).flatMap(
      (value) =>
        Buffer.from(value, 'base64')
          .toString()
          .match(/[\w-]{43}/g) ?? [],
    )
    expect(new Set(words).size).toBe(3)
    const others = JSON.stringify(objects.filter(({ kind }) => kind !== 'Secret'))
    for (const word of words) expect(others).not.toContain(word)
  })
})

describe('an ensemble', () => {
  const ensemble = { replicas: 3, members: [1, 2] }
  const object = own({ image: 'zookeeper:3.9', replicas: 3, resources: { limits: { memory: '1Gi' } } })
  const { set } = render(object, { security: 'acl', login: newLogin(), ensemble })

  test('has its members in the pods\u2019 variables, for which no pod is replaced', () => {
    expect(ensembleOf(set('ant-zookeeper'))).toEqual(ensemble)
    const other = render(object, { security: 'acl', login: newLogin(), ensemble: { replicas: 5, members: [1, 2, 3, 4, 5] } }).set(
      'ant-zookeeper',
    )
    const annotations = (one: StatefulSet) => one.spec.template.metadata!.annotations
    expect(annotations(other)).toEqual(annotations(set('ant-zookeeper')))
    expect(containerOf(set('ant-zookeeper')).env).toContainEqual({
      name: 'JVMFLAGS',
      value: '-Djava.security.auth.login.config=/etc/sofakafka/zookeeper-login/server.jaas.conf -Xmx614m',
    })
  })
  test('names servers as their pods are found', () => {
    const line = 'server.3=ant-zookeeper-2.ant-zookeeper-nodes.ns.svc:2888:3888:participant;2181'
    expect(memberLine(object, 3)).toBe(line)
    expect(parseEnsembleConfig(`${line}\nserver.1=a:1:2:observer;2181\nversion=1f\n`)).toEqual({
      version: 31n,
      members: [
        { id: 1, role: 'observer', line: 'server.1=a:1:2:observer;2181' },
        { id: 3, role: 'participant', line },
      ],
    })
  })
  test('by TLS is served on one port only, for brokers, operator and servers alike', () => {
    const secured = own({ image: 'zookeeper:3.9', replicas: 3, tls: { enabled: true } })
    const { set: setOf, objects } = render(secured, { security: 'acl', login: newLogin(), ensemble })
    const of = (kind: string, name: string) => objects.find((one) => one.kind === kind && one.metadata.name === name) as never
    const settings = (of('ConfigMap', 'ant-zookeeper') as ConfigMap).data!['zoo.cfg']!
    expect(settings).toContain('secureClientPort=2182\n')
    expect(settings).not.toMatch(/^clientPort/m)
    expect(settings).toContain('sslQuorum=true\n')
    // Without TLS nobody outside of the pod connects: probes do.
    expect(memberLine(secured, 1)).toMatch(/:participant;127\.0\.0\.1:2181$/)
    const server = containerOf(setOf('ant-zookeeper'))
    expect(server.ports?.map(({ containerPort }) => containerPort)).toEqual([2182, 2888, 3888])
    expect(server.env).toContainEqual({ name: 'CLIENT_ADDRESS', value: '127.0.0.1:2181' })
    expect((of('Service', 'ant-zookeeper-client') as Service).spec.ports.map(({ port }) => port)).toEqual([2182])
    const broker = containerOf(setOf('ant-kafka'))
    expect((of('ConfigMap', 'ant-kafka') as ConfigMap).data!['server.properties']).toContain(
      'zookeeper.connect=ant-zookeeper-client.ns.svc:2182\n',
    )
    expect(broker.args).toEqual(
      expect.arrayContaining(['zookeeper.ssl.client.enable=true', 'zookeeper.ssl.truststore.location=/etc/sofakafka/zookeeper-tls']),
    )
    expect(setOf('ant-kafka').spec.template.spec.volumes).toContainEqual({
      name: 'zookeeper-tls',
      secret: { secretName: 'ant-cluster-ca', defaultMode: 0o440 },
    })
    // Brokers compare the name by which they call it.
    const [address] = parseConnect(connectText(secured)).servers
    expect(serverWish(secured).hosts).toContain(address!.host)
    // What runs without is as it was.
    const without = render(own({ image: 'zookeeper:3.9', replicas: 3 }), { security: 'acl', login: newLogin(), ensemble })
    expect(JSON.stringify(without.objects.filter(({ kind }) => kind !== 'ConfigMap'))).not.toMatch(/2182|TLS_|zookeeper-tls/)
  })
  test('answers Prometheus where that is said, for which it is rolled', () => {
    const [off, on] = [{}, { metrics: { enabled: true } }].map((more) =>
      render(own({ image: 'zookeeper:3.9', replicas: 3, ...more }), { security: 'acl', login: newLogin(), ensemble }),
    )
    const port = { name: 'tcp-prometheus', containerPort: 9404, protocol: 'TCP' }
    expect(containerOf(on!.set('ant-zookeeper')).ports).toContainEqual(port)
    expect(containerOf(off!.set('ant-zookeeper')).ports).not.toContainEqual(port)
    expect(on!.config('ant-zookeeper').data!['zoo.cfg']).toContain('metricsProvider.httpPort=9404\n')
    expect(off!.config('ant-zookeeper').data!['zoo.cfg']).not.toContain('metricsProvider')
    const hashOf = (set: StatefulSet) => set.spec.template.metadata!.annotations!['sofakafka.io/template-hash']
    expect(hashOf(on!.set('ant-zookeeper'))).not.toBe(hashOf(off!.set('ant-zookeeper')))
    expect(hashOf(on!.set('ant-kafka'))).toBe(hashOf(off!.set('ant-kafka')))
  })
  test('is rolled with its leader last, before any broker', () => {
    const sets = [set('ant-zookeeper'), set('ant-kafka')]
    const pod = (group: string, id: number): Pod => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `ant-${group}-${id}`,
        labels: { 'sofakafka.io/group': group },
        annotations: { 'sofakafka.io/template-hash': 'old' },
      },
      spec: { containers: [] },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    })
    const order: string[] = []
    const pods = [0, 1, 2].flatMap((id) => [pod('zookeeper', id), pod('kafka', id)])
    for (let left = pods.length; left > 0; left--) {
      const next = nextToReplace({ statefulSets: sets, pods, controllerId: 2, zooKeeperLeader: 2 })!
      order.push(next.metadata.name)
      const group = next.metadata.labels!['sofakafka.io/group']!
      next.metadata.annotations = { ...set(`ant-${group}`).spec.template.metadata!.annotations }
    }
    expect(order).toEqual(['zookeeper-1', 'zookeeper-0', 'zookeeper-2', 'kafka-1', 'kafka-0', 'kafka-2'].map((name) => `ant-${name}`))
  })
  test('an address of ZooKeeper is taken apart', () => {
    expect(parseConnect('a:1,[::1]:2/x/y')).toEqual({
      servers: [
        { host: 'a', port: 1 },
        { host: '::1', port: 2 },
      ],
      chroot: '/x/y',
    })
  })
})

describe('the start of a server', () => {
  const start = (directory: string, env: { index: number; uid: string; members: string }): string => {
    const [bin, config] = [join(directory, 'bin'), join(directory, 'config')]
    mkdirSync(bin, { recursive: true })
    mkdirSync(config, { recursive: true })
    writeFileSync(join(bin, 'zkServer.sh'), '#!/bin/sh\ncat "$(sed -n s/^dynamicConfigFile=//p "$2")"\n')
    chmodSync(join(bin, 'zkServer.sh'), 0o755)
    writeFileSync(join(config, 'zoo.cfg'), 'tickTime=2000\n')
    writeFileSync(join(directory, 'start.sh'), START_SCRIPT)
    const variables = {
      PATH: `${bin}:${process.env['PATH']}`,
      POD_INDEX: String(env.index),
      POD_UID: env.uid,
      MEMBERS: env.members,
      SERVERS: 'zk',
      SERVICE: 'nodes',
      HOME_DIRECTORY: join(directory, 'home'),
      CONFIG_DIRECTORY: config,
    }
    const output = execFileSync('sh', [join(directory, 'start.sh')], { env: variables, encoding: 'utf8' })
    return output
      .split('\n')
      .filter((line) => line.startsWith('server.'))
      .map((line) => line.replace(/=zk-\d+\.nodes:2888:3888:/, ' ').replace(';2181', ''))
      .join(', ')
  }
  /** What ZooKeeper itself does when the members change. */
  const learn = (directory: string, members: readonly number[]): void => {
    const file = join(directory, 'home', 'conf', 'zoo.cfg.dynamic.100000001')
    writeFileSync(file, `${members.map((id) => `server.${id}=zk-${id - 1}.nodes:2888:3888:participant;2181`).join('\n')}\n`)
    writeFileSync(join(directory, 'home', 'conf', 'zoo.cfg'), `tickTime=2000\ndynamicConfigFile=${file}\n`)
  }
  const inDirectory = (work: (directory: string) => void) => {
    const directory = mkdtempSync(join(tmpdir(), 'sofakafka-start-'))
    try {
      work(directory)
    } finally {
      rmSync(directory, { recursive: true })
    }
  }

  test('the first begins alone, and goes on with what it has learned', () =>
    inDirectory((directory) => {
      expect(start(directory, { index: 0, uid: 'a', members: '1' })).toBe('server.1 participant')
      learn(directory, [1, 2])
      expect(start(directory, { index: 0, uid: 'b', members: '1,2' })).toBe('server.1 participant, server.2 participant')
      expect(readFileSync(join(directory, 'home', 'data', 'myid'), 'utf8')).toBe('1\n')
    }))
  test('a member whose volume was lost learns from the others, and never begins an ensemble of its own', () =>
    inDirectory((directory) => {
      expect(start(directory, { index: 0, uid: 'a', members: '1,2,3' })).toBe(
        'server.2 participant, server.3 participant, server.1 observer',
      )
    }))
  test('one that joins listens to the members, again after a crash, until it is one', () =>
    inDirectory((directory) => {
      const pod = { index: 2, uid: 'a', members: '1,2' }
      const listens = 'server.1 participant, server.2 participant, server.3 observer'
      expect(start(directory, pod)).toBe(listens)
      learn(directory, [1, 2])
      expect(start(directory, pod)).toBe(listens)
      learn(directory, [1, 2, 3])
      expect(start(directory, pod)).toBe('server.1 participant, server.2 participant, server.3 participant')
    }))
  test('a volume that was kept from an earlier membership is not believed', () =>
    inDirectory((directory) => {
      start(directory, { index: 2, uid: 'a', members: '1,2,3' })
      learn(directory, [1, 2, 3])
      writeFileSync(join(directory, 'home', 'conf', 'zoo.cfg.dynamic.next'), 'server.3=zk-2.nodes:2888:3888:participant;2181\n')
      expect(start(directory, { index: 2, uid: 'b', members: '1' })).toBe('server.1 participant, server.3 observer')
      expect(() => readFileSync(join(directory, 'home', 'conf', 'zoo.cfg.dynamic.next'))).toThrow('ENOENT')
    }))
})
