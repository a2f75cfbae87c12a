import { afterAll, beforeAll, expect, test } from 'vitest'
import { metadata } from '../../../src/protocol/api/03-metadata.ts'
import { saslHandshake } from '../../../src/protocol/api/17-sasl-handshake.ts'
import { saslAuthenticate } from '../../../src/protocol/api/36-sasl-authenticate.ts'
import { plainToken } from '../../../src/security/plain.ts'
import { formatPrincipal } from '../../../src/security/principal.ts'
import { RawClient } from '../../support/raw-client.ts'
import { startTestBroker, type TestBroker } from '../../support/test-broker.ts'

const LIFETIME_MS = 300
let broker: TestBroker
const principals: string[] = []
beforeAll(async () => {
  broker = await startTestBroker({
    topics: { t: 1 },
    plainUsers: { alice: 'wonder', bob: 'builder' },
    authorizer: { isAllowed: ({ principal }) => principals.push(formatPrincipal(principal)) > 0, authorizedOperations: () => 0 },
    properties: {
      listeners: 'SHORT://127.0.0.1:0,LONG://127.0.0.1:0',
      'listener.security.protocol.map': 'SHORT:SASL_PLAINTEXT,LONG:SASL_PLAINTEXT',
      'inter.broker.listener.name': 'SHORT',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
      'connections.max.reauth.ms': '10000',
      'listener.name.short.connections.max.reauth.ms': '20000',
      'listener.name.short.plain.connections.max.reauth.ms': String(LIFETIME_MS),
      'connection.failed.authentication.delay.ms': '0',
    },
  })
})
afterAll(() => broker.end())

const lifetime = () => new Promise((resolve) => setTimeout(resolve, LIFETIME_MS + 20))
const expired = () => broker.metrics.watched!.authentications().find(({ listener }) => listener === 'SHORT')!.expired
/** The last answer of a login. */
const logIn = async (client: RawClient, username: string, password: string, mechanism = 'PLAIN') => {
  client.request(saslHandshake, 1, 1, { mechanism })
  const { body } = await client.response(saslHandshake, 1)
  if (body.errorCode !== 0) return { errorCode: body.errorCode, errorMessage: null, sessionLifetimeMs: 0 }
  client.request(saslAuthenticate, 1, 2, { authBytes: plainToken(username, password) })
  return (await client.response(saslAuthenticate, 1)).body
}
const ask = (client: RawClient) => client.request(metadata, 1, 3, { topics: [{ name: 't' }] })

test('clients are told how long a login lasts, by listener and mechanism', async () => {
  const short = await RawClient.open(broker.ports.get('SHORT')!)
  expect(await logIn(short, 'alice', 'wonder')).toMatchObject({ errorCode: 0, sessionLifetimeMs: LIFETIME_MS })
  const long = await RawClient.open(broker.ports.get('LONG')!)
  expect(await logIn(long, 'alice', 'wonder')).toMatchObject({ errorCode: 0, sessionLifetimeMs: 10_000 })
  short.end()
  long.end()
})

test('a connection goes on for ever where its login is repeated', async () => {
  const client = await RawClient.open(broker.ports.get('SHORT')!)
  await logIn(client, 'alice', 'wonder')
  for (let round = 0; round < 2; round++) {
    // Apache's broker takes no second login within a second of the last one.
    await new Promise((resolve) => setTimeout(resolve, round === 0 ? LIFETIME_MS + 20 : 1000))
    expect(await logIn(client, 'alice', 'wonder')).toMatchObject({ errorCode: 0, sessionLifetimeMs: LIFETIME_MS })
    ask(client)
    expect((await client.response(metadata, 1)).body.topics[0]!.name).toBe('t')
    expect(principals.at(-1)).toBe('User:alice')
  }
  expect(await logIn(client, 'alice', 'wonder')).toMatchObject({ errorCode: 34 })
  client.end()
})

test('a connection whose login has expired is closed at the next request', async () => {
  const before = expired()
  const client = await RawClient.open(broker.ports.get('SHORT')!)
  await logIn(client, 'alice', 'wonder')
  ask(client)
  await client.response(metadata, 1)
  await lifetime()
  expect(client.isClosed).toBe(false)
  ask(client)
  expect(await client.next()).toBeUndefined()
  expect(expired()).toBe(before + 1)
})

test('nothing else may be asked in the middle of a login', async () => {
  const client = await RawClient.open(broker.ports.get('SHORT')!)
  await logIn(client, 'alice', 'wonder')
  client.request(saslHandshake, 1, 1, { mechanism: 'PLAIN' })
  await client.response(saslHandshake, 1)
  ask(client)
  expect(await client.next()).toBeUndefined()
})

test.each([
  ['another principal', 'bob', 'builder', 'PLAIN', 'Cannot change principals during re-authentication from User.alice: User.bob'],
  [
    'another mechanism',
    'alice',
    'wonder',
    'SCRAM-SHA-512',
    "SASL mechanism 'SCRAM-SHA-512' requested by client is not supported for re-authentication of mechanism 'PLAIN'",
  ],
  ['a wrong password', 'alice', 'wrong', 'PLAIN', 'Authentication failed: Invalid username or password'],
])('a login cannot be repeated with %s', async (_what, username, password, mechanism, errorMessage) => {
  const client = await RawClient.open(broker.ports.get('SHORT')!)
  await logIn(client, 'alice', 'wonder')
  expect(await logIn(client, username, password, mechanism)).toMatchObject({ errorCode: 58, errorMessage })
  await client.closed
})
