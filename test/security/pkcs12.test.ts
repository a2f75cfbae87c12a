import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { afterAll, describe, expect, test } from 'vitest'
import { createCertificate } from '../../src/security/certificates.ts'
import { pkcs12 } from '../../src/security/pkcs12.ts'
import { removeDirectory, temporaryDirectory } from '../support/apache.ts'
import { lacks } from '../support/needs.ts'

const directory = temporaryDirectory('pkcs12')
afterAll(() => removeDirectory(directory))
const nowMs = Date.now()
const ca = createCertificate({ commonName: 'clients-ca v1', nowMs })
const leaf = createCertificate({ commonName: 'app', nowMs, purposes: ['client'], ca })
const password = 'a password'
const keys = pkcs12({ keyPem: leaf.keyPem, certificatesPem: [leaf.certificatePem, ca.certificatePem], password })
const trust = pkcs12({ certificatesPem: [ca.certificatePem], password })
writeFileSync(join(directory, 'user.p12'), keys)
writeFileSync(join(directory, 'ca.p12'), trust)

test('OpenSSL inside Node reads key and chain, and refuses another password', () => {
  expect(() => createSecureContext({ pfx: keys, passphrase: password })).not.toThrow()
  expect(() => createSecureContext({ pfx: keys, passphrase: 'other' })).toThrow(/mac verify failure/)
})

test('openssl finds the key and both certificates', () => {
  const args = ['pkcs12', '-in', join(directory, 'user.p12'), '-passin', `pass:${password}`, '-nodes']
  const text = execFileSync('openssl', args, { stdio: 'pipe' }).toString()
  expect(text).toContain('BEGIN PRIVATE KEY')
  expect(text.match(/subject=.*/g)).toEqual(['subject=CN = app', 'subject=CN = clients-ca v1'])
})

describe.skipIf(lacks('java'))('Java', () => {
  test('has an entry with a key, and trusts the certificates of the other file', () => {
    const list = (file: string) =>
      execFileSync('keytool', ['-list', '-v', '-storetype', 'PKCS12', '-keystore', join(directory, file), '-storepass', password], {
        stdio: 'pipe',
      }).toString()
    expect(list('user.p12')).toMatch(/Alias name: user[\s\S]*PrivateKeyEntry[\s\S]*chain length: 2/)
    expect(list('ca.p12')).toMatch(/Alias name: ca-0[\s\S]*trustedCertEntry/)
  })
})
