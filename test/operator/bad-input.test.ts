import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { namespaces } from '../../src/kube/resources.ts'
import { keyOf } from '../../src/kube/types.ts'
import { badInputs, references, wronglyAnswered } from './bad-input.ts'
import { startEmbeddedLab } from './support/embedded-lab.ts'
import { acl, cluster, topic, user } from './support/objects.ts'
import { OperatorLab, resourceOf, type Kind } from './support/operator-lab.ts'
import { RULES } from './support/rules.ts'

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

test('the examples are taken as they are', async () => {
  for (const file of readdirSync('examples')) {
    for (const document of parseAllDocuments(readFileSync(join('examples', file), 'utf8'))) {
      const object = document.toJS() as Kind
      object.metadata = { ...object.metadata, namespace: NS }
      const { spec } = await place.kube.create(resourceOf(object), object, { dryRun: true })
      expect(spec, `${file} ${object.kind} ${object.metadata.name}: a field that is not there`).toMatchObject(object.spec)
    }
  }
})

const absent = { secretRef: { name: 'absent' } }
/** A resource for each field that refers to another object, and the reason that it has while that is not there. */
const DANGLING: Record<string, { object: Kind; reason: string }> = {
  'Topic spec.clusterRef': { object: topic('dangling', NS, { clusterRef: { name: 'absent' } }), reason: 'ClusterNotFound' },
  'User spec.clusterRef': { object: user('dangling', NS, { clusterRef: { name: 'absent' } }), reason: 'ClusterNotFound' },
  'Acl spec.clusterRef': { object: acl('dangling', NS, { clusterRef: { name: 'absent' } }), reason: 'ClusterNotFound' },
  'User spec.authentication.password.secretKeyRef': {
    object: user('password', NS, { authentication: { password: { secretKeyRef: { name: 'absent', key: 'x' } } } }),
    reason: 'SecretNotFound',
  },
  'Cluster spec.listeners[0].tls.secretRef': {
    object: cluster('certificate', NS, { listeners: [{ name: 'tls', port: 9092, tls: { enabled: true, ...absent } }] }),
    reason: 'CertificateInvalid',
  },
  'Cluster spec.zookeeper.external.authentication.secretRef': {
    object: cluster('login', NS, { zookeeper: { external: { connect: 'zk:2181', authentication: absent } } }),
    reason: 'SecretNotFound',
  },
  'Cluster spec.zookeeper.external.tls.secretRef': {
    object: cluster('trust', NS, { zookeeper: { external: { connect: 'zk:2182', tls: absent } } }),
    reason: 'SecretNotFound',
  },
}

test('what is not there and is referred to is named in the condition', async () => {
  expect(Object.keys(DANGLING).toSorted()).toEqual(references().toSorted())
  await servedCluster('ant', {}, NS)
  for (const { object, reason } of Object.values(DANGLING)) {
    await put(object)
    await becomes(object, reason)
    expect((await readyOf(object))?.message).toContain('absent')
  }
})
