import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { topics, type Acl, type Topic, type User } from '../../src/api/index.ts'
import { keyOf } from '../../src/kube/types.ts'
import { aclClaims } from '../../src/operator/acl/reconcile.ts'
import { refusalOf, type Dependent, type Named } from '../../src/operator/claims.ts'
import type { Environment } from '../../src/operator/environment.ts'
import { topicClaims } from '../../src/operator/topic/reconcile.ts'
import { userClaims } from '../../src/operator/user/reconcile.ts'
import { startEmbeddedLab } from './support/embedded-lab.ts'
import { makeNamespace } from './support/lab.ts'
import { acl, cluster, topic, user } from './support/objects.ts'
import { OperatorLab } from './support/operator-lab.ts'

const ANT = cluster('ant', 'kafka', {
  allowedNamespaces: [{ name: 'team', prefixes: ['team-a.', 'teama'] }],
  authorization: { superUsers: ['User:team-a.root', 'User:CN=team-a.boss'] },
})
const clusterRef = { name: 'ant', namespace: 'kafka' }
const nothing = { store: {} } as unknown as Environment
const namesOf = (object: Dependent): readonly Named[] => {
  if (object.kind === 'Topic') return topicClaims(nothing).namesOf(object as Topic)
  return object.kind === 'User' ? userClaims(nothing).namesOf(object as User) : aclClaims(nothing).namesOf(object as Acl)
}
const rules = (resource: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  acl('x', 'team', { clusterRef, user: 'team-a.app', rules: [{ resource, operations: ['Read'] }], ...more })

const ALLOWED: [string, Dependent][] = [
  ['a topic with a prefix', topic('team-a.orders', 'team', { clusterRef })],
  ['a topic whose name in Kafka has a prefix', topic('x', 'team', { clusterRef, name: 'teamaX' })],
  ['a user with a prefix', user('x', 'team', { clusterRef, username: 'team-a.app' })],
  ['rules for topics, groups and transactional ids with a prefix', rules({ type: 'Group', name: 'team-a.g' })],
  ['rules for all names below a prefix', rules({ type: 'TransactionalId', name: 'team-a.', patternType: 'Prefixed' })],
  ['anything in the own namespace', acl('x', 'kafka', { user: 'any', rules: [{ resource: { type: 'Cluster' }, operations: ['All'] }] })],
]
const REFUSED: [string, Dependent, string, string][] = [
  [
    'a namespace that is not listed',
    topic('team-a.x', 'other', { clusterRef }),
    'NamespaceNotAllowed',
    'add it to its spec.allowedNamespaces',
  ],
  ['a topic without a prefix', topic('orders', 'team', { clusterRef }), 'NameNotAllowed', 'must begin with one of team-a., teama'],
  ['a topic that has one in Kubernetes only', topic('team-a.x', 'team', { clusterRef, name: 'x' }), 'NameNotAllowed', 'x must begin with'],
  ['a user without a prefix', user('app', 'team', { clusterRef }), 'NameNotAllowed', 'app must begin with'],
  [
    'a super user',
    user('x', 'team', { clusterRef, username: 'team-a.root' }),
    'NameNotAllowed',
    'is a super user of the Cluster kafka/ant',
  ],
  ['rules for a super user', rules({ type: 'Topic', name: 'team-a.x' }, { user: 'team-a.root' }), 'NameNotAllowed', 'is a super user'],
  ["the operator's own user", user('x', 'team', { clusterRef, username: 'sofakafka-operator' }), 'NameNotAllowed', 'is a super user'],
  [
    "rules for the brokers' own user",
    rules({ type: 'Topic', name: 'team-a.x' }, { user: undefined, principal: 'User:sofakafka-broker' }),
    'NameNotAllowed',
    'is a super user',
  ],
  [
    'rules for everybody',
    rules({ type: 'Topic', name: 'team-a.x' }, { user: undefined, principal: 'User:*' }),
    'NameNotAllowed',
    '* must begin',
  ],
  ['rules for another principal', rules({ type: 'Topic', name: 'team-a.x' }, { user: 'other' }), 'NameNotAllowed', 'other must begin with'],
  ['rules for every topic', rules({ type: 'Topic', name: '*' }), 'NameNotAllowed', '* must begin with'],
  [
    'rules for a shorter prefix',
    rules({ type: 'Topic', name: 'team-', patternType: 'Prefixed' }),
    'NameNotAllowed',
    'team- must begin with',
  ],
  ['rules for the Cluster', rules({ type: 'Cluster' }), 'NameNotAllowed', 'may not have rules for the Cluster'],
  [
    'rules for tokens',
    rules({ type: 'DelegationToken', name: 'team-a.t' }),
    'NameNotAllowed',
    'may not have rules for the Cluster or its tokens',
  ],
]

describe('from another namespace', () => {
  test.each(ALLOWED)('%s is allowed', (_what, object) => {
    expect(refusalOf(ANT, object, namesOf(object))).toBeUndefined()
  })
  test.each(REFUSED)('%s is refused', (_what, object, reason, words) => {
    const verdict = refusalOf(ANT, object, namesOf(object))
    expect(verdict).toMatchObject({ state: 'stalled', reason })
    expect(verdict?.message).toContain(words)
  })
  test("Kafka's own topics are refused even where a prefix would let them in", () => {
    const careless = cluster('ant', 'kafka', { allowedNamespaces: [{ name: 'team', prefixes: ['_', 'team-a.'] }] })
    for (const resource of [
      { name: '__consumer_offsets' },
      { name: '_', patternType: 'Prefixed' },
      { name: '__', patternType: 'Prefixed' },
    ]) {
      const object = rules({ type: 'Topic', ...resource })
      expect(refusalOf(careless, object, namesOf(object))?.message, JSON.stringify(resource)).toContain("are Kafka's own")
    }
    const object = rules({ type: 'Topic', name: '_x' })
    expect(refusalOf(careless, object, namesOf(object))).toBeUndefined()
  })
})

describe('on an API server', () => {
  const place = new OperatorLab()
  const { put, read, readyOf, becomes, isGone, servedCluster } = place
  beforeAll(() => place.start(startEmbeddedLab))
  afterAll(() => place.stop())

  test('of two namespaces that name one topic the older resource has it, if it may', async () => {
    const team = await makeNamespace(place.kube)
    const { namespace, kafka } = await servedCluster('ant', { allowedNamespaces: [{ name: team, prefixes: ['shared'] }] })
    const ref = { name: 'ant', namespace }
    const forbidden = topic('forbidden', await makeNamespace(place.kube), { clusterRef: ref, name: 'shared' })
    await put(forbidden)
    await becomes(forbidden, 'NamespaceNotAllowed')
    await new Promise((resolve) => setTimeout(resolve, 1100))
    const older = topic('older', team, { clusterRef: ref, name: 'shared', deletionPolicy: 'Delete' })
    await put(older)
    await becomes(older, 'Ready')
    await new Promise((resolve) => setTimeout(resolve, 1100))
    const younger = topic('younger', namespace, { name: 'shared' })
    await put(younger)
    await becomes(younger, 'ResourceConflict')
    await place.kube.delete(topics, keyOf(older))
    await isGone(older)
    await becomes(younger, 'Ready')
    expect(kafka.topics.has('shared')).toBe(true)
  })

  test('a namespace that is no more allowed keeps what it has, and nothing of it is changed any more', async () => {
    const team = await makeNamespace(place.kube)
    const { namespace, object, kafka } = await servedCluster('ant', { allowedNamespaces: [{ name: team, prefixes: ['t'] }] })
    const one = topic('t1', team, { clusterRef: { name: 'ant', namespace }, deletionPolicy: 'Delete' })
    await put(one)
    await becomes(one, 'Ready')
    await place.kube.patch(
      { apiVersion: object.apiVersion, kind: 'Cluster', plural: 'clusters', namespaced: true },
      keyOf(object),
      'merge',
      { spec: { allowedNamespaces: null } },
    )
    await becomes(one, 'NamespaceNotAllowed')
    await place.kube.delete(topics, keyOf(one))
    await isGone(one)
    expect(kafka.topics.has('t1')).toBe(true)
  })

  test('an operator of some namespaces acts in those and sees no others', async () => {
    const [watched, other] = [await makeNamespace(place.kube), await makeNamespace(place.kube)]
    await place.operator.stop()
    place.operator = await place.startOperator({ watched: [watched, 'not-there-yet'] })
    await place.operator.leading
    const { kafka } = await servedCluster('ant', {}, watched)
    await servedCluster('far', {}, other)
    const [here, there, across] = [
      topic('here', watched),
      topic('there', other, { clusterRef: { name: 'far' } }),
      topic('across', watched, { clusterRef: { name: 'far', namespace: other } }),
    ]
    for (const one of [here, there, across]) await put(one)
    await becomes(here, 'Ready')
    await becomes(across, 'ClusterNotFound')
    expect((await readyOf(across))?.message).toBe(
      `there is no Cluster ${other}/far in the namespaces that this operator watches (${watched}, not-there-yet): make it, or let the operator watch its namespace`,
    )
    expect((await read(there)).status?.conditions).toBeUndefined()
    expect(kafka.topics.has('here')).toBe(true)
    await makeNamespace(place.kube, 'not-there-yet')
    const topicLater = topic('later', 'not-there-yet', { clusterRef: { name: 'later' } })
    await put(topicLater)
    await becomes(topicLater, 'ClusterNotFound')
  })
})
