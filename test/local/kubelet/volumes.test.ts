import { beforeEach, expect, test } from 'vitest'
import { mountVolumes, type VolumeSources } from '../../../src/local/kubelet/volumes.ts'
import type { Container, Pod, Volume, VolumeMount } from '../../../src/local/objects.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'

let disk: MemoryDisk
beforeEach(() => {
  disk = new MemoryDisk()
})

const sources: VolumeSources = {
  configMap: (name) => (name === 'conf' ? new Map([['server.properties', Buffer.from('log.dirs=/data/logs\n')]]) : undefined),
  secret: (name) => (name === 'login' ? new Map([['password', Buffer.from('/data is my password')]]) : undefined),
  claimDirectory: (claim) => (claim === 'data-a-0' ? '/volumes/one' : undefined),
  token: () => 'token-1',
  capacity: { cpu: 2, memory: 1e9 },
}

const mount = (volumes: Volume[], volumeMounts: VolumeMount[]) => {
  const container: Container = { name: 'kafka', image: 'sofakafka', volumeMounts }
  const pod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a-0', namespace: 'ns' }, spec: { containers: [container], volumes } }
  return mountVolumes({ disk, podDirectory: '/pods/1', pod, container, sources, environment: new Map([['POD', 'a-0']]) })
}
const textOf = (path: string | undefined): string => disk.readFile(path!).toString()

test('files of ConfigMaps name the directories of this machine; those of Secrets are left as they are', () => {
  const paths = mount(
    [
      { name: 'conf', configMap: { name: 'conf' } },
      { name: 'login', secret: { secretName: 'login' } },
      { name: 'data', persistentVolumeClaim: { claimName: 'data-a-0' } },
    ],
    [
      { name: 'conf', mountPath: '/etc/conf' },
      { name: 'login', mountPath: '/etc/login' },
      { name: 'data', mountPath: '/data' },
    ],
  )
  expect(textOf(paths.locate('/etc/conf/server.properties'))).toBe('log.dirs=/volumes/one/logs\n')
  expect(textOf(paths.locate('/etc/login/password'))).toBe('/data is my password')
  expect(paths.rewrite('/data/x')).toBe('/volumes/one/x')
})

test('a projected volume holds token, certificate and namespace', () => {
  const paths = mount(
    [
      {
        name: 'all',
        projected: {
          sources: [
            { serviceAccountToken: { path: 'token' } },
            { configMap: { name: 'conf', items: [{ key: 'server.properties', path: 'sub/p' }] } },
            { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
          ],
        },
      },
    ],
    [{ name: 'all', mountPath: '/var/run' }],
  )
  expect(['token', 'namespace', 'sub/p'].map((name) => textOf(paths.locate(`/var/run/${name}`)))).toEqual([
    'token-1',
    'ns',
    'log.dirs=/data/logs\n',
  ])
})

test('a sub path is a directory of the volume', () => {
  const paths = mount([{ name: 'scratch', emptyDir: {} }], [{ name: 'scratch', mountPath: '/data', subPathExpr: 'of/$(POD)' }])
  expect(paths.locate('/data/x')).toBe('/pods/1/volumes/scratch/of/a-0/x')
  expect(disk.stat('/pods/1/volumes/scratch/of/a-0')?.isDirectory).toBe(true)
})

test.each<[string, Volume, Partial<VolumeMount>, string]>([
  ['an absent ConfigMap', { name: 'v', configMap: { name: 'none' } }, {}, 'configmap "none" not found'],
  ['an unbound claim', { name: 'v', persistentVolumeClaim: { claimName: 'other' } }, {}, 'is not bound yet'],
  ['a host path', { name: 'v', hostPath: { path: '/etc' } } as Volume, {}, 'has no volumes of kind hostPath'],
  ['a sub path that leads out', { name: 'v', emptyDir: {} }, { subPath: '../../x' }, 'leads out of its volume'],
  [
    'a file that leads out',
    { name: 'v', configMap: { name: 'conf', items: [{ key: 'server.properties', path: '../x' }] } },
    {},
    'leads out',
  ],
])('%s keeps the container waiting', (_what, volume, more, message) => {
  expect(() => mount([volume], [{ name: 'v', mountPath: '/v', ...more }])).toThrow(message)
})

test('an optional Secret that is absent is an empty directory', () => {
  const paths = mount([{ name: 'v', secret: { secretName: 'none', optional: true } }], [{ name: 'v', mountPath: '/v' }])
  expect(disk.list(paths.locate('/v')!)).toEqual([])
})
