import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createCertificate, isUsable } from '../../src/security/certificates.ts'
import { removeDirectory, temporaryDirectory } from '../support/apache.ts'

const directory = temporaryDirectory('certificates')
afterAll(() => removeDirectory(directory))
const nowMs = Date.now()
const ca = createCertificate({ commonName: 'test-ca', nowMs })

test('openssl verifies a server certificate against its authority, names included', () => {
  const server = createCertificate({
    commonName: 'server',
    dnsNames: ['localhost', 'kubernetes.default.svc'],
    ipAddresses: ['127.0.0.1', '::1'],
    nowMs,
    ca,
  })
  writeFileSync(join(directory, 'ca.pem'), ca.certificatePem)
  writeFileSync(join(directory, 'server.pem'), server.certificatePem)
  const check = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', join(directory, 'ca.pem'), '-verify_ip', '127.0.0.1']
  expect(execFileSync('openssl', [...check, join(directory, 'server.pem')]).toString()).toContain('OK')
  const parsed = new X509Certificate(server.certificatePem)
  expect(parsed.subjectAltName).toBe('DNS:localhost, DNS:kubernetes.default.svc, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1')
  expect(parsed.ca).toBe(false)
  expect(new X509Certificate(ca.certificatePem).ca).toBe(true)
})

test('a certificate of another authority, or one that ends soon, is not usable', () => {
  const other = createCertificate({ commonName: 'other-ca', nowMs })
  const server = createCertificate({ commonName: 'server', nowMs, ca })
  expect(isUsable(server, ca, nowMs)).toBe(true)
  expect(isUsable(server, other, nowMs)).toBe(false)
  expect(isUsable(createCertificate({ commonName: 'server', nowMs, ca, validMs: 29 * 86_400_000 }), ca, nowMs)).toBe(false)
})

test('a date from 2050 on is written as GeneralizedTime', () => {
  const late = createCertificate({ commonName: 'late', nowMs, validMs: 30 * 365 * 86_400_000 })
  expect(Date.parse(new X509Certificate(late.certificatePem).validTo)).toBeGreaterThan(Date.UTC(2050, 0))
})
