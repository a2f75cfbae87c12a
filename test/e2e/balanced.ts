import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { eventually } from '../support/net.ts'
import { execute, Kubectl, LocalMode, type Executed } from './substrate.ts'

const NOTHING = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nothing}\n'
const RESOURCES = `apiVersion: sofakafka.io/v1beta1
kind: Cluster
metadata: {name: ant}
spec:
  zookeeper: {storage: {size: 1Gi}}
  brokers: [{name: kafka, replicas: 2, storage: {size: 1Gi}}]
  authorization: {}
  interBroker: {tls: {enabled: true}}
  listeners:
    - {name: sasl, port: 9094, type: LoadBalancer, tls: {enabled: true}}
    - {name: mtls, port: 9095, type: LoadBalancer, tls: {enabled: true}, authentication: {type: TLS}}
---
apiVersion: sofakafka.io/v1beta1
kind: Topic
metadata: {name: orders}
spec: {clusterRef: {name: ant}, partitions: 4, replicas: 2}
---
apiVersion: sofakafka.io/v1beta1
kind: User
metadata: {name: by-password}
spec: {clusterRef: {name: ant}, authentication: {type: SCRAM-SHA-512}}
---
apiVersion: sofakafka.io/v1beta1
kind: User
metadata: {name: by-certificate}
spec: {clusterRef: {name: ant}, authentication: {type: TLS}}
---
apiVersion: sofakafka.io/v1beta1
kind: Acl
metadata: {name: by-password}
spec:
  clusterRef: {name: ant}
  user: by-password
  rules: [{resource: {type: Topic, name: orders}, operations: [Read, Write, Describe]}]
---
apiVersion: sofakafka.io/v1beta1
kind: Acl
metadata: {name: by-certificate}
spec:
  clusterRef: {name: ant}
  user: by-certificate
  rules:
    - {resource: {type: Topic, name: orders}, operations: [Read, Write, Describe]}
    - {resource: {type: Group, name: orders}, operations: [Read]}
`
const PORTS = [9094, 9095]
const LISTENERS = ['sasl', 'mtls']

type Pod = { status?: { podIP?: string } }
type Secret = { data: Record<string, string> }
type Condition = { type: string; status: string; reason: string; message: string }

/** What a cloud would do for Services of type LoadBalancer: an address of its own for each, and a way from there to the pod. */
class Balancers {
  readonly #kubectl: Kubectl
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #network = `127.${200 + Math.floor(Math.random() * 50)}.${Math.floor(Math.random() * 250)}`

  constructor(kubectl: Kubectl) {
    this.#kubectl = kubectl
  }

  /** Gives the Service an address, from which connections go to one of the pods. */
  async serve(service: string, port: number, index: number, pods: readonly string[]): Promise<void> {
    const host = `${this.#network}.${index + 1}`
    const server = createServer((client) => void this.#join(client, port, pods))
    await new Promise<void>((resolve) => server.listen(port, host, resolve))
    this.#servers.push(server)
    const status = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip: host }] } } })
    await this.#kubectl.ok(['patch', 'service', service, '--subresource=status', '--type=merge', '-p', status])
  }

  async #join(client: Socket, port: number, pods: readonly string[]): Promise<void> {
    this.#sockets.add(client)
    client.on('error', () => {})
    try {
      const name = pods[Math.floor(Math.random() * pods.length)]!
      const { status } = await this.#kubectl.json<Pod>('get', 'pod', name)
      const broker = connect(port, status!.podIP!)
      this.#sockets.add(broker)
      broker.on('error', () => client.destroy())
      client.pipe(broker).pipe(client)
    } catch {
      client.destroy()
    }
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy()
    for (const server of this.#servers) server.close()
  }
}

/** A Cluster with listeners behind load balancers in the local mode; the test plays the cloud. */
export class Balanced {
  readonly files = mkdtempSync(join(tmpdir(), 'sofakafka-listeners-'))
  local!: LocalMode
  kubectl!: Kubectl
  #balancers!: Balancers

  /** Everything is applied, and nothing has an address. */
  async start(): Promise<void> {
    const file = join(this.files, 'nothing.yaml')
    writeFileSync(file, NOTHING)
    this.local = await LocalMode.start({ file })
    this.kubectl = new Kubectl(this.local)
    this.#balancers = new Balancers(this.kubectl)
    expect((await this.kubectl.apply(RESOURCES)).stderr).toBe('')
  }

  async stop(): Promise<void> {
    this.#balancers?.stop()
    await this.local?.stop()
    rmSync(this.files, { recursive: true, force: true })
  }

  /** Addresses for all Services, and everything Ready. */
  async balance(): Promise<void> {
    await this.becomes('skc/ant', 'AddressPending')
    let index = 0
    for (const [at, listener] of LISTENERS.entries()) {
      for (const id of [0, 1]) await this.#balancers.serve(`ant-${listener}-${id}`, PORTS[at]!, index++, [`ant-kafka-${id}`])
      await this.#balancers.serve(`ant-${listener}-bootstrap`, PORTS[at]!, index++, ['ant-kafka-0', 'ant-kafka-1'])
    }
    const all = ['skc/ant', 'skt/orders', 'sku/by-password', 'sku/by-certificate', 'ska/by-certificate', 'ska/by-password']
    for (const what of all) await this.becomes(what, 'Ready')
  }

  readonly becomes = (what: string, reason: string): Promise<Condition> =>
    eventually(
      async () => {
        const { status } = await this.kubectl.json<{ status?: { conditions?: Condition[] } }>('get', what)
        const ready = status?.conditions?.find(({ type }) => type === 'Ready')
        return ready?.reason === reason ? ready : undefined
      },
      { timeoutMs: 120_000, everyMs: 200, what: `${what} ${reason}` },
    )

  /** The Secret of a user, each key in a file of its own. */
  readonly unpack = async (user: string): Promise<{ at: (key: string) => string; text: (key: string) => string }> => {
    const { data } = await this.kubectl.json<Secret>('get', 'secret', user)
    mkdirSync(join(this.files, user), { recursive: true })
    for (const [key, value] of Object.entries(data)) writeFileSync(join(this.files, user, key), Buffer.from(value, 'base64'))
    return { at: (key) => join(this.files, user, key), text: (key) => Buffer.from(data[key] ?? '', 'base64').toString() }
  }

  readonly kcat = async (user: string, args: string[], input?: string): Promise<Executed> => {
    const { at, text } = await this.unpack(user)
    const login =
      text('security.protocol') === 'SSL'
        ? [`ssl.certificate.location=${at('user.crt')}`, `ssl.key.location=${at('user.key')}`]
        : ['sasl.mechanisms=SCRAM-SHA-512', `sasl.username=${user}`, `sasl.password=${text('password')}`]
    const ca = text('ca.crt') ? [`ssl.ca.location=${at('ca.crt')}`] : []
    const path = join(this.files, `${user}.kcat`)
    writeFileSync(path, [`security.protocol=${text('security.protocol')}`, ...ca, ...login, ''].join('\n'))
    return execute('kcat', ['-F', path, '-b', text('bootstrap.servers'), ...args], input, 30_000)
  }
}
