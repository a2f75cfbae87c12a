import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monotonicClock, wallClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { nodeDisk } from '../../../src/base/node-disk.ts'
import type { KubeClient } from '../../../src/kube/client.ts'
import * as resources from '../../../src/kube/resources.ts'
import { keyOf } from '../../../src/kube/types.ts'
import { startControllers } from '../../../src/local/controllers/index.ts'
import { isZooKeeper } from '../../../src/operator/cluster/pods/broker-pods.ts'
import { ZooKeeperEnsembles, type Ensembles } from '../../../src/operator/zookeeper/ensembles.ts'
import { askFourLetters, modeOf, type Mode } from '../../../src/zookeeper/four-letter.ts'
import { tcpDial } from '../../../src/zookeeper/socket.ts'
import { classpath } from '../../support/java.ts'

const LOOK_EVERY_MS = 200
const CLIENT_PORT = 2181
/** Servers that a test may have. */
const MAX_SERVERS = 7

type Running = { uid: string; process: ChildProcess; output: string; address: string }

/**
 * Nodes for an API server that has none. Pods of ZooKeeper run Apache ZooKeeper 3.9 as their own start script starts it, each on an address of its own; all other
 * pods are simply ready. Volumes are directories, which stay.
 */
export class ZooKeeperNodes {
  readonly directory = mkdtempSync(join(tmpdir(), 'sofakafka-zk-nodes-'))
  readonly #kube: KubeClient
  /** Of the network of the addresses: 127.N.N.x. */
  readonly #network = `127.${100 + Math.floor(Math.random() * 100)}.${Math.floor(Math.random() * 250)}`
  readonly #running = new Map<string, Running>()
  readonly #held = new Set<string>()
  #controllers: { stop(): Promise<void> } | undefined
  #isOver = false
  #loop: Promise<void> | undefined

  constructor(kube: KubeClient) {
    this.#kube = kube
  }

  async start(): Promise<void> {
    this.#controllers = await startControllers({
      kube: this.#kube,
      volumes: join(this.directory, 'claims'),
      caCertificate: '',
      disk: nodeDisk,
      monotonic: monotonicClock,
      wall: wallClock,
      logger: silentLogger,
    })
    const flags = '-Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto'
    const hosts = `-Djdk.net.hosts.file=${join(this.directory, 'hosts')}`
    const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
    mkdirSync(join(this.directory, 'bin'))
    const script = `#!/bin/sh\nexec java ${flags} ${hosts} $JVMFLAGS -cp "${classpath('zookeeper-3.9')}" ${main} "$2"\n`
    writeFileSync(join(this.directory, 'bin', 'zkServer.sh'), script)
    chmodSync(join(this.directory, 'bin', 'zkServer.sh'), 0o755)
    this.#loop = this.#play()
  }

  async stop(): Promise<void> {
    this.#isOver = true
    try {
      await this.#loop
    } finally {
      // Also when the API server went first: no server outlives its test.
      for (const name of this.#running.keys()) this.#kill(name)
      await this.#controllers?.stop()
    }
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** The operator's way to these servers: they share one machine, so client ports are opened on their own addresses only. */
  readonly ensembles: Ensembles = (() => {
    const real = new ZooKeeperEnsembles({ clock: monotonicClock, logger: silentLogger })
    const own = (line: string) => line.replace(/^(server\.\d+=([^:]+):.*);(?:127\.0\.0\.1:)?(\d+)$/, '$1;$2:$3')
    return {
      look: (servers) => real.look(servers),
      reconfigure: (servers, login, change) =>
        real.reconfigure(servers, login, change.joining ? { ...change, joining: change.joining.map(own) } : change),
    }
  })()

  addressOf(server: number): { host: string; port: number } {
    return { host: `${this.#network}.${server}`, port: CLIENT_PORT }
  }

  output(pod: string): string {
    return this.#running.get(pod)?.output ?? ''
  }

  async modes(count: number): Promise<(Mode | undefined)[]> {
    return Promise.all(Array.from({ length: count }, (_unused, index) => this.#mode(`${this.#network}.${index + 1}`)))
  }

  /** Kills the containers of these pods at once; each begins again, in its pod, when all are dead. */
  async crash(pods: readonly string[]): Promise<void> {
    for (const pod of pods) this.#held.add(pod)
    const dying = pods.map((pod) => this.#running.get(pod)!.process)
    await Promise.all(
      dying.map((process) => {
        const exited = new Promise((resolve) => process.once('exit', resolve))
        process.kill('SIGKILL')
        return exited
      }),
    )
    for (const pod of pods) this.#held.delete(pod)
  }

  async #mode(host: string): Promise<Mode | undefined> {
    try {
      return modeOf(await askFourLetters(tcpDial, { host, port: CLIENT_PORT }, 'srvr', AbortSignal.timeout(1000)))
    } catch {
      return undefined
    }
  }

  async #play(): Promise<void> {
    while (!this.#isOver) {
      const { items } = await this.#kube.list(resources.pods)
      const there = new Set(items.map(({ metadata }) => metadata.uid))
      for (const [name, { uid }] of this.#running) if (!there.has(uid)) this.#kill(name)
      for (const pod of items) await this.#serve(pod)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }

  async #serve(pod: resources.Pod): Promise<void> {
    if (pod.metadata.deletionTimestamp) return
    if (!isZooKeeper(pod)) return this.#say(pod, '10.0.0.1', true)
    const { name, uid = '' } = pod.metadata
    const running = this.#running.get(name)
    if (this.#held.has(name)) return
    if (!running || running.uid !== uid || running.process.exitCode !== null || running.process.signalCode !== null) await this.#run(pod)
    else await this.#mount(pod)
    const { address } = this.#running.get(name)!
    await this.#say(pod, address, (await this.#mode(address)) !== undefined)
  }

  /** As a kubelet: files and variables of the pod, then its own command. */
  async #run(pod: resources.Pod): Promise<void> {
    const { name, namespace = '', uid = '' } = pod.metadata
    const before = this.#running.get(name)
    if (before) this.#kill(name)
    const server = Number(pod.metadata.labels!['apps.kubernetes.io/pod-index']) + 1
    const container = pod.spec.containers[0]!
    const env = Object.fromEntries((container.env ?? []).flatMap(({ name: key, value }) => (value === undefined ? [] : [[key, value]])))
    const [home, config] = [join(this.directory, 'volumes', namespace, name), join(this.directory, 'config', uid)]
    mkdirSync(home, { recursive: true })
    mkdirSync(config, { recursive: true })
    const set = name.replace(/-\d+$/, '')
    const { data = {} } = (await this.#kube.get(resources.configMaps, { namespace, name: set }))!
    const secret = (await this.#kube.get(resources.secrets, { namespace, name: `${set}-login` }))!
    for (const [key, value] of Object.entries(secret.data ?? {})) writeFileSync(join(config, key), Buffer.from(value, 'base64'))
    const settings = data['zoo.cfg']!.replace(/^dataDir=.*$/m, `dataDir=${join(home, 'data')}`)
      .replace('quorumListenOnAllIPs=true', 'quorumListenOnAllIPs=false')
      .replace('tickTime=2000', 'tickTime=300')
      .replace(/^secureClientPort=.*$/m, `$&\nsecureClientPortAddress=${this.#network}.${server}`)
      .replace(/^metricsProvider.httpPort=.*$/m, `$&\nmetricsProvider.httpHost=${this.#network}.${server}`)
      .replaceAll('/tmp/zookeeper-tls', join(config, 'tls'))
    writeFileSync(join(config, 'zoo.cfg'), settings)
    const host = '$SERVERS-$(($1 - 1)).$SERVICE'
    writeFileSync(join(config, 'start.sh'), data['start.sh']!.replace(`$2;\${CLIENT_ADDRESS:-${CLIENT_PORT}}`, `$2;${host}:${CLIENT_PORT}`))
    const lines = Array.from({ length: MAX_SERVERS }, (_unused, index) => `${this.#network}.${index + 1} ${set}-${index}.${env['SERVICE']}`)
    writeFileSync(join(this.directory, 'hosts'), `127.0.0.1 localhost\n${lines.join('\n')}\n`)
    const flags = env['JVMFLAGS']!.replaceAll('/etc/sofakafka/zookeeper-login', config)
    await this.#mount(pod)
    const child = spawn('sh', [join(config, 'start.sh')], {
      env: {
        ...env,
        PATH: `${join(this.directory, 'bin')}:${process.env['PATH']}`,
        POD_INDEX: String(server - 1),
        POD_UID: uid,
        HOME_DIRECTORY: home,
        CONFIG_DIRECTORY: config,
        ...(env['TLS_SOURCE'] ? { TLS_SOURCE: join(config, 'mounted'), TLS_DIRECTORY: join(config, 'tls') } : {}),
        JVMFLAGS: flags,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const running = { uid, process: child, output: '', address: `${this.#network}.${server}` }
    const keep = (chunk: Buffer) => (running.output = (running.output + chunk.toString()).slice(-400_000))
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    this.#running.set(name, running)
  }

  /** The certificates that the pod mounts, as they are now. */
  async #mount({ metadata: { name, namespace = '', uid = '' }, spec }: resources.Pod): Promise<void> {
    const secretName = `${name.replace(/-\d+$/, '')}-certificates`
    if (!spec.volumes?.some((volume) => (volume['secret'] as { secretName?: string } | undefined)?.secretName === secretName)) return
    const secret = await this.#kube.get(resources.secrets, { namespace, name: secretName })
    const directory = join(this.directory, 'config', uid, 'mounted')
    mkdirSync(directory, { recursive: true })
    for (const [key, value] of Object.entries(secret?.data ?? {})) writeFileSync(join(directory, key), Buffer.from(value, 'base64'))
  }

  async #say(pod: resources.Pod, podIP: string, isReady: boolean): Promise<void> {
    const status = isReady ? 'True' : 'False'
    const now = pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status
    if (now === status && pod.status?.podIP === podIP) return
    const body = { status: { phase: 'Running', podIP, conditions: [{ type: 'Ready', status }] } }
    await this.#kube.patch(resources.pods, keyOf(pod), 'merge', body, { subresource: 'status' }).catch(() => {})
  }

  #kill(name: string): void {
    this.#running.get(name)?.process.kill('SIGKILL')
    this.#running.delete(name)
  }
}
