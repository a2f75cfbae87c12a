import { afterAll, beforeAll, expect, test } from 'vitest'
import * as resources from '../../../src/kube/resources.ts'
import { eventually } from '../../support/net.ts'
import { startEmbeddedLab } from '../support/embedded-lab.ts'
import { makeNamespace } from '../support/lab.ts'
import { cluster } from '../support/objects.ts'
import { OperatorLab } from '../support/operator-lab.ts'

const lab = new OperatorLab()
beforeAll(() => lab.start(startEmbeddedLab))
afterAll(() => lab.stop())

const secret = (namespace: string, name: string, data: Record<string, string>): resources.Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  stringData: data,
})

test('nothing is made while a Secret of an external ZooKeeper is missing, and nothing that runs is touched when it goes', async () => {
  const namespace = await makeNamespace(lab.kube)
  const external = { connect: 'zk:2182', authentication: { secretRef: { name: 'login' } }, tls: { secretRef: { name: 'authority' } } }
  const object = cluster('ant', namespace, { zookeeper: { external } })
  const message = async () => (await lab.readyOf(object))?.message
  const sets = async () => (await lab.kube.list(resources.statefulSets, { namespace })).items
  const set = async () => (await sets()).find(({ metadata }) => metadata.name === 'ant-kafka')
  await lab.put(object)
  await lab.becomes(object, 'SecretNotFound')
  expect(await message()).toBe('zookeeper.external.authentication: the Secret login must be there and have the keys username and password')
  await lab.kube.create(resources.secrets, secret(namespace, 'login', { username: 'kafka', password: 'so secret' }))
  await eventually(async () => (await message())?.startsWith('zookeeper.external.tls: the Secret authority'), {
    timeoutMs: 3000,
    what: 'the next Secret is missing',
  })
  expect(await sets()).toEqual([])
  await lab.kube.create(resources.secrets, secret(namespace, 'authority', { 'ca.crt': 'PEM' }))
  const before = await eventually(set, { timeoutMs: 3000, what: 'the brokers' })
  expect(JSON.stringify(before)).not.toContain('so secret')
  const made = await lab.kube.get(resources.secrets, { namespace, name: 'ant-zookeeper-login' })
  expect(Buffer.from(made!.data!['client.jaas.conf']!, 'base64').toString()).toContain('password="so secret"')
  await lab.kube.delete(resources.secrets, { namespace, name: 'authority' })
  await lab.becomes(object, 'SecretNotFound')
  expect((await set())?.metadata.resourceVersion).toBe(before.metadata.resourceVersion)
}, 60_000)
