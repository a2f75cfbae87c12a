import { afterAll, beforeAll, expect, test } from 'vitest'
import { metadata } from '../../../src/protocol/api/03-metadata.ts'
import { saslHandshake } from '../../../src/protocol/api/17-sasl-handshake.ts'
import { apiVersions } from '../../../src/protocol/api/18-api-versions.ts'
import { saslAuthenticate } from '../../../src/protocol/api/36-sasl-authenticate.ts'
import { passwordsFrom } from '../../../src/client/login.ts'
import { plainToken } from '../../../src/security/plain.ts'
import { credentialOfPassword, type ScramCredential, ScramClientExchange } from '../../../src/security/scram.ts'
import { RawClient } from '../../support/raw-client.ts'
import { startTestBroker, type TestBroker } from '../../support/test-broker.ts'
import { slowness } from '../../support/slowness.ts'

const DELAY_MS = 200
let broker: TestBroker
const principals: string[] = []
beforeAll(async () => {
  const credential: ScramCredential = await credentialOfPassword('SCRAM-SHA-512', 'right')
  broker = await startTestBroker({
    topics: { t: 1 },
    plainUsers: { alice: 'wonder' },
    scram: (mechanism, username) => (mechanism === 'SCRAM-SHA-512' && username === 'bob' ? credential : undefined),
    authorizer: { isAllowed: ({ principal }) => principals.push(`${principal.type}:${principal.name}`) > 0, authorizedOperations: () => 0 },
    properties: {
      listeners: 'SASL_PLAINTEXT://127.0.0.1:0',
      'security.inter.broker.protocol': 'SASL_PLAINTEXT',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,GSSAPI',
      'connection.failed.authentication.delay.ms': String(DELAY_MS),
    },
  })
})
afterAll(() => broker.end())

const framed = (body: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, body.length >> 8, body.length & 255]), body])

test('SCRAM and PLAIN logins give the principal that requests are authorized for', async () => {
  const scram = await broker.client({ sasl: { mechanism: 'SCRAM-SHA-512', username: 'bob', password: 'right' } })
  await scram.request(metadata, { topics: [{ name: 't' }] })
  expect(principals.pop()).toBe('User:bob')
  const plain = await broker.client({ sasl: { mechanism: 'PLAIN', username: 'alice', password: 'wonder' } })
  await plain.request(metadata, { topics: [{ name: 't' }] })
  expect(principals.pop()).toBe('User:alice')
  scram.close()
  plain.close()
})

test.each([
  ['SCRAM-SHA-512', 'bob', 'Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512'],
  ['SCRAM-SHA-512', 'nobody', 'Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512'],
  ['PLAIN', 'alice', 'Authentication failed: Invalid username or password'],
] as const)('a wrong %s login of %s fails with the words of Kafka', async (mechanism, username, message) => {
  await expect(broker.client({ sasl: { mechanism, username, password: 'wrong' } })).rejects.toMatchObject({
    error: 'SASL_AUTHENTICATION_FAILED',
    message: expect.stringContaining(message) as string,
  })
})

test('of several passwords the right one is found, and is the first that is tried from then on, also when it is written down no more', async () => {
  let written = ['wrong', 'right', 'never tried']
  const tried: string[] = []
  const passwords = passwordsFrom(() => written)
  const watched = { worked: passwords.worked, candidates: () => passwords.candidates().map((one) => (tried.push(one), one)) }
  const sasl = { mechanism: 'SCRAM-SHA-512', username: 'bob', password: watched } as const
  ;(await broker.client({ sasl })).close()
  expect(passwords.candidates()).toEqual(['right', 'wrong', 'never tried'])
  written = ['other']
  const startMs = performance.now()
  ;(await broker.client({ sasl })).close()
  const tookMs = performance.now() - startMs
  expect(tookMs).toBeLessThan(DELAY_MS * slowness())
  expect(tried).toEqual(['wrong', 'right', 'never tried', 'right', 'other'])
  const none = { ...sasl, password: passwordsFrom(() => ['wrong', 'also wrong']) }
  await expect(broker.client({ sasl: none })).rejects.toMatchObject({ error: 'SASL_AUTHENTICATION_FAILED' })
})

test('a failed login is answered late, and then the connection ends', async () => {
  const client = await RawClient.open(broker.port)
  client.request(saslHandshake, 1, 1, { mechanism: 'PLAIN' })
  expect((await client.response(saslHandshake, 1)).body).toEqual({ errorCode: 0, mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] })
  const startMs = performance.now()
  client.request(saslAuthenticate, 1, 2, { authBytes: plainToken('alice', 'guess') })
  client.request(metadata, 1, 3, { topics: null })
  expect((await client.response(saslAuthenticate, 1)).body.errorCode).toBe(58)
  expect(performance.now() - startMs).toBeGreaterThan(DELAY_MS - 5)
  await client.closed
  expect(await client.next()).toBeUndefined()
})

test('a mechanism that is not offered is answered with those that are', async () => {
  const client = await RawClient.open(broker.port)
  client.request(saslHandshake, 0, 1, { mechanism: 'GSSAPI' })
  expect((await client.response(saslHandshake, 0)).body).toEqual({ errorCode: 33, mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] })
  await client.closed
})

test('clients of 0.10 send bare tokens after a handshake of version 0', async () => {
  const client = await RawClient.open(broker.port)
  client.request(saslHandshake, 0, 1, { mechanism: 'SCRAM-SHA-512' })
  await client.response(saslHandshake, 0)
  const exchange = new ScramClientExchange('SCRAM-SHA-512', 'bob', 'right')
  client.send(framed(exchange.first()))
  client.send(framed(await exchange.final((await client.next())!)))
  exchange.verify((await client.next())!)
  client.request(metadata, 1, 2, { topics: [{ name: 't' }] })
  expect((await client.response(metadata, 1)).body.topics[0]!.errorCode).toBe(0)
  expect(principals.pop()).toBe('User:bob')
  client.end()

  const wrong = await RawClient.open(broker.port)
  wrong.request(saslHandshake, 0, 1, { mechanism: 'PLAIN' })
  await wrong.response(saslHandshake, 0)
  const startMs = performance.now()
  wrong.send(framed(plainToken('alice', 'wrong')))
  await wrong.closed
  expect(performance.now() - startMs).toBeGreaterThan(DELAY_MS - 5)
})

test('before login there are ApiVersions, and no other requests and no large frames', async () => {
  const client = await RawClient.open(broker.port)
  client.request(apiVersions, 0, 1, {})
  expect((await client.response(apiVersions, 0)).body.apiKeys.length).toBeGreaterThan(5)
  client.request(metadata, 1, 2, { topics: null })
  await client.closed
  const large = await RawClient.open(broker.port)
  large.send(Buffer.from('00080001', 'hex'))
  await large.closed
})

test('a second login on a connection is out of order', async () => {
  const client = await RawClient.open(broker.port)
  client.request(saslHandshake, 1, 1, { mechanism: 'PLAIN' })
  client.request(saslAuthenticate, 2, 2, { authBytes: plainToken('alice', 'wonder') })
  client.request(saslHandshake, 1, 3, { mechanism: 'PLAIN' })
  client.request(saslAuthenticate, 2, 4, { authBytes: plainToken('alice', 'wonder') })
  await client.response(saslHandshake, 1)
  expect((await client.response(saslAuthenticate, 2)).body.errorCode).toBe(0)
  expect((await client.response(saslHandshake, 1)).body.errorCode).toBe(34)
  expect((await client.response(saslAuthenticate, 2)).body).toMatchObject({
    errorCode: 34,
    errorMessage: 'SaslAuthenticate request received after successful authentication',
  })
  client.end()
})
