import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { outlineOf, Redaction } from '../../src/cli/diagnose/redact.ts'
import { tarOf } from '../../src/cli/diagnose/tar.ts'
import type { Secret } from '../../src/kube/resources.ts'

const PASSWORD = 'k/3+"quoted"-pass\\word'
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const KEY = '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----'
const secret: Secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name: 'app',
    namespace: 'default',
    labels: { 'sofakafka.io/user': 'app' },
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': PASSWORD },
  },
  data: { username: base64('application'), password: base64(PASSWORD), pin: base64('1234'), 'user.key': base64(KEY) },
}

describe('what is taken out of a bundle', () => {
  const redaction = new Redaction([secret])

  test('values of Secrets: as they are, in base64, within JSON', () => {
    for (const form of [PASSWORD, base64(PASSWORD), JSON.stringify({ a: PASSWORD }), JSON.stringify(KEY), base64(KEY)]) {
      const text = redaction.text(`before ${form} after`)
      expect(text).not.toContain(form)
      expect(text).toContain('(removed)')
      expect(text).toMatch(/^before .* after$/s)
    }
    expect(redaction.text('the user application said 1234')).toBe('the user application said 1234')
  })

  test('what looks like a password or a key, even if no Secret has it', () => {
    const none = new Redaction([])
    for (const text of [
      'required username="a" password="hunter22";',
      '{"password":"hunter22"}',
      'ssl.key.password=hunter22 next',
      'Authorization: Bearer hunter22hunter22',
      KEY.replace('MIGH', 'hunter22'),
      '"{\\"password\\":\\"hunter22\\"}"',
    ]) {
      expect(none.text(text)).not.toContain('hunter22')
      expect(none.text(text)).toContain('(removed)')
    }
  })

  test('fields that hold passwords, and not those that name Secrets', () => {
    const clean = new Redaction([]).object({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...secret.metadata, managedFields: [{}] },
      spec: {
        env: [
          { name: 'MY_PASSWORD', value: 'hunter22' },
          { name: 'PLAIN', value: 'kept' },
        ],
        authentication: { password: { secretKeyRef: { name: 'kept-secret', key: 'password' } } },
        config: { 'ssl.keystore.password': 'hunter22', 'log.retention.hours': 72 },
        secretName: 'kept-name',
        automountServiceAccountToken: true,
      },
    } as never)
    const text = JSON.stringify(clean)
    expect(text).not.toContain('hunter22')
    expect(text).not.toContain('last-applied')
    expect(text).not.toContain('managedFields')
    for (const kept of [
      'kept-secret',
      '"key":"password"',
      'kept-name',
      '"value":"kept"',
      '"log.retention.hours":72',
      '"automountServiceAccountToken":true',
    ])
      expect(text).toContain(kept)
  })

  test('a Secret is its keys and how long their values are', () => {
    expect(outlineOf(secret)).toMatchObject({ metadata: { name: 'app' }, dataBytes: { pin: 4, username: 11 } })
    expect(JSON.stringify(outlineOf(secret))).not.toContain(base64('1234'))
  })
})

describe('the archive', () => {
  test('is one that tar reads', () => {
    const files = [
      { path: 'bundle/a.txt', bytes: Buffer.from('hello') },
      { path: `bundle/${'n'.repeat(90)}.log`, bytes: Buffer.alloc(1024, 'x') },
      { path: 'bundle/empty', bytes: Buffer.alloc(0) },
    ]
    const { stdout, status } = spawnSync('tar', ['-tvf', '-'], { input: tarOf(files, Date.UTC(2026, 0, 2)), encoding: 'utf8' })
    expect(status).toBe(0)
    const lines = stdout.trim().split('\n')
    expect(lines.map((line) => line.split(' ').at(-1))).toEqual(files.map(({ path }) => path))
    expect(lines[1]).toMatch(/^-rw-------.* 1024 /)
  })

  test('has no names that are too long for it', () => {
    expect(() => tarOf([{ path: `a/${'n'.repeat(120)}`, bytes: Buffer.alloc(0) }], 0)).toThrow('too long a name')
  })
})
