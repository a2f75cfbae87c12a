import { expect, test } from 'vitest'
import { DigestMd5Server, digestMd5Response, isDigestMd5Proof, parseDirectives } from '../../src/zookeeper/digest-md5.ts'
import { JuteError, JuteReader, JuteWriter, ustring, vector } from '../../src/zookeeper/jute.ts'
import { multiResults, readMulti, writeMulti } from '../../src/zookeeper/multi.ts'
import { createRequest, dataAndStat, setWatchesRequest } from '../../src/zookeeper/protocol.ts'

const hex = (text: string) => Buffer.from(text, 'hex')

test('no length is believed before its bytes are there', () => {
  expect(() => new JuteReader(hex('7fffffff00')).buffer()).toThrow(JuteError)
  expect(() => new JuteReader(hex('fffffffe')).buffer()).toThrow(JuteError)
  expect(() => vector(ustring).read(new JuteReader(hex('7fffffff00000000')))).toThrow(JuteError)
  expect(() => new JuteReader(hex('0000')).int()).toThrow(JuteError)
  expect(() => readMulti(new JuteReader(hex('0000000d00ffffffff')))).toThrow(JuteError)
})

test('every prefix of every record is refused as malformed, and nothing else happens', () => {
  const to = new JuteWriter()
  writeMulti(to, [
    { type: 'create', path: '/a', data: Buffer.from('x') },
    { type: 'check', path: '/b', version: -1 },
    { type: 'set', path: '/c', data: null, version: 0 },
    { type: 'delete', path: '/d', version: 2 },
  ])
  const whole = Buffer.from(to.done())
  expect(readMulti(new JuteReader(whole)).map(({ type }) => type)).toEqual(['create', 'check', 'set', 'delete'])
  for (let length = 0; length < whole.length; length++) {
    for (const codec of [{ read: readMulti }, multiResults, createRequest, dataAndStat, setWatchesRequest]) {
      try {
        codec.read(new JuteReader(whole.subarray(0, length)))
      } catch (error) {
        expect(error).toBeInstanceOf(JuteError)
      }
    }
  }
})

test('a null and an empty buffer differ, a null vector and string are empty', () => {
  expect(new JuteReader(hex('ffffffff')).buffer()).toBeNull()
  expect(new JuteReader(hex('00000000')).buffer()).toEqual(Buffer.alloc(0))
  expect(new JuteReader(hex('ffffffff')).string()).toBe('')
  expect(vector(ustring).read(new JuteReader(hex('ffffffff')))).toEqual([])
})

test('DIGEST-MD5 works for every user name and password, and for no other password', () => {
  for (const [username, password] of [
    ['a', 'b'],
    ['ü"\\', 'pä$$, ="'],
    ['名', '密碼'],
  ] as const) {
    const server = new DigestMd5Server((name) => (name === username ? password : undefined))
    const response = digestMd5Response(server.challenge(), { username, password })
    const proved = server.verify(response.text)!
    expect(proved.username).toBe(username)
    expect(isDigestMd5Proof(proved.proof, response)).toBe(true)
    expect(isDigestMd5Proof('rspauth=00', response)).toBe(false)
    expect(server.verify(digestMd5Response(server.challenge(), { username, password: `${password}x` }).text)).toBeUndefined()
    expect(server.verify(digestMd5Response(server.challenge(), { username: 'other', password }).text)).toBeUndefined()
    const another = new DigestMd5Server(() => password)
    expect(another.verify(response.text), 'a replay').toBeUndefined()
  }
})

test('directives are read with quotes and escapes, and nonsense is refused', () => {
  expect([...parseDirectives('realm="a,\\"b", qop=auth,nonce="x=="')]).toEqual([
    ['realm', 'a,"b'],
    ['qop', 'auth'],
    ['nonce', 'x=='],
  ])
  expect(() => parseDirectives('realm="open')).toThrow(/cannot be read/)
})
