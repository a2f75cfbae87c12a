import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { complaints, type Stored, Traffic } from '../interop/traffic.ts'
import { eventually } from '../support/net.ts'
import { Kubectl, type Login, type Substrate } from './substrate.ts'

type Ready = {
  metadata: { generation: number }
  status?: { observedGeneration?: number; conditions?: { type: string; status: string; reason: string; message: string }[] }
}
export type Pod = {
  metadata: { name: string; uid: string; deletionTimestamp?: string }
  spec: { nodeName?: string; containers: { image: string }[] }
  status: { podIP?: string; hostIP?: string; conditions?: { type: string; status: string }[] }
}

/** How a client logs in; with TLS, whom it trusts, as PEM. */
type Entrance = Login & { ca?: string }

/** A Cluster where it runs, as those see it who change it while it is used. */
export class Place {
  readonly substrate: Substrate
  readonly kubectl: Kubectl
  readonly cluster: string

  constructor(substrate: Substrate, cluster = 'quickstart') {
    this.substrate = substrate
    this.kubectl = new Kubectl(substrate)
    this.cluster = cluster
  }

  /** A client program on this machine that reaches the brokers by the addresses that they advertise. */
  spawn(program: string, args: string[], environment: Record<string, string> = {}): ChildProcessWithoutNullStreams {
    return (
      this.substrate.spawn?.(program, args, environment) ?? spawn(program, args, { env: { ...process.env, ...environment }, stdio: 'pipe' })
    )
  }

  /** What shows why something is not as it should be. */
  async diagnosis(): Promise<string> {
    const asked = [
      ['get', 'pods', '-A', '-o', 'wide'],
      ['get', 'sofakafka', '-o', 'wide'],
      ['get', 'skc,skt,sku,ska', '-o', 'jsonpath={range .items[*]}{.kind} {.metadata.name} {.status.conditions}{"\\n"}{end}'],
      ['get', 'events', '-A', '--sort-by=.lastTimestamp'],
      ['-n', 'sofakafka-system', 'logs', 'deployment/sofakafka-operator', '--tail=30'],
    ]
    const answers = await Promise.all(asked.map((args) => this.kubectl.run(args)))
    return answers.map(({ stdout, stderr }) => (stdout + stderr).slice(-6000)).join('\n')
  }

  /** Of a listener with TLS: its address, and the authority to trust. */
  async entrance(listener: string): Promise<{ bootstrap: string[]; ca: string }> {
    const { status } = await this.kubectl.json<{ status: { listeners: { name: string; bootstrapServers: string }[] } }>(
      'get',
      'skc',
      this.cluster,
    )
    const { data } = await this.kubectl.json<{ data: { 'ca.crt': string } }>('get', 'secret', `${this.cluster}-cluster-ca`)
    const { bootstrapServers } = status.listeners.find(({ name }) => name === listener)!
    return { bootstrap: bootstrapServers.split(','), ca: Buffer.from(data['ca.crt'], 'base64').toString() }
  }

  /** The fingerprints of the certificates that the brokers show on a port. */
  async certificates(port: number): Promise<string[]> {
    const shown = (host: string): Promise<string> =>
      new Promise((resolve, reject) => {
        // Only what is shown counts here; the clients under load check it.
        const socket = connect({ host, port, rejectUnauthorized: false }, () => {
          resolve(socket.getPeerCertificate().fingerprint256)
          socket.destroy()
        })
        socket.once('error', reject)
      })
    return Promise.all((await this.brokers()).map(({ status }) => shown(status.podIP!)))
  }

  patch(what: string, spec: object): Promise<string> {
    return this.kubectl.ok(['patch', what, '--type=merge', '-p', JSON.stringify({ spec })])
  }

  async pods(group: string): Promise<Pod[]> {
    const selector = `sofakafka.io/cluster=${this.cluster},sofakafka.io/group=${group}`
    return (await this.kubectl.json<{ items: Pod[] }>('get', 'pods', '-l', selector)).items
  }

  brokers(): Promise<Pod[]> {
    return this.pods('kafka')
  }

  async becomesReady(what: string, timeoutMs = 120_000): Promise<void> {
    const isReady = async (): Promise<boolean> => {
      const { metadata, status } = await this.kubectl.json<Ready>('get', what)
      if (status?.observedGeneration !== metadata.generation) throw new Error('the operator has not seen the last change')
      const ready = status.conditions?.find(({ type }) => type === 'Ready')
      if (ready?.status !== 'True') throw new Error(ready ? `${ready.reason}: ${ready.message}` : 'it has no condition Ready')
      return true
    }
    await eventually(isReady, { timeoutMs, everyMs: 500, what: `${what} is Ready` })
  }

  /** Waits until none of these pods is left and all brokers are Ready. */
  async areReplaced(before: readonly Pod[], timeoutMs = 180_000): Promise<void> {
    const old = new Set(before.map(({ metadata }) => metadata.uid))
    const areNew = async () => (await this.brokers()).every(({ metadata }) => !old.has(metadata.uid))
    await eventually(areNew, { timeoutMs, everyMs: 500, what: 'every broker is a new pod' })
    await this.becomesReady(`skc/${this.cluster}`)
  }
}

/** A topic, and who produces to it idempotently and consumes it. */
const resourcesOf = (cluster: string, user: string, topic: string, partitions: number): string => `apiVersion: sofakafka.io/v1beta1
kind: Topic
metadata: {name: ${topic}}
spec: {clusterRef: {name: ${cluster}}, partitions: ${partitions}, replicas: 3, config: {min.insync.replicas: 2}}
---
apiVersion: sofakafka.io/v1beta1
kind: User
metadata: {name: ${user}}
spec: {clusterRef: {name: ${cluster}}}
---
apiVersion: sofakafka.io/v1beta1
kind: Acl
metadata: {name: ${user}}
spec:
  clusterRef: {name: ${cluster}}
  user: ${user}
  rules:
    - {resource: {type: Topic, name: "*"}, operations: [All]}
    - {resource: {type: Group, name: "*"}, operations: [All]}
    - {resource: {type: Cluster}, operations: [IdempotentWrite]}
`

/** An idempotent producer (acks=all) and a group's member that run while the cluster changes, and account for every record. They resolve names as pods do. */
export class Load {
  static readonly PARTITIONS = 6
  readonly #place: Place
  readonly #login: Entrance
  readonly #topic: string
  readonly #traffic: Traffic

  private constructor(place: Place, login: Entrance, topic: string) {
    this.#place = place
    this.#login = login
    this.#topic = topic
    const trust = login.ca === undefined ? [] : [`ca=${this.#file('ca.crt', [login.ca])}`]
    const file = this.#file('login', [`username=${login.username}`, `password=${login.password}`, ...trust])
    this.#traffic = Traffic.franzGo(login.bootstrap.join(','), topic, Load.PARTITIONS, 20, (program, args) =>
      place.spawn(program, args, { TRAFFIC_LOGIN: file }),
    )
  }

  /** `secure` names a listener with TLS; absent, the clients use the first one. */
  static async start(place: Place, topic: string, secure?: string): Promise<Load> {
    const user = `${place.cluster}-load`
    const { code, stderr } = await place.kubectl.apply(resourcesOf(place.cluster, user, topic, Load.PARTITIONS))
    if (code !== 0) throw new Error(stderr)
    for (const what of [`sku/${user}`, `ska/${user}`, `skt/${topic}`]) await place.becomesReady(what)
    const login = await place.kubectl.login(user)
    const load = new Load(place, secure === undefined ? login : { ...login, ...(await place.entrance(secure)) }, topic)
    await load.goesOn()
    return load
  }

  #file(name: string, lines: string[]): string {
    const path = join(this.#place.substrate.directory, `${this.#topic}.${name}`)
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
    const { username, password, bootstrap, ca } = this.#login
    const trust =
      ca === undefined
        ? ['security.protocol=SASL_PLAINTEXT']
        : ['security.protocol=SASL_SSL', `ssl.ca.location=${this.#file('ca.crt', [ca])}`]
    const mechanism = [...trust, 'sasl.mechanisms=SCRAM-SHA-512']
    const file = this.#file('kcat', [...mechanism, `sasl.username=${username}`, `sasl.password=${password}`])
    const kcat = this.#place.spawn('kcat', [
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
