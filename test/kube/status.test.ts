import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeClient } from '../../src/kube/client.ts'
import { services, type Service } from '../../src/kube/resources.ts'
import { startEmbeddedLab } from '../operator/support/embedded-lab.ts'
import type { KubeLab } from '../support/control-plane.ts'

let lab: KubeLab
let kube: KubeClient

beforeAll(async () => {
  lab = await startEmbeddedLab()
  kube = lab.client()
})
afterAll(() => lab.stop())

const key = { namespace: 'default', name: 'balanced' }
const statusOf = (ip: string): Service['status'] => ({ loadBalancer: { ingress: [{ ip }] } })

test('a status that goes back to what it was before a cache has seen the last write is written all the same', async () => {
  await kube.create(services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: key,
    spec: { ports: [{ port: 80 }] },
  })
  const bare = (await kube.get(services, key))!
  await kube.patchStatus(services, bare, statusOf('192.0.2.1'))
  const cached = (await kube.get(services, key))!
  expect(await kube.patchStatus(services, cached, statusOf('192.0.2.2'))).toEqual({ changed: true })
  expect(await kube.patchStatus(services, cached, statusOf('192.0.2.2'))).toEqual({ changed: false })
  expect(await kube.patchStatus(services, cached, statusOf('192.0.2.1'))).toEqual({ changed: true })
  expect((await kube.get(services, key))!.status).toEqual(statusOf('192.0.2.1'))
})
