import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLogger } from '../../src/base/logger.ts'
import { keyOf } from '../../src/kube/types.ts'
import { startEmbeddedLab } from './support/embedded-lab.ts'
import { acl, topic, user } from './support/objects.ts'
import { OperatorLab, resourceOf, type Kind } from './support/operator-lab.ts'

type Line = { msg: string; kind?: string; key?: unknown; cluster?: unknown }
const lines: Line[] = []
const out = { write: (text: string) => void lines.push(JSON.parse(text) as Line) }

const place = new OperatorLab()
beforeAll(async () => {
  await place.start(startEmbeddedLab)
  await place.operator.stop()
  place.operator = await place.startOperator({ logger: createLogger('operator', 'debug', out) })
  await place.operator.leading
})
afterAll(() => place.stop())

const keysOf = (msg: string, kind: string) => lines.filter((line) => line.msg === msg && line.kind === kind).map(({ key }) => key)

test('every line about a resource has its kind and its namespace and name as text', async () => {
  const { namespace, object: ant, kafka } = await place.servedCluster()
  const served: Kind[] = [topic('t', namespace, { deletionPolicy: 'Delete' }), user('u', namespace), acl('a', namespace, { user: 'u' })]
  for (const object of served) await place.put(object)
  for (const object of served) await place.becomes(object, 'Ready')
  kafka.isReachable = false
  place.contacts.unreachableForMs = 88_888
  await place.kube.delete(resourceOf(served[0]!), keyOf(served[0]!))
  await place.isGone(served[0]!)

  for (const object of [ant, ...served])
    expect(keysOf('reconciled', object.kind), object.kind).toContain(`${namespace}/${object.metadata.name}`)
  expect(keysOf('released although Kafka cannot be reached', 'Topic')).toEqual([`${namespace}/t`])
  for (const line of lines)
    for (const value of [line.key, line.cluster]) expect([undefined, expect.stringContaining('/')], line.msg).toContainEqual(value)
})
