import { expect, test } from 'vitest'
import type { Cluster } from '../../../src/api/index.ts'
import * as resources from '../../../src/kube/resources.ts'
import { eventually } from '../../support/net.ts'
import { makeNamespace } from '../support/lab.ts'
import { cluster } from '../support/objects.ts'
import type { OperatorLab } from '../support/operator-lab.ts'

/** What needs an API server that gives node ports, and a StatefulSet controller that makes pods again. */
export const listenersOnRealServer = (place: OperatorLab): void => {
  test('one listener is on node ports, then behind load balancers, then inside; brokers that tell clients something else are restarted', async () => {
    const namespace = await makeNamespace(place.kube)
    const withType = (type: string, more: Record<string, unknown> = {}): Cluster =>
      cluster('ant', namespace, {
        brokers: [{ name: 'kafka', replicas: 1, storage: { size: '1Gi' } }],
        listeners: [{ name: 'external', port: 9094, type, ...more }],
      })
    const tls = { tls: { enabled: true } }
    const service = (name: string) => place.kube.get(resources.services, { namespace, name })
    const told = async () => (await place.read(withType('NodePort'))).status?.listeners?.[0]
    const pod = () => place.kube.get(resources.pods, { namespace, name: 'ant-kafka-0' })
    const run = async () => {
      await place.playNodes(namespace, 2)
      await place.kube.patch(
        resources.pods,
        { namespace, name: 'ant-kafka-0' },
        'merge',
        { status: { hostIP: '203.0.113.7' } },
        { subresource: 'status' },
      )
    }

    await place.put(withType('NodePort', tls))
    await run()
    const onNodes = await eventually(async () => ((await told())?.bootstrapServers ? told() : undefined), {
      what: 'node ports in the status',
    })
    const nodePort = (await service('ant-external-0'))!.spec.ports[0]!.nodePort
    expect(onNodes).toMatchObject({ type: 'NodePort', brokers: [{ id: 0, host: '203.0.113.7', port: nodePort }] })
    expect(onNodes!.bootstrapServers).toBe(`203.0.113.7:${(await service('ant-external-bootstrap'))!.spec.ports[0]!.nodePort}`)

    const { endpoints } = place.contacts.kafka({ namespace, name: 'ant' })
    const { uid } = (await pod())!.metadata
    endpoints.set(0, [`REPLICATION://x:9091`, `EXTERNAL://203.0.113.6:${nodePort}`])
    await place.put({ ...withType('NodePort', tls), metadata: { name: 'ant', namespace, annotations: { look: '1' } } } as Cluster)
    await eventually(async () => (await pod())?.metadata.uid !== uid && pod(), { what: 'the pod replaced', timeoutMs: 20_000 })
    endpoints.set(0, [`EXTERNAL://203.0.113.7:${nodePort}`])
    const { items } = await place.kube.list(resources.events, { namespace })
    expect(items.map(({ note }) => note)).toContainEqual(
      expect.stringContaining(`clients outside are to be told EXTERNAL://203.0.113.7:${nodePort}`),
    )
    await run()

    await place.put(withType('LoadBalancer', tls))
    await place.becomes(withType('LoadBalancer'), 'AddressPending')
    for (const [index, name] of ['ant-external-0', 'ant-external-bootstrap'].entries()) {
      const status = { loadBalancer: { ingress: [{ hostname: `lb${index}.example` }] } }
      await place.kube.patch(resources.services, { namespace, name }, 'merge', { status }, { subresource: 'status' })
    }
    const balanced = await eventually(async () =>
      (await told())?.type === 'LoadBalancer' && (await told())?.bootstrapServers ? told() : undefined,
    )
    expect(balanced).toMatchObject({ bootstrapServers: 'lb1.example:9094', brokers: [{ id: 0, host: 'lb0.example', port: 9094 }] })

    await place.put(withType('Internal'))
    await eventually(async () => (await service('ant-external-0')) === undefined, { what: "the broker's Service gone" })
    const bootstrap = await eventually(async () =>
      (await service('ant-external-bootstrap'))?.spec.type === 'ClusterIP' ? service('ant-external-bootstrap') : undefined,
    )
    expect(bootstrap!.spec.ports[0]!.nodePort).toBeUndefined()
  }, 60_000)
}
