import { type ChildProcessWithoutNullStreams, execFile, execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { DiskLock } from '../../src/base/disk.ts'
import { lockFile } from '../../src/base/lock-file.ts'
import { KUBE_LAB_PORTS, type KubeLab, startKubeLab } from './control-plane.ts'
import { freePorts } from './net.ts'

const run = promisify(execFile)
/** The address of the first node's bridge; the cluster's DNS server is there too. */
const HOST = '10.244.0.1'
/** Where the lab keeps its images and the ids of its processes: there can be one on a machine. */
const STATE = '/var/lib/kube-lab'
/** Of a node beside the programs of this machine, where each process has 1024: else all pods together would have what one process has. */
const CPU_SHARES = 16_384
const MAX_OUTPUT = 64 * 1024 * 1024

/** Apache's, as the lab makes it. */
export const ZOOKEEPER_IMAGE = 'zookeeper:3.9'

export const NODES = ['localhost', 'node-1', 'node-2'] as const
export type NodeName = (typeof NODES)[number]

/** KUBE_LAB's `node COMMAND`. Its servers hold the pipes open, so the end of the program counts, not that of its output. */
const lab = (args: string[], environment: Record<string, string> = {}): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(join(process.env['KUBE_LAB']!, 'node'), args, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-5000)))
    child.on('error', reject)
    child.on('exit', (code) => {
      child.stdout.destroy()
      child.stderr.destroy()
      if (code === 0) resolve()
      else reject(new Error(`node ${args.join(' ')} ended with ${code}\n${output}`))
    })
  })

/** Cuts pods off that a node which was stopped hard left behind: their addresses are given to new pods, and two would answer. */
const sweep = (node: number): void => {
  const { stdout } = spawnSync('ip', ['-o', 'link', 'show', 'master', `lab${node}`], { encoding: 'utf8' })
  for (const [, link] of stdout.matchAll(/^\d+: (veth\w+)/gm)) spawnSync('ip', ['link', 'delete', link!])
}

/** Every node and what serves them, with their pods' network namespaces; images and what was built stay. */
const down = async (): Promise<void> => {
  await lab(['down'])
  for (const node of NODES.keys()) sweep(node)
  const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' })
  for (const [name] of stdout.matchAll(/^cni-[-\w]+/gm)) spawnSync('ip', ['netns', 'delete', name])
}

/** Takes connections at the bridge for the API server, which is on loopback only, where no pod reaches it. */
const forward = (port: number): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer((client) => {
      const upstream = connect(port, '127.0.0.1')
      client.on('error', () => upstream.destroy()).pipe(upstream)
      upstream.on('error', () => client.destroy()).pipe(client)
    })
    server.on('error', reject)
    server.listen(port, HOST, () => resolve(server))
  })

const apiServerAt = (port: number): string =>
  JSON.stringify({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    ports: [{ name: 'https', port, protocol: 'TCP' }],
    endpoints: [{ addresses: [HOST], conditions: { ready: true } }],
  })

/** Real nodes: containerd, kubelet, DNS, services and volumes under a control plane of Kubernetes, all on this machine. */
export class NodeLab {
  readonly directory = mkdtempSync(join(tmpdir(), 'sofakafka-nodes-'))
  readonly #lock: DiskLock
  #plane: KubeLab | undefined
  #forwarder: Server | undefined
  #count = 0

  private constructor(lock: DiskLock) {
    this.#lock = lock
  }

  /** With the images of this source tree under `images`, or Apache's of ZooKeeper. Without nodes it is a control plane and a docker. The first time on a machine takes 3 minutes more than the next. */
  static async start(count: 0 | 1 | 2 | 3, images: readonly string[]): Promise<NodeLab> {
    mkdirSync(STATE, { recursive: true })
    const nodes = new NodeLab(lockFile(join(STATE, 'sofakafka.lock')))
    try {
      await nodes.#begin(count, images)
    } catch (error) {
      await nodes.stop()
      throw error
    }
    return nodes
  }

  get kubeconfig(): string {
    return this.#plane!.kubeconfig
  }
  /** Of what `up` and `node up` made. */
  get #planeDirectory(): string {
    return join(this.kubeconfig, '..')
  }

  async #begin(count: number, images: readonly string[]): Promise<void> {
    // What a run that was killed left.
    await down()
    const port = await freePorts(KUBE_LAB_PORTS)
    const [plane] = await Promise.all([startKubeLab(port), NodeLab.build(images)])
    this.#plane = plane
    if (count === 0) return
    // An image of the same name as one of an earlier run: containerd may collect the old one's layers while it unpacks the new one, and then fails.
    await this.up(count).catch(async () => {
      await down()
      await this.up(count)
    })
    this.#forwarder = await forward(port)
    await this.kubectl(['apply', '-f', '-'], apiServerAt(port))
  }

  /** Builds the images, and gives them to the nodes that run. */
  static async build(images: readonly string[]): Promise<void> {
    await lab(['base'])
    for (const image of images) await lab(image === ZOOKEEPER_IMAGE ? ['zookeeper'] : ['build', process.cwd(), image])
  }

  /** Starts those of the first `count` nodes that do not run, and waits until all are Ready. */
  async up(count = this.#count): Promise<void> {
    this.#count = count
    await lab(['up', this.#planeDirectory, String(count)])
    for (let index = 0; index < count; index++) writeFileSync(`/sys/fs/cgroup/cpu/kube-lab-${index}/cpu.shares`, String(CPU_SHARES))
  }

  /** As if its power failed. */
  async kill(node: NodeName): Promise<void> {
    // The program's exit code tells nothing here (that of the last name it compared); the kubelet's file does.
    await lab(['kill', node]).catch(() => undefined)
    if (existsSync(join(STATE, `kubelet-${NODES.indexOf(node)}.pid`))) throw new Error(`${node} was not stopped`)
    sweep(NODES.indexOf(node))
  }

  /** The docker that builds the images, and that runs containers beside the nodes. */
  async docker(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    return run('docker', ['-H', `unix://${join(STATE, 'docker.sock')}`, ...args], { maxBuffer: MAX_OUTPUT })
  }

  async kubectl(args: string[], input = ''): Promise<string> {
    const ran = run('kubectl', ['--kubeconfig', this.kubeconfig, ...args], { maxBuffer: MAX_OUTPUT })
    ran.child.stdin!.end(input)
    return (await ran).stdout
  }

  /** A program of this machine that resolves names as pods of the namespace do. Addresses of pods and services are reached from here anyway. */
  spawn(program: string, args: string[], environment: Record<string, string> = {}, namespace = 'default'): ChildProcessWithoutNullStreams {
    const resolver = join(this.directory, `resolv-${namespace}.conf`)
    const domains = `${namespace}.svc.cluster.local svc.cluster.local cluster.local`
    writeFileSync(resolver, `nameserver ${HOST}\nsearch ${domains}\noptions ndots:5\n`)
    const script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
    return spawn('unshare', ['-m', 'sh', '-c', script, resolver, program, ...args], {
      env: { ...process.env, ...environment },
      stdio: 'pipe',
    })
  }

  /** Kills a container's process with SIGKILL, as the kernel does when memory ends. */
  async killContainer(pod: string, namespace = 'default'): Promise<void> {
    const text = await this.kubectl([
      '-n',
      namespace,
      'get',
      'pod',
      pod,
      '-o',
      'jsonpath={.spec.nodeName} {.status.containerStatuses[0].containerID}',
    ])
    const [node, id] = text.split(' ')
    const socket = `/run/kube-lab/containerd-${NODES.indexOf(node as NodeName)}.sock`
    execFileSync('ctr', ['-a', socket, '-n', 'k8s.io', 'tasks', 'kill', '-s', 'SIGKILL', id!.replace('containerd://', '')])
  }

  async stop(): Promise<void> {
    this.#forwarder?.close()
    await down()
    await this.#plane?.stop()
    rmSync(this.directory, { recursive: true, force: true })
    this.#lock.release()
  }
}
