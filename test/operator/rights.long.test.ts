import { execFileSync } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { clusters } from '../../src/api/index.ts'
import { monotonicClock } from '../../src/base/clock.ts'
import { KubeClient } from '../../src/kube/client.ts'
import * as resources from '../../src/kube/resources.ts'
import { homeOf } from '../../src/operator/entrance.ts'
import { MANAGER, RESTARTED_AT } from '../../src/operator/names.ts'
import { lacks } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { startControlledLab } from './support/embedded-lab.ts'
import { acl, cluster, topic, user } from './support/objects.ts'
import { OperatorLab, resourceOf } from './support/operator-lab.ts'

type Rule = { apiGroups: string[]; resources: string[]; verbs: string[] }

/** GROUP/RESOURCE VERB of every right that the chart's ClusterRole gives. */
const granted = (): Set<string> => {
  const args = ['template', 'sofakafka', join('charts', 'sofakafka'), '--kube-version', '1.33.0']
  const objects = parseAllDocuments(execFileSync('helm', args, { encoding: 'utf8' })).map((each) => each.toJS() as { kind: string; metadata: { name: string }; rules?: Rule[] }) // prettier-ignore
  const rules = objects.filter(({ kind, metadata }) => kind === 'ClusterRole' && !/-(edit|view)$/.test(metadata.name)).flatMap((role) => role.rules ?? []) // prettier-ignore
  return new Set(rules.flatMap((rule) => rule.apiGroups.flatMap((group) => rule.resources.flatMap((each) => rule.verbs.map((verb) => `${group}/${each} ${verb}`))))) // prettier-ignore
}

const VERBS: Record<string, string> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

/** What RBAC asks for to let a request in; undefined: it is none on a resource. */
const rightFor = (method: string, path: string): string | undefined => {
  const url = new URL(path, 'http://api')
  const match = /^\/(?:api|apis\/([^/]+))\/[^/]+\/(?:namespaces\/[^/]+\/(?=[^/]+))?([a-z]+)(?:\/([^/]+)(?:\/([a-z]+))?)?$/.exec(
    url.pathname,
  )
  if (!match) return undefined
  const [, group = '', resource, name, subresource] = match
  const reads = url.searchParams.has('watch') ? 'watch' : name === undefined ? 'list' : 'get'
  return `${group}/${resource}${subresource ? `/${subresource}` : ''} ${VERBS[method] ?? reads}`
}

/** Asked for by an API server that checks owner references; no call has them. */
const WITHOUT_CALLS = ['sofakafka.io/clusters/finalizers update', 'sofakafka.io/users/finalizers update']
/** By the Role of the Lease, in the operator's own namespace. */
const OF_THE_LEASE = /^coordination\.k8s\.io\/leases /

describe.skipIf(lacks('helm'))('the rights of the operator', () => {
  const place = new OperatorLab()
  const called = new Set<string>()
  const note = (message: unknown): void => {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage }
    const right = request.getHeader('user-agent') === MANAGER ? rightFor(request.method, request.path) : undefined
    if (right === undefined) return
    called.add(right)
    // An object that server-side apply makes needs this right too.
    if (request.method === 'PATCH' && response.statusCode === 201) called.add(right.replace(/ patch$/, ' create'))
  }
  beforeAll(async () => {
    subscribe('http.client.response.finish', note)
    await place.start(startControlledLab)
    await place.operator.stop()
    place.operator = await place.startOperator({ operatorPods: { namespace: 'default', labels: { app: 'operator' } } })
    await place.operator.leading
  })
  afterAll(async () => {
    await place.stop()
    unsubscribe('http.client.response.finish', note)
  })

  test('are those that it uses when clusters change in every way, and no others', async () => {
    const brokers = [0, 1, 100].map((id) => ({ id, host: `b${id}.example` }))
    const external = {
      name: 'external',
      port: 9094,
      type: 'LoadBalancer',
      tls: { enabled: true },
      bootstrap: { host: 'b.example' },
      brokers,
    }
    const big = { name: 'big-kafka', replicas: 1, firstId: 100, storage: { size: '1Gi' } }
    const group = (size: string) => ({ name: 'kafka', replicas: 2, storage: { size } })
    const { namespace, object } = await place.readyCluster('ant', { brokers: [group('1Gi'), big] }, 3)
    /** As nodes would, until everything is as it was asked for. */
    const settles = async (isDone: () => Promise<unknown>, what: string) =>
      eventually(
        async () => {
          for (const [index, pod] of (await place.kube.list(resources.pods, { namespace })).items.entries())
            await place.makeReady(pod, index)
          return (await place.readyOf(object))?.reason === 'Ready' && (await isDone())
        },
        { timeoutMs: 40_000, everyMs: 300, what },
      )
    const setOf = (name: string) => place.kube.get(resources.statefulSets, { namespace, name })
    const put = (spec: Record<string, unknown>) => place.put(cluster('ant', namespace, spec))
    const dependents = [topic('t', namespace, { deletionPolicy: 'Delete' }), user('u', namespace), acl('x', namespace, { user: 'u' })]
    for (const one of dependents) await place.put(one)
    for (const one of dependents) await place.becomes(one, 'Ready')

    await put({ brokers: [group('1Gi'), big], listeners: [external] })
    await settles(async () => place.kube.get(resources.services, { namespace, name: 'ant-external-0' }), 'a listener outside')
    await put({ brokers: [group('2Gi')] })
    const sizeOf = async () => JSON.stringify((await setOf('ant-kafka'))?.spec.volumeClaimTemplates)
    await settles(async () => !(await setOf('ant-big-kafka')) && (await sizeOf()).includes('2Gi'), 'larger volumes, one group less')
    await place.kube.patch(clusters, { namespace, name: 'ant' }, 'merge', { metadata: { annotations: { [RESTARTED_AT]: 'now' } } })
    await settles(async () => (await setOf('ant-kafka'))?.spec.template.metadata?.annotations?.[RESTARTED_AT] === 'now', 'a restart')
    for (const one of dependents) await place.kube.delete(resourceOf(one), { namespace, name: one.metadata.name })
    for (const one of dependents) await place.isGone(one)
    // The contacts of this lab are a fake; those that are none ask for it when they are opened.
    const client = new KubeClient({ connection: place.connection, clock: monotonicClock, fieldManager: MANAGER, appliedAnnotation: 'none' })
    await homeOf(client)({ namespace, name: 'ant' })
    client.close()

    const rights = granted()
    const used = [...called].filter((right) => !OF_THE_LEASE.test(right))
    expect(used.filter((right) => !rights.has(right)).toSorted()).toEqual([])
    expect([...rights].filter((right) => !called.has(right)).toSorted()).toEqual(WITHOUT_CALLS)
  }, 200_000)
})
