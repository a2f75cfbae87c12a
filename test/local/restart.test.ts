import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { nodeDisk } from '../../src/base/node-disk.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { connectionOfKubeconfig } from '../../src/kube/kubeconfig.ts'
import { isReady, pods, services, statefulSets, type Pod } from '../../src/local/objects.ts'
import { eventually } from '../support/net.ts'
import { clientOf, pidsOf } from './support/machine.ts'
import { headless, NAMESPACE, service, statefulSet } from './support/objects.ts'

let dataDir: string
let running: ChildProcess | undefined
let kube: KubeClient

const start = async (...flags: string[]): Promise<void> => {
  const child = spawn(process.execPath, ['test/local/fixtures/machine-process.ts', dataDir, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running = child
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const path = await eventually(() => /kubeconfig (.+)\n/.exec(said)?.[1])
  kube = clientOf(await connectionOfKubeconfig(path))
}
const end = async (signal: NodeJS.Signals): Promise<void> => {
  const child = running
  running = undefined
  kube.close()
  if (!child) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  await exited
}
const readyPods = (): Promise<Pod[]> =>
  eventually(async () => {
    const { items } = await kube.list(pods, { namespace: NAMESPACE })
    return items.length === 2 && items.every(isReady) ? items : undefined
  })
const isRunning = (pid: number): boolean => {
  const path = `/proc/${pid}/stat`
  return nodeDisk.stat(path) !== undefined && nodeDisk.readFile(path).toString().split(') ')[1]![0] !== 'Z'
}
const ask = (host: string, port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    get({ host, port, agent: false }, (response) => response.on('data', (chunk: Buffer) => resolve(chunk.toString()))).on('error', reject)
  })

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sofakafka-restart-'))
})
afterEach(async () => {
  await end('SIGTERM')
  rmSync(dataDir, { recursive: true, force: true })
})

test.skipIf(process.platform !== 'linux')(
  'a machine that is killed leaves no process, and a new start goes on with every pod',
  async () => {
    await start()
    // Processes that do not stop when they are asked to: only the next start can end them.
    await kube.create(statefulSets, statefulSet({}, { args: ['broker', '--listen', '8080', '--ignore-term'] }))
    const before = await readyPods()
    const pids = pidsOf(dataDir)
    expect(pids.filter(isRunning)).toHaveLength(2)
    await end('SIGKILL')
    await start()
    expect(pids.filter(isRunning)).toEqual([])
    const after = await eventually(async () => {
      const now = await readyPods()
      return now.every(({ status }) => status!.containerStatuses![0]!.restartCount === 1) ? now : undefined
    })
    const identity = ({ metadata, status }: Pod) => [metadata.uid, status!.podIP]
    expect(after.map(identity)).toEqual(before.map(identity))
    expect(await ask(after[0]!.status!.podIP!, 8080)).toContain(after[0]!.metadata.name)
  },
)

describe('where only 127.0.0.1 can be bound', () => {
  test('pods share it with ports of their own, by which pods, services and clients reach them', async () => {
    await start('--shared-address')
    await kube.create(services, headless)
    await kube.create(services, service)
    await kube.create(statefulSets, statefulSet({}, { args: ['broker', '--listen', '8080', '--connect', 'web-0.web:8080'] }))
    const all = await readyPods()
    const ports = all.map(
      ({ metadata }) => (JSON.parse(metadata.annotations!['local.sofakafka.io/ports']!) as Record<string, number>)['8080']!,
    )
    expect(all.map(({ status }) => status!.podIP)).toEqual(['127.0.0.1', '127.0.0.1'])
    expect(new Set(ports).size).toBe(2)
    const answers = await Promise.all(ports.map((port) => ask('127.0.0.1', port)))
    expect(answers.map((answer) => answer.split(' ')[0])).toEqual(all.map(({ metadata }) => metadata.name))
    const log = join(dataDir, 'kubelet', 'pods', all[1]!.metadata.uid!, 'logs', 'kafka', '0.log')
    await eventually(() => nodeDisk.readFile(log).toString().includes('heard web-0'))
  })
})
