import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  credentialOfPassword,
  formatCredential,
  parseCredential,
  saltPassword,
  SCRAM_MECHANISMS,
  ScramClientExchange,
  ScramError,
  type ScramMechanism,
  ScramServerExchange,
  verifyPassword,
} from '../../src/security/scram.ts'

const mechanisms = Object.keys(SCRAM_MECHANISMS) as ScramMechanism[]

test('SCRAM-SHA-256 is the exchange of RFC 7677, section 3', async () => {
  const credential = await credentialOfPassword('SCRAM-SHA-256', 'pencil', {
    salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
    iterations: 4096,
  })
  const server = new ScramServerExchange('SCRAM-SHA-256', () => credential, '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0')
  const client = new ScramClientExchange('SCRAM-SHA-256', 'user', 'pencil', 'rOprNGfwEbeRWgbNEkqO')
  expect(client.first().toString()).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO')
  const serverFirst = server.evaluate(client.first())
  expect(serverFirst.toString()).toBe('r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096')
  const clientFinal = await client.final(serverFirst)
  expect(clientFinal.toString()).toBe(
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  )
  const serverFinal = server.evaluate(clientFinal)
  expect(serverFinal.toString()).toBe('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
  client.verify(serverFinal)
  expect(server.username).toBe('user')
})

describe.each(mechanisms)('%s', (mechanism) => {
  const login = async (username: string, password: string, known: Record<string, string>) => {
    const credentials = new Map(
      await Promise.all(
        Object.entries(known).map(async ([name, secret]) => [name, await credentialOfPassword(mechanism, secret)] as const),
      ),
    )
    const server = new ScramServerExchange(mechanism, (name) => credentials.get(name))
    const client = new ScramClientExchange(mechanism, username, password)
    client.verify(server.evaluate(await client.final(server.evaluate(client.first()))))
    return server.username
  }

  test('lets in who knows the password, with any name', async () => {
    expect(await login('a,b=c ü', 'päss=,', { 'a,b=c ü': 'päss=,' })).toBe('a,b=c ü')
  })

  test('refuses a wrong password and an unknown user alike', async () => {
    await expect(login('a', 'wrong', { a: 'right' })).rejects.toThrow(ScramError)
    await expect(login('b', 'right', { a: 'right' })).rejects.toThrow(ScramError)
  })

  test.each(['', 'n', 'n,,', 'n,,n=a', 'y,,n=a,r=b', 'n,a=other,n=a,r=b', 'n,,n=a=b,r=c', 'n,,n=a,r=b,tokenauth=true', '\u0000\u0000'])(
    'refuses the first message %j',
    (text) => {
      expect(() => new ScramServerExchange(mechanism, () => undefined).evaluate(Buffer.from(text))).toThrow(ScramError)
    },
  )

  test.each(['', 'c=biws', 'c=biws,r=x,p=AAAA', 'c=AAAA,r=cs,p=AAAA', 'p=AAAA', 'c=biws,r=cs,p='])(
    'refuses the final message %j',
    async (text) => {
      const credential = await credentialOfPassword(mechanism, 'p')
      const server = new ScramServerExchange(mechanism, () => credential, 's')
      server.evaluate(Buffer.from('n,,n=a,r=c'))
      expect(() => server.evaluate(Buffer.from(text))).toThrow(ScramError)
      expect(() => server.username).toThrow('not complete')
    },
  )

  test('keeps credentials in Kafka\u2019s text form', async () => {
    const credential = await credentialOfPassword(mechanism, 'p')
    expect(parseCredential(formatCredential(credential))).toEqual(credential)
    expect(await verifyPassword(mechanism, 'p', credential)).toBe(true)
    expect(await verifyPassword(mechanism, 'q', credential)).toBe(false)
  })
})

test.each(['', 'salt=AA==', 'salt=AA==,stored_key=AA==,server_key=AA==,iterations=x'])('%j is no credential', (text) => {
  expect(parseCredential(text)).toBeUndefined()
})

test('a client does not believe a server that repeats no nonce, or asks for few iterations', async () => {
  const client = () => new ScramClientExchange('SCRAM-SHA-256', 'u', 'p', 'abc')
  await expect(client().final(Buffer.from('r=abc,s=AAAA,i=4096'))).rejects.toThrow('nonce')
  await expect(client().final(Buffer.from('r=xyzabc,s=AAAA,i=4096'))).rejects.toThrow('nonce')
  await expect(client().final(Buffer.from('r=abcd,s=AAAA,i=1'))).rejects.toThrow('iterations')
  const believed = client()
  await believed.final(Buffer.from('r=abcd,s=AAAA,i=4096'))
  expect(() => believed.verify(Buffer.from('v=AAAA'))).toThrow('did not prove')
})

test('a client that repeats its own nonce before the answer to it, as librdkafka before 2.2 does, is let in', async () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  const credential = await credentialOfPassword('SCRAM-SHA-256', 'pencil', { salt, iterations: 4096 })
  const hmac = (key: Buffer, text: string | Buffer) => createHmac('sha256', key).update(text).digest()
  const final = async (nonceOf: (serverNonce: string) => string) => {
    const server = new ScramServerExchange('SCRAM-SHA-256', () => credential, 'server')
    const first = server.evaluate(Buffer.from('n,,n=user,r=client')).toString()
    const withoutProof = `c=biws,r=${nonceOf(/r=([^,]+)/.exec(first)![1]!)}`
    const clientKey = hmac(await saltPassword('SCRAM-SHA-256', 'pencil', salt, 4096), 'Client Key')
    const signature = hmac(credential.storedKey, `n=user,r=client,${first},${withoutProof}`)
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!))
    server.evaluate(Buffer.from(`${withoutProof},p=${proof.toString('base64')}`))
    return server.username
  }
  expect(await final((nonce) => `client${nonce}`)).toBe('user')
  await expect(final((nonce) => `${nonce}x`)).rejects.toThrow('Invalid client nonce')
  await expect(final(() => 'client')).rejects.toThrow('Invalid client nonce')
})
