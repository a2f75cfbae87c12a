import { appendFileSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { request, createServer } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCertificate } from '../../../src/security/certificates.ts'
import type { ApiServer } from '../../../src/local/apiserver/types.ts'
import { removeDirectory, temporaryDirectory } from '../../support/apache.ts'
import { ask, type Target } from '../../support/kube-exchanges.ts'
import { eventually } from '../../support/net.ts'
import { start, targetOf } from './start.ts'

const directory = temporaryDirectory('apiserver')
let server: ApiServer
let target: Target
beforeAll(async () => {
  server = await start(directory, { kubeletToken: 'kubelet-secret' })
  target = targetOf(server)
})
afterAll(async () => {
  await server.stop()
  removeDirectory(directory)
})

type Body = { [key: string]: any }
const call = async (method: string, path: string, body?: unknown, type?: string): Promise<{ code: number; body: Body }> => {
  const answer = await ask(target, { method, path, body, ...(type ? { type } : {}) })
  return { code: answer.code, body: JSON.parse(answer.text) as Body }
}
const MERGE = 'application/merge-patch+json'
const configMap = (name: string, data: object = {}): unknown => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data })
const pod = (name: string, spec: object = {}): unknown => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: name } },
  spec: { containers: [{ name: 'c', image: 'sofakafka:1' }], ...spec },
})

/** Reads a watch until `count` events came or it ended. */
const watch = (path: string, count: number, during?: () => Promise<unknown>): Promise<Body[]> =>
  new Promise((resolve, reject) => {
    const events: Body[] = []
    let rest = ''
    const stream = request(target.url + path, { ca: target.ca, headers: { authorization: `Bearer ${target.token}` } }, (response) => {
      response.on('data', (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split('\n')
        rest = lines.pop()!
        events.push(...lines.map((line) => JSON.parse(line) as Body))
        if (events.length >= count) {
          stream.destroy()
          resolve(events)
        }
      })
      response.on('end', () => resolve(events))
      response.on('error', () => resolve(events))
      during?.().catch(reject)
    })
    stream.on('error', (error) => (events.length >= count ? undefined : reject(error)))
    stream.end()
  })

const rawStatus = (options: { host?: string; token?: string; path?: string }): Promise<number> =>
  new Promise((resolve, reject) => {
    const headers: Record<string, string> = { host: options.host ?? `127.0.0.1:${server.port}` }
    if (options.token) headers['authorization'] = `Bearer ${options.token}`
    const one = request(
      { host: '127.0.0.1', port: server.port, path: options.path ?? '/api', ca: target.ca, servername: 'localhost', headers },
      (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      },
    )
    one.on('error', reject)
    one.end()
  })

test('nobody without a token gets in, but /livez answers', async () => {
  expect(await rawStatus({})).toBe(401)
  expect(await rawStatus({ token: 'wrong' })).toBe(401)
  expect(await rawStatus({ token: target.token })).toBe(200)
  expect(await rawStatus({ path: '/livez' })).toBe(200)
})

test('another name in the Host header is refused, even with a token', async () => {
  expect(await rawStatus({ host: 'evil.example', token: target.token })).toBe(403)
  expect(await rawStatus({ host: `localhost:${server.port}`, token: target.token })).toBe(200)
  expect(await rawStatus({ host: '127.0.0.1:1', token: target.token })).toBe(403)
})

test('keys and tokens are readable by their owner only', () => {
  expect(statSync(server.kubeconfigPath).mode & 0o777).toBe(0o600)
  expect(statSync(join(directory, 'certificates.json')).mode & 0o777).toBe(0o600)
  expect(readFileSync(join(directory, 'tokens'), 'utf8')).not.toContain(target.token)
})

test('a body of more than 3 MiB is refused', async () => {
  const answer = await call('POST', '/api/v1/namespaces/default/configmaps', configMap('big', { a: 'x'.repeat(3 << 20) })).catch(
    (error: Error) => error,
  )
  if (answer instanceof Error) expect(answer.message).toMatch(/EPIPE|ECONNRESET|socket hang up/)
  else expect(answer.code).toBe(413)
})

test('a watch tells of additions, changes and deletions in order, and of what leaves its selector', async () => {
  const list = await call('GET', '/api/v1/namespaces/default/configmaps')
  const path = `/api/v1/namespaces/default/configmaps?watch=true&labelSelector=w%3D1&resourceVersion=${list.body['metadata'].resourceVersion}`
  const events = await watch(path, 4, async () => {
    await call('POST', '/api/v1/namespaces/default/configmaps', configMap('unlabelled'))
    const one = { ...(configMap('w') as Body), metadata: { name: 'w', labels: { w: '1' } } }
    await call('POST', '/api/v1/namespaces/default/configmaps', one)
    await call('PATCH', '/api/v1/namespaces/default/configmaps/w', { data: { a: 'b' } }, MERGE)
    await call('PATCH', '/api/v1/namespaces/default/configmaps/w', { metadata: { labels: { w: '2' } } }, MERGE)
    await call('PATCH', '/api/v1/namespaces/default/configmaps/w', { metadata: { labels: { w: '1' } } }, MERGE)
  })
  expect(events.map((event) => event['type'])).toEqual(['ADDED', 'MODIFIED', 'DELETED', 'ADDED'])
  const versions = events.map((event) => Number(event['object'].metadata.resourceVersion))
  expect(versions).toEqual([...versions].sort((a, b) => a - b))
  expect(new Set(versions).size).toBe(4)
})

test('a watch without a version begins with what is there, and its end is marked on request', async () => {
  const path = '/api/v1/namespaces?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
  const events = await watch(path, 5)
  expect(events.map((event) => event['type'])).toEqual(['ADDED', 'ADDED', 'ADDED', 'ADDED', 'BOOKMARK'])
  expect(events[4]!['object'].metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' })
})

test('a watch from a version that is forgotten gets 410 in the stream', async () => {
  const first = await call('POST', '/api/v1/namespaces/default/configmaps', configMap('many', { n: '0' }))
  for (let batch = 0; batch < 42; batch++) {
    await Promise.all(
      Array.from({ length: 50 }, (_one, i) =>
        call('PATCH', '/api/v1/namespaces/default/configmaps/many', { data: { n: `${batch}-${i}` } }, MERGE),
      ),
    )
  }
  const events = await watch(`/api/v1/configmaps?watch=true&resourceVersion=${first.body['metadata'].resourceVersion}`, 1)
  expect(events[0]).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } })
}, 20_000)

test('pages of a list join to the whole', async () => {
  for (const name of ['p1', 'p2', 'p3']) {
    await call('POST', '/api/v1/namespaces/kube-public/configmaps', configMap(name))
  }
  const first = await call('GET', '/api/v1/namespaces/kube-public/configmaps?limit=2')
  expect(first.body['metadata'].remainingItemCount).toBe(1)
  const second = await call('GET', `/api/v1/namespaces/kube-public/configmaps?limit=2&continue=${first.body['metadata'].continue}`)
  expect([...first.body['items'], ...second.body['items']].map((one) => one.metadata.name)).toEqual(['p1', 'p2', 'p3'])
  expect(second.body['metadata'].continue).toBeUndefined()
})

test('a scheduled pod keeps its grace period until the kubelet deletes it with none', async () => {
  const pods = '/api/v1/namespaces/default/pods'
  await call('POST', pods, pod('graceful', { terminationGracePeriodSeconds: 7 }))
  const bound = await call('POST', `${pods}/graceful/binding`, {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'graceful' },
    target: { kind: 'Node', name: 'n1' },
  })
  expect(bound.code).toBe(201)
  expect((await call('GET', `${pods}?fieldSelector=spec.nodeName%3Dn1`)).body['items']).toHaveLength(1)
  expect((await call('POST', `${pods}/graceful/binding`, { target: { name: 'n2' } })).code).toBe(409)
  const deleted = await call('DELETE', `${pods}/graceful`)
  expect(deleted.body['metadata'].deletionGracePeriodSeconds).toBe(7)
  expect((await call('GET', `${pods}/graceful`)).code).toBe(200)
  await call('DELETE', `${pods}/graceful`, { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 })
  expect((await call('GET', `${pods}/graceful`)).code).toBe(404)
})

test('an eviction waits for the disruption budget', async () => {
  const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets'
  await call('POST', '/api/v1/namespaces/default/pods', pod('evicted'))
  await call('POST', budgets, {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'b' },
    spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'evicted' } } },
  })
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'evicted' } }
  expect((await call('POST', '/api/v1/namespaces/default/pods/evicted/eviction', eviction)).code).toBe(429)
  await call('PATCH', `${budgets}/b/status`, { status: { disruptionsAllowed: 1 } }, MERGE)
  expect((await call('POST', '/api/v1/namespaces/default/pods/evicted/eviction', eviction)).code).toBe(201)
  expect((await call('GET', '/api/v1/namespaces/default/pods/evicted')).code).toBe(404)
})

test('a service account token says who it is, and ends with the pod that it is bound to', async () => {
  await call('POST', '/api/v1/namespaces/default/serviceaccounts', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'robot' },
  })
  const bound = await call('POST', '/api/v1/namespaces/default/pods', pod('owner'))
  const issued = await call('POST', '/api/v1/namespaces/default/serviceaccounts/robot/token', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences: [], boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'owner', uid: bound.body['metadata'].uid } },
  })
  const as = { ...target, token: issued.body['status'].token as string }
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
  const who = await ask(as, { method: 'POST', path: '/apis/authentication.k8s.io/v1/selfsubjectreviews', body: review })
  expect(JSON.parse(who.text).status.userInfo).toMatchObject({
    username: 'system:serviceaccount:default:robot',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
  })
  await call('DELETE', '/api/v1/namespaces/default/pods/owner')
  expect((await ask(as, { method: 'GET', path: '/api' })).code).toBe(401)
})

test('an event of events.k8s.io is the same object under v1, with its names', async () => {
  const metadata = { name: 'e.1', namespace: 'default' }
  const regarding = { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace: 'default' }
  const event = {
    metadata,
    regarding,
    note: 'started',
    reason: 'Started',
    type: 'Normal',
    action: 'Start',
    eventTime: '2026-01-01T00:00:00.000000Z',
  }
  const source = { reportingController: 'sofakafka.io/operator', reportingInstance: 'x' }
  const path = '/apis/events.k8s.io/v1/namespaces/default/events'
  await call('POST', path, { apiVersion: 'events.k8s.io/v1', kind: 'Event', ...event, ...source })
  const core = (await call('GET', '/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dp')).body['items']
  expect(core).toHaveLength(1)
  expect(core[0]).toMatchObject({ message: 'started', involvedObject: regarding, reportingComponent: 'sofakafka.io/operator' })
  await call('PATCH', `${path}/e.1`, { note: 'again' }, MERGE)
  expect((await call('GET', `${path}/e.1`)).body).toMatchObject({ apiVersion: 'events.k8s.io/v1', note: 'again', regarding })
  expect((await call('GET', '/api/v1/namespaces/default/events/e.1')).body).toMatchObject({ apiVersion: 'v1', message: 'again' })
})

test('a deleted namespace takes nothing new and goes when it is finalized', async () => {
  await call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'leaving' } })
  expect((await call('DELETE', '/api/v1/namespaces/leaving')).body['status'].phase).toBe('Terminating')
  const refused = await call('POST', '/api/v1/namespaces/leaving/configmaps', configMap('late'))
  expect(refused).toMatchObject({ code: 403, body: { details: { causes: [{ reason: 'NamespaceTerminating' }] } } })
  const namespace = (await call('GET', '/api/v1/namespaces/leaving')).body
  await call('PUT', '/api/v1/namespaces/leaving/finalize', { ...namespace, spec: { finalizers: [] } })
  expect((await call('GET', '/api/v1/namespaces/leaving')).code).toBe(404)
})

const definition = (plural: string, spec: object): Body => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.test.sofakafka.io` },
  spec: {
    group: 'test.sofakafka.io',
    scope: 'Namespaced',
    names: { plural, kind: plural[0]!.toUpperCase() + plural.slice(1, -1) },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', ...spec } } } },
      },
    ],
  },
})
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

test('a deleted definition takes its objects with it, and waits for their finalizers', async () => {
  await call('POST', CRDS, definition('things', {}))
  const things = '/apis/test.sofakafka.io/v1/namespaces/default/things'
  const thing = (name: string, metadata: object = {}): unknown => ({
    apiVersion: 'test.sofakafka.io/v1',
    kind: 'Thing',
    metadata: { name, ...metadata },
    spec: {},
  })
  await call('POST', things, thing('free'))
  await call('POST', things, thing('held', { finalizers: ['sofakafka.io/x'] }))
  await call('DELETE', `${CRDS}/things.test.sofakafka.io`)
  await eventually(async () => (await call('GET', `${things}/free`)).code === 404)
  const waiting = await call('GET', `${CRDS}/things.test.sofakafka.io`)
  expect(waiting.body['status'].conditions.at(-1)).toMatchObject({ type: 'Terminating', status: 'True' })
  await call('PATCH', `${things}/held`, { metadata: { finalizers: null } }, MERGE)
  await eventually(async () => (await call('GET', `${CRDS}/things.test.sofakafka.io`)).code === 404)
  expect((await ask(target, { method: 'GET', path: things })).code).toBe(404)
})

test('a rule with a function that is not served makes the definition unaccepted, in words', async () => {
  const rules = { properties: { a: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self.frobnicate()' }] } } }
  const refused = await call('POST', CRDS, definition('others', rules))
  expect(refused.code).toBe(422)
  expect(refused.body['message']).toContain('x-kubernetes-validations[0].rule')
  expect(refused.body['message']).toContain('frobnicate')
})

test('what the local mode does not serve is refused in words', async () => {
  await call('POST', '/api/v1/namespaces/default/pods', pod('lonely'))
  expect(await call('POST', '/api/v1/namespaces/default/pods/lonely/exec?command=ls')).toMatchObject({ code: 501 })
  expect((await call('GET', '/api/v1/namespaces/default/gadgets')).code).toBe(404)
  expect((await call('PUT', '/api/v1/namespaces/default/configmaps', {})).code).toBe(405)
  const proto = await ask(target, {
    method: 'POST',
    path: '/api/v1/namespaces/default/pods',
    body: 'k8s\0',
    type: 'application/vnd.kubernetes.protobuf',
  })
  expect(proto.code).toBe(415)
})

test('logs come from the kubelet that the node names, with the token that both know', async () => {
  const seen: string[] = []
  const own = createCertificate({ commonName: 'kubelet', nowMs: Date.now() })
  const kubelet = createServer({ cert: own.certificatePem, key: own.keyPem }, (asked, response) => {
    seen.push(`${asked.url} ${asked.headers.authorization}`)
    response.end('line 1\nline 2\n')
  })
  const port = await new Promise<number>((resolve) =>
    kubelet.listen(0, '127.0.0.1', () => resolve((kubelet.address() as { port: number }).port)),
  )
  await call('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'logs' } })
  const status = { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: port } } }
  await call('PATCH', '/api/v1/nodes/logs/status', { status }, MERGE)
  await call('POST', '/api/v1/namespaces/default/pods', pod('talker', { nodeName: 'logs' }))
  const answer = await ask(target, { method: 'GET', path: '/api/v1/namespaces/default/pods/talker/log?tailLines=2&container=c' })
  expect(answer).toMatchObject({ code: 200, text: 'line 1\nline 2\n' })
  expect(seen).toEqual(['/containerLogs/default/talker/c?tailLines=2 Bearer kubelet-secret'])
  kubelet.close()
})

test('a client that sends garbage does not disturb the others', async () => {
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('GET / HTTP/1.1\r\n\r\n')
  await new Promise((resolve) => socket.once('close', resolve))
  expect((await call('GET', '/version')).body['gitVersion']).toContain('sofakafka')
})

test('everything is there again after a restart, and a torn end of the journal is dropped', async () => {
  const own = temporaryDirectory('apiserver-restart')
  const first = await start(own, { serviceCidr: '127.9.128.0/17' })
  const token = first.issueToken({ user: 'someone', groups: ['g'] })
  const before = { ...targetOf(first) }
  const create = (name: string) => ask(before, { method: 'POST', path: '/api/v1/namespaces/default/configmaps', body: configMap(name) })
  await create('kept')
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { ports: [{ port: 1 }] } }
  await ask(before, { method: 'POST', path: '/api/v1/namespaces/default/services', body: service })
  await create('deleted')
  await ask(before, { method: 'DELETE', path: '/api/v1/namespaces/default/configmaps/deleted' })
  const listed = JSON.parse((await ask(before, { method: 'GET', path: '/api/v1/namespaces/default/services' })).text) as Body
  expect(listed['items'][0].spec.clusterIP).toMatch(/^127\.9\.1(2[89]|[3-9]\d)\.|^127\.9\.2/)
  await first.stop()
  const journal = readdirSync(own).find((name) => name.startsWith('journal-'))!
  appendFileSync(join(own, journal), '00000000 {"revision":999,"resource":"/configmaps","key":"default/torn"')
  const second = await start(own, { serviceCidr: '127.9.128.0/17' })
  expect(second.caCertificate).toBe(first.caCertificate)
  const after = { url: second.url, ca: second.caCertificate, token }
  expect((await ask(after, { method: 'GET', path: '/api/v1/namespaces/default/configmaps/kept' })).code).toBe(200)
  expect((await ask(after, { method: 'GET', path: '/api/v1/namespaces/default/configmaps/deleted' })).code).toBe(404)
  const again = JSON.parse((await ask(after, { method: 'GET', path: '/api/v1/namespaces/default/services' })).text) as Body
  expect(again['items'][0].spec.clusterIP).toBe(listed['items'][0].spec.clusterIP)
  expect(Number(again['metadata'].resourceVersion)).toBe(Number(listed['metadata'].resourceVersion))
  await second.stop()
  removeDirectory(own)
})

test('it stops while somebody is connected who has said nothing', async () => {
  const own = temporaryDirectory('apiserver-stops')
  const other = await start(own)
  const socket = connect({ port: other.port, host: '127.0.0.1' })
  const ended = new Promise((resolve) => socket.once('close', resolve))
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve))
  // A request's answer: by then the server has accepted the connection before it, too.
  await ask(targetOf(other), { method: 'GET', path: '/api' })
  await other.stop()
  await ended
  removeDirectory(own)
})
