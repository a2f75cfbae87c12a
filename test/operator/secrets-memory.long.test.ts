import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeClient } from '../../src/kube/client.ts'
import { secrets } from '../../src/kube/resources.ts'
import { KUBE_LAB_PORTS, lacksKubeLab, startKubeLab, type KubeLab } from '../support/control-plane.ts'
import { eventually, freePort, freePorts } from '../support/net.ts'
import { Program } from '../support/ours.ts'
import { installKinds, makeNamespace } from './support/lab.ts'

const SECRETS = 300
const MB = 1024 * 1024

describe.skipIf(lacksKubeLab())('on a real API server', () => {
  let lab: KubeLab
  let kube: KubeClient
  beforeAll(async () => {
    lab = await startKubeLab(await freePorts(KUBE_LAB_PORTS))
    kube = lab.client()
    await installKinds(kube)
  })
  afterAll(() => lab?.stop())

  /** An operator in a process of its own that has read everything. */
  const start = async (): Promise<Program> => {
    const port = await freePort()
    const options = ['--image', 'none', '--kubeconfig', lab.kubeconfig, '--http-port', String(port), '--no-leader-election']
    const program = new Program(['operator', ...options])
    await eventually(async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.ok, { timeoutMs: 60_000 })
    return program
  }
  /** Bytes, when the process has been quiet for a while. */
  const residentBytes = async ({ pid }: Program): Promise<number> => {
    await new Promise((resolve) => setTimeout(resolve, 10_000))
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
  }

  test('three hundred Secrets of one MB that nobody refers to cost the operator less than 20 MB', async () => {
    const first = await start()
    const without = await residentBytes(first)
    const namespace = await makeNamespace(kube)
    const data = { blob: Buffer.alloc(700_000, 'x').toString('base64') }
    for (let index = 0; index < SECRETS; index++)
      await kube.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { name: `foreign-${index}`, namespace }, data })
    const watched = await residentBytes(first)
    await first.stop()
    const second = await start()
    const listed = await residentBytes(second)
    await second.stop()
    console.log(`resident: ${[without, watched, listed].map((bytes) => `${Math.round(bytes / MB)} MB`).join(', ')}`)
    expect(watched - without).toBeLessThan(20 * MB)
    expect(listed - without).toBeLessThan(20 * MB)
  }, 600_000)
})
