import { describe, expect, test } from 'vitest'
import { addressesOf, portOf, type NameTable } from '../../../src/local/kubelet/name-table.ts'
import { Network, type CanListen } from '../../../src/local/kubelet/network.ts'
import { nameTableOf } from '../../../src/local/kubelet/services.ts'
import type { Pod, Service } from '../../../src/local/objects.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'

const linux: CanListen = () => Promise.resolve('free')
const macos: CanListen = (host) => Promise.resolve(host === '127.0.0.1' ? 'free' : 'absent')
const open = (disk: MemoryDisk, canListen: CanListen, more: { shareAddress?: boolean } = {}) =>
  Network.open({ disk, directory: '/data', seed: '/data', canListen, ...more })

describe('addresses', () => {
  test('a pod has the same address after a restart, and no two have the same', async () => {
    const disk = new MemoryDisk()
    const first = await open(disk, linux)
    const addresses = ['a/0', 'a/1', 'b/0'].map((key) => first.podAddress(key))
    expect(new Set(addresses).size).toBe(3)
    const second = await open(disk, linux)
    expect(second.nodeIP).toBe(first.nodeIP)
    expect(['a/0', 'a/1', 'b/0'].map((key) => second.podAddress(key))).toEqual(addresses)
    expect(second.podAddress('c/0')).not.toBe(addresses[0])
  })

  test('a subnet that another kubelet has is left to it', async () => {
    const free = await open(new MemoryDisk(), linux)
    const other = await open(new MemoryDisk(), (host) => Promise.resolve(host === free.nodeIP ? 'busy' : 'free'))
    expect(other.nodeIP).not.toBe(free.nodeIP)
  })

  test('a cluster IP of this machine is used as it is, any other gets an address here', async () => {
    const network = await open(new MemoryDisk(), linux)
    expect(network.serviceAddress('ns/s', '127.3.128.5')).toBe('127.3.128.5')
    const other = network.serviceAddress('ns/s', '10.96.0.7')
    expect(other.startsWith(network.nodeIP.slice(0, -3))).toBe(true)
    expect(network.serviceCidr).toMatch(/^127\.\d+\.128\.0\/17$/)
  })

  test('where only 127.0.0.1 can be bound, or when asked, pods share it and differ by port', async () => {
    for (const network of [await open(new MemoryDisk(), macos), await open(new MemoryDisk(), linux, { shareAddress: true })]) {
      expect(network.isShared).toBe(true)
      expect(network.podAddress('ns/a')).toBe('127.0.0.1')
      expect(await network.hostPort('pod ns/a', 9092)).toBe(9092)
      expect(await network.hostPort('pod ns/b', 9092)).toBe(9093)
      expect(await network.hostPort('pod ns/a', 9092)).toBe(9092)
      expect(await network.hostPort('service ns/s', 80)).toBe(10_080)
    }
  })

  test('a port that is in use is passed over', async () => {
    const busy: CanListen = (_host, port) => Promise.resolve(port === 9092 ? 'busy' : 'free')
    const network = await open(new MemoryDisk(), busy, { shareAddress: true })
    expect(await network.hostPort('pod ns/a', 9092)).toBe(9093)
  })
})

describe('names', () => {
  const table: NameTable = {
    names: { 'a-0.a.ns.svc.cluster.local': ['127.9.0.10'], 's.ns.svc.cluster.local': ['127.9.128.1'] },
    ports: { 's.ns.svc.cluster.local': { '80': 10_080 } },
  }
  test.each(['a-0.a.ns.svc.cluster.local', 'a-0.a.ns.svc', 'a-0.a.ns', 'a-0.a', 'A-0.a.ns.svc.cluster.local.'])('%s is found', (name) =>
    expect(addressesOf(table, name, 'ns')).toEqual(['127.9.0.10']),
  )
  test('a name of the cluster that is not there is not asked elsewhere; other names are', () => {
    expect(addressesOf(table, 'b-0.a.ns.svc.cluster.local', 'ns')).toEqual([])
    expect(addressesOf(table, 'example.com', 'ns')).toBeUndefined()
    expect(addressesOf(table, 'a-0.a', 'elsewhere')).toBeUndefined()
  })
  test('a port behind a name is the one on the shared address', () => {
    expect(portOf(table, 's', 80, 'ns')).toBe(10_080)
    expect(portOf(table, 's', 81, 'ns')).toBe(81)
  })

  const pod = (name: string, ready: boolean, ip = '127.9.0.10'): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'ns', labels: { app: 'a' } },
    spec: { containers: [{ name: 'c', image: '', ports: [{ containerPort: 9092 }] }], hostname: name, subdomain: 'brokers' },
    status: { podIP: ip, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  })
  const service = (name: string, spec: Partial<Service['spec']>): Service => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'ns' },
    spec: { selector: { app: 'a' }, ports: [{ port: 80, targetPort: 9092 }], ...spec },
  })
  const places = { addressOf: () => '127.9.128.1', portsOf: () => ({}) }

  test('a headless service has its ready pods, or all where it says so, and each by name', () => {
    const pods = [pod('a-0', true), pod('a-1', false, '127.9.0.11')]
    expect(nameTableOf([service('brokers', { clusterIP: 'None' })], pods, places).names).toEqual({
      'brokers.ns.svc.cluster.local': ['127.9.0.10'],
      'a-0.brokers.ns.svc.cluster.local': ['127.9.0.10'],
    })
    const all = nameTableOf([service('brokers', { clusterIP: 'None', publishNotReadyAddresses: true })], pods, places).names
    expect(Object.keys(all)).toContain('a-1.brokers.ns.svc.cluster.local')
  })

  test('a service with an address has that', () => {
    expect(nameTableOf([service('web', { clusterIP: '127.9.128.1' })], [pod('a-0', false)], places).names).toEqual({
      'web.ns.svc.cluster.local': ['127.9.128.1'],
    })
  })
})
