import { afterAll, beforeAll, expect, test } from 'vitest'
import { namespaces } from '../../src/kube/resources.ts'
import { keyOf } from '../../src/kube/types.ts'
import { badInputs, references, wronglyAnswered } from './bad-input.ts'
import { startEmbeddedLab } from './embedded-lab.ts'
import { acl, cluster, topic, user } from './objects.ts'
import { OperatorLab, resourceOf, type Kind } from './operator-lab.ts'
import { RULES } from './rules.ts'

const NS = 'bad-input'
const place = new OperatorLab()
const { put, becomes, readyOf, servedCluster } = place
beforeAll(async () => {
  await place.start(startEmbeddedLab)
  await place.kube.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NS } })
})
afterAll(() => place.stop())

const INPUTS = badInputs([cluster('a', NS), topic('a', NS), user('a', NS), acl('a', NS)])

test('every field of every kind refuses another type and what is out of its range, and says which field', async () => {
  expect(INPUTS.length).toBeGreaterThan(300)
  expect(await wronglyAnswered(place.kube, INPUTS, NS)).toEqual([])
})

test.each(RULES)('refuses $what in words', async ({ before, write, words }) => {
  const named = (object: Kind): Kind => ({ ...object, metadata: { ...object.metadata, namespace: NS } }) as Kind
  const there = before && (await place.kube.create(resourceOf(before), named(before)))
  const written = named(write)
  written.metadata.resourceVersion = there?.metadata.resourceVersion
  const answer = await place.kube[there ? 'update' : 'create'](resourceOf(write), written).then(
    () => 'accepted',
    (error: Error) => error.message,
  )
  if (before) {
    await place.kube.patch(resourceOf(before), keyOf(named(before)), 'merge', { metadata: { finalizers: null } })
    await place.kube.delete(resourceOf(before), keyOf(named(before)))
  }
  expect(answer).toContain(words)
})

/** What becomes of a resource that refers to what is not there. Those of a Cluster that need more than this place stand elsewhere, as the second column says. */
const DANGLING: Record<string, Kind | string> = {
  'Topic spec.clusterRef': topic('dangling', NS, { clusterRef: { name: 'absent' } }),
  'User spec.clusterRef': user('dangling', NS, { clusterRef: { name: 'absent' } }),
  'Acl spec.clusterRef': acl('dangling', NS, { clusterRef: { name: 'absent' } }),
  'User spec.authentication.password.secretKeyRef': user('password', NS, {
    authentication: { password: { secretKeyRef: { name: 'absent', key: 'x' } } },
  }),
  'Cluster spec.listeners[0].tls.secretRef': 'test/operator/certificates.test.ts',
  'Cluster spec.zookeeper.external.authentication.secretRef': 'test/operator/zookeeper.test.ts',
}

test('what is not there and is referred to is named in the condition, with what to do', async () => {
  expect(references().toSorted()).toEqual(Object.keys(DANGLING).toSorted())
  await servedCluster('ant', {}, NS)
  for (const object of Object.values(DANGLING)) {
    if (typeof object === 'string') continue
    await put(object)
    await becomes(object, object.metadata.name === 'password' ? 'SecretNotFound' : 'ClusterNotFound')
    expect((await readyOf(object))?.message).toMatch(/absent.*: make it/)
  }
})
