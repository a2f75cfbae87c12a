import { describe, expect, test } from 'vitest'
import { ContainerConfigError, environmentOf, expand, quantity } from '../../../src/local/kubelet/environment.ts'
import { launchOf } from '../../../src/local/kubelet/images.ts'
import { PathMap } from '../../../src/local/kubelet/paths.ts'
import type { Container, Pod } from '../../../src/local/objects.ts'

describe('mount paths', () => {
  const paths = new PathMap([
    ['/etc/sofakafka', '/here/conf'],
    ['/etc/sofakafka/credentials', '/here/secret'],
    ['/data/', '/here/data'],
  ])

  test.each([
    ['/etc/sofakafka/server.properties', '/here/conf/server.properties'],
    ['/etc/sofakafka/credentials/admin', '/here/secret/admin'],
    ['dir=/data', 'dir=/here/data'],
    ['a:/data,/data/logs', 'a:/here/data,/here/data/logs'],
    ['${file:/etc/sofakafka/credentials/x:key}', '${file:/here/secret/x:key}'],
    ['/database /var/data /data-old /data.bak', '/database /var/data /data-old /data.bak'],
  ])('%s becomes %s', (from, to) => expect(paths.rewrite(from)).toBe(to))

  test('what a rewrite wrote is not rewritten again', () => {
    expect(
      new PathMap([
        ['/a', '/b/a'],
        ['/b', '/c'],
      ]).rewrite('/a /b'),
    ).toBe('/b/a /c')
  })

  test('the longest mount is the place of a path', () => {
    expect(paths.locate('/etc/sofakafka/credentials/admin')).toBe('/here/secret/admin')
    expect(paths.locate('/etc/other')).toBeUndefined()
  })
})

test.each([
  ['$(A)-$(B)', 'one-$(B)'],
  ['$$(A)', '$(A)'],
  ['$A', '$A'],
  ['$(A', '$(A'],
])('%s expands to %s', (from, to) => expect(expand(from, new Map([['A', 'one']]))).toBe(to))

test.each([
  ['500m', 0.5],
  ['1Gi', 1024 ** 3],
  ['4', 4],
  ['1e3', 1000],
])('%s is %d', (text, value) => expect(quantity(text)).toBe(value))

test('a quantity that is none is refused', () => expect(() => quantity('4 apples')).toThrow('is not a quantity'))

describe('environment', () => {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'ant-kafka-3', namespace: 'team', labels: { 'apps.kubernetes.io/pod-index': '3' } },
    spec: { containers: [], nodeName: 'local' },
    status: { podIP: '127.9.0.11' },
  }
  const around = (container: Partial<Container>) => ({
    pod,
    container: { name: 'kafka', image: 'sofakafka', ...container },
    sources: {
      configMap: (name: string) => (name === 'settings' ? new Map([['level', Buffer.from('debug')]]) : undefined),
      secret: (name: string) => (name === 'login' ? new Map([['password', Buffer.from('secret')]]) : undefined),
    },
    capacity: { cpu: 2, memory: 8 * 1024 ** 3 },
  })

  test('values come from the pod, ConfigMaps, Secrets and resources; later ones may name earlier ones', () => {
    const environment = environmentOf(
      around({
        resources: { limits: { memory: '512Mi' } },
        envFrom: [{ prefix: 'LOG_', configMapRef: { name: 'settings' } }],
        env: [
          { name: 'ID', valueFrom: { fieldRef: { fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']" } } },
          { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'login', key: 'password' } } },
          { name: 'MEMORY_MI', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
          { name: 'CPUS', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
          { name: 'ADDRESS', value: '$(IP):9092' },
          { name: 'MAYBE', valueFrom: { secretKeyRef: { name: 'absent', key: 'x', optional: true } } },
        ],
      }),
      [['PATH', '/bin']],
    )
    expect(Object.fromEntries(environment)).toEqual({
      PATH: '/bin',
      LOG_level: 'debug',
      ID: '3',
      IP: '127.9.0.11',
      PASSWORD: 'secret',
      MEMORY_MI: '512',
      CPUS: '2',
      ADDRESS: '127.9.0.11:9092',
    })
  })

  test.each([
    [{ secretKeyRef: { name: 'absent', key: 'x' } }, 'secret "absent" not found'],
    [{ secretKeyRef: { name: 'login', key: 'x' } }, "couldn't find key x in Secret login"],
    [{ configMapKeyRef: { name: 'absent', key: 'x' } }, 'configmap "absent" not found'],
    [{ fieldRef: { fieldPath: 'spec.secret' } }, 'is not a field of the downward API'],
  ])('%j keeps the container waiting', (valueFrom, message) => {
    expect(() => environmentOf(around({ env: [{ name: 'X', valueFrom }] }))).toThrow(message)
    expect(() => environmentOf(around({ env: [{ name: 'X', valueFrom }] }))).toThrow(ContainerConfigError)
  })
})

describe('images', () => {
  test.each([
    'sofakafka',
    'sofakafka:1.2.0',
    'r/sofakafka:1',
    'registry.example.com:5000/team/sofakafka',
    `r/sofakafka@sha256:${'a'.repeat(64)}`,
  ])('%s is ours', (image) => expect(launchOf({ image, args: ['broker', 'x'] })).toEqual({ program: 'broker', args: ['x'] }))
  test.each(['nginx', 'sofakafka-evil:1', 'x/notsofakafka:1', 'sofakafka:1/sh', '../sofakafka'])('%s is never run', (image) =>
    expect(launchOf({ image, args: ['broker'] })).toMatchObject({ refused: { reason: 'ErrImageNeverPull' } }),
  )
  test.each([
    [{ command: ['sh', '-c', 'id'] }, 'leave command out'],
    [{ command: ['sofakafka'], args: ['--eval', 'x'] }, 'the first argument must be one of'],
    [{ args: [] }, 'the first argument must be one of'],
    [{ args: ['local'] }, 'the first argument must be one of'],
  ])('%j is refused in words', (given, words) => {
    expect(launchOf({ image: 'sofakafka', ...given })).toMatchObject({ refused: { message: expect.stringContaining(words) as string } })
  })
})
