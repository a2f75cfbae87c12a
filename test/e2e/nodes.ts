import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { complaints, type Stored, Traffic } from '../interop/traffic.ts'
import { NodeLab } from '../support/node-lab.ts'
import { eventually } from '../support/net.ts'
import { execute, Kubectl, type Login, type Substrate } from './substrate.ts'
import { ADMIN } from './suite.ts'

/** The image of this source tree, and the same under another name, to change to. */
export const IMAGE = 'sofakafka:e2e'
export const OTHER_IMAGE = 'sofakafka:e2e-other'

type Ready = { status?: { conditions?: { type: string; status: string; reason: string; message: string }[] } }
export type Pod = {
  metadata: { name: string; uid: string; deletionTimestamp?: string }
  spec: { nodeName?: string; containers: { image: string }[] }
  status: { podIP?: string; conditions?: { type: string; status: string }[] }
}

/** Real nodes with the operator of this source tree as two pods, and the quickstart, all in namespaces where only restricted pods may run. */
export class Nodes implements Substrate {
  readonly lab: NodeLab
  readonly kubectl: Kubectl

  private constructor(lab: NodeLab) {
    this.lab = lab
    this.kubectl = new Kubectl(lab)
  }

  /** `values`: for helm install. */
  static async start(options: { count?: 1 | 2 | 3; values?: string[]; images?: string[] } = {}): Promise<Nodes> {
    const nodes = new Nodes(await NodeLab.start(options.count ?? 1, options.images ?? [IMAGE]))
    try {
      await nodes.#install(options.values ?? [])
    } catch (error) {
      await nodes.stop()
      throw error
    }
    return nodes
  }

  get kubeconfig(): string {
    return this.lab.kubeconfig
  }
  get directory(): string {
    return this.lab.directory
  }

  async #install(values: string[]): Promise<void> {
    const { code, stdout, stderr } = await execute(
      'env',
      [`KUBECONFIG=${this.kubeconfig}`, 'hack/install', IMAGE, 'default', ...values],
      '',
      420_000,
    )
    if (code !== 0) throw new Error(`hack/install ended with ${code}\n${stdout}${stderr}\n${await this.diagnosis()}`)
  }

  /** What shows why something is not as it should be. */
  async diagnosis(): Promise<string> {
    const asked = [
      ['get', 'pods', '-A', '-o', 'wide'],
      ['get', 'sofakafka', '-o', 'wide'],
      ['get', 'skc', '-o', 'jsonpath={.items[*].status.conditions}'],
      ['get', 'events', '-A', '--sort-by=.lastTimestamp'],
      ['-n', 'sofakafka-system', 'logs', 'deployment/sofakafka-operator', '--tail=30'],
    ]
    const answers = await Promise.all(asked.map((args) => this.kubectl.run(args)))
    return answers.map(({ stdout, stderr }) => (stdout + stderr).slice(-6000)).join('\n')
  }

  patch(what: string, spec: object): Promise<string> {
    return this.kubectl.ok(['patch', what, '--type=merge', '-p', JSON.stringify({ spec })])
  }

  async brokers(): Promise<Pod[]> {
    const { items } = await this.kubectl.json<{ items: Pod[] }>('get', 'pods', '-l', 'app.kubernetes.io/name=kafka')
    return items
  }

  async becomesReady(what: string, timeoutMs = 120_000): Promise<void> {
    const isReady = async (): Promise<boolean> => {
      const { status } = await this.kubectl.json<Ready>('get', what)
      return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
    }
    await eventually(isReady, { timeoutMs, everyMs: 500, what: `${what} is Ready` })
  }

  /** Waits until none of these pods is left and all brokers are Ready. */
  async areReplaced(before: readonly Pod[], timeoutMs = 180_000): Promise<void> {
    const old = new Set(before.map(({ metadata }) => metadata.uid))
    const areNew = async () => (await this.brokers()).every(({ metadata }) => !old.has(metadata.uid))
    await eventually(areNew, { timeoutMs, everyMs: 500, what: 'every broker is a new pod' })
    await this.becomesReady('skc/quickstart')
  }

  async stop(): Promise<void> {
    await this.lab.stop()
  }
}

const topicOf = (name: string, partitions: number): string => `apiVersion: sofakafka.io/v1beta1
kind: Topic
metadata: {name: ${name}}
spec: {clusterRef: {name: quickstart}, partitions: ${partitions}, replicas: 3, config: {min.insync.replicas: 2}}
`

/** The user of `ADMIN` may produce idempotently too. */
const IDEMPOTENT = `apiVersion: sofakafka.io/v1beta1
kind: Acl
metadata: {name: idempotent}
spec: {clusterRef: {name: quickstart}, user: tester, rules: [{resource: {type: Cluster}, operations: [IdempotentWrite]}]}
`

/** An idempotent producer (acks=all) and a group's member that run while the cluster changes, and account for every record. They resolve names as pods do. */
export class Load {
  static readonly PARTITIONS = 6
  readonly #nodes: Nodes
  readonly #login: Login
  readonly #topic: string
  readonly #traffic: Traffic

  private constructor(nodes: Nodes, login: Login, topic: string) {
    this.#nodes = nodes
    this.#login = login
    this.#topic = topic
    const file = this.#file('login', [`username=${login.username}`, `password=${login.password}`])
    this.#traffic = Traffic.franzGo(login.bootstrap.join(','), topic, Load.PARTITIONS, 20, (program, args) =>
      nodes.lab.spawn(program, args, { TRAFFIC_LOGIN: file }),
    )
  }

  static async start(nodes: Nodes, topic: string): Promise<Load> {
    const { code, stderr } = await nodes.kubectl.apply(`${ADMIN}---\n${IDEMPOTENT}---\n${topicOf(topic, Load.PARTITIONS)}`)
    if (code !== 0) throw new Error(stderr)
    for (const what of ['sku/tester', 'ska/tester', 'ska/idempotent', `skt/${topic}`]) await nodes.becomesReady(what)
    const load = new Load(nodes, await nodes.kubectl.login('tester'), topic)
    await load.goesOn()
    return load
  }

  #file(name: string, lines: string[]): string {
    const path = join(this.#nodes.directory, `${this.#topic}.${name}`)
    writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 })
    return path
  }

  /** Waits until records that were acknowledged from now on are polled. */
  async goesOn(): Promise<void> {
    const { acked } = await this.#traffic.counts()
    const isThrough = async () => (await this.#traffic.counts()).polled > acked + 10 * Load.PARTITIONS
    try {
      await eventually(isThrough, { timeoutMs: 60_000, everyMs: 200, what: 'records come through' })
    } catch (cause) {
      throw new Error(`records do not come through\n${this.#traffic.notes()}`, { cause })
    }
  }

  /** Ends the clients, reads what is stored, and tells everything that contradicts "0 failed, 0 lost, 0 doubled"; and how many records there were. */
  async end(): Promise<{ complaints: string[]; records: number }> {
    const account = await this.#traffic.end()
    const { username, password, bootstrap } = this.#login
    const mechanism = ['security.protocol=SASL_PLAINTEXT', 'sasl.mechanisms=SCRAM-SHA-512']
    const file = this.#file('kcat', [...mechanism, `sasl.username=${username}`, `sasl.password=${password}`])
    const kcat = this.#nodes.lab.spawn('kcat', [
      '-F',
      file,
      '-b',
      bootstrap.join(','),
      '-C',
      '-t',
      this.#topic,
      '-o',
      'beginning',
      '-e',
      '-q',
      '-f',
      '%p %o %s\n',
    ])
    let output = ''
    kcat.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const code = await new Promise((resolve) => kcat.once('close', resolve))
    if (code !== 0) throw new Error(`kcat ended with ${String(code)}`)
    const stored = output
      .trim()
      .split('\n')
      .map((line): Stored => {
        const [partition, offset, value] = line.split(' ')
        return { partition: Number(partition), offset: Number(offset), value: value! }
      })
    return { complaints: complaints(account, stored), records: account.acked.length }
  }

  kill(): void {
    this.#traffic.kill()
  }
}
