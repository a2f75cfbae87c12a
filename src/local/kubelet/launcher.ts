import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import type { Container, Pod } from '../objects.ts'
import { environmentOf, expand } from './environment.ts'
import type { Network } from './network.ts'
import type { PathMap } from './paths.ts'
import type { PodSources } from './pod-sources.ts'
import { SERVICE_ACCOUNT_PATH } from './service-account.ts'
import { mountVolumes } from './volumes.ts'

export type ProcessPlan = { args: string[]; env: Record<string, string>; cwd: string }

/** How this package's programs are started, the same for all pods. */
export type ProgramPlaces = {
  /** The program's main module, and the module that is loaded before it (its URL, without a query). */
  main: string
  preload: string
  /** Variables that every process gets from this one: PATH, TMPDIR, NODE_COMPILE_CACHE. */
  environment: Record<string, string>
  /** Where pods reach the API server. */
  apiServer: { host: string; port: number }
  /** The file of names, written by NameService. */
  names: string
}

const portKey = (pod: Pod): string => `pod ${pod.metadata.namespace}/${pod.metadata.name}`

/**
 * As in the first line of main.ts. With its small first limit V8 takes the buffers of requests for a full heap and marks all of it 25 times a second, which costs a busy
 * broker a third of its processor time; from this limit on they are freed young. It reserves nothing.
 */
const NODE_FLAGS = ['--initial-old-space-size=256']

/** Turns a container of a pod into the arguments, variables and files of a process. */
export class Launcher {
  readonly #disk: Disk
  readonly #network: Network
  readonly #places: ProgramPlaces
  readonly #sources: PodSources
  readonly #capacity: { cpu: number; memory: number }
  readonly #hostPorts = new Map<string, number>()

  constructor(options: {
    disk: Disk
    network: Network
    places: ProgramPlaces
    sources: PodSources
    capacity: { cpu: number; memory: number }
  }) {
    this.#disk = options.disk
    this.#network = options.network
    this.#places = options.places
    this.#sources = options.sources
    this.#capacity = options.capacity
  }

  /** Where a port of the pod is on this machine. */
  hostPort(pod: Pod, port: number): number {
    return this.#hostPorts.get(`${portKey(pod)} ${port}`) ?? port
  }

  /** Gives every declared port of the pod its place; before anything of the pod starts. On a shared address it says which, else nothing. */
  async placePorts(pod: Pod): Promise<Record<string, number> | undefined> {
    for (const { ports = [] } of pod.spec.containers) {
      for (const { containerPort } of ports) {
        this.#hostPorts.set(`${portKey(pod)} ${containerPort}`, await this.#network.hostPort(portKey(pod), containerPort))
      }
    }
    return this.#network.isShared ? Object.fromEntries(this.#moved(pod)) : undefined
  }

  /** Throws ContainerConfigError where something that the container names is not there. */
  async prepare(options: {
    pod: Pod
    container: Container
    podDirectory: string
    launch: { program: string; args: string[] }
  }): Promise<ProcessPlan> {
    const { pod, container, podDirectory, launch } = options
    const sources = { ...(await this.#sources.of(pod, container)), capacity: this.#capacity }
    const environment = environmentOf({ pod, container, sources, capacity: this.#capacity }, this.#base(pod))
    const paths = mountVolumes({ disk: this.#disk, podDirectory, pod, container, sources, environment })
    const here = (text: string): string => this.#placed(pod, paths.rewrite(text))
    return {
      args: [
        ...NODE_FLAGS,
        '--import',
        this.#preload(pod),
        this.#places.main,
        launch.program,
        ...launch.args.map((arg) => here(expand(arg, environment))),
      ],
      env: { ...this.#environment(environment, here), ...wellKnown(paths) },
      cwd: join(podDirectory, 'containers', container.name),
    }
  }

  /** Values that come from this machine's own environment name its own paths; only the pod's are rewritten. */
  #environment(values: ReadonlyMap<string, string>, here: (text: string) => string): Record<string, string> {
    const own = this.#places.environment
    return Object.fromEntries([...values].map(([name, value]) => [name, own[name] === value ? value : here(value)]))
  }

  #base(pod: Pod): [string, string][] {
    const { environment, apiServer } = this.#places
    return [
      ...Object.entries(environment),
      ['HOSTNAME', pod.spec.hostname ?? pod.metadata.name],
      ['KUBERNETES_SERVICE_HOST', apiServer.host],
      ['KUBERNETES_SERVICE_PORT', String(apiServer.port)],
    ]
  }

  #preload(pod: Pod): string {
    const url = new URL(this.#places.preload)
    const query = url.searchParams
    query.set('address', this.#network.podAddress(`${pod.metadata.namespace}/${pod.metadata.name}`))
    query.set('namespace', pod.metadata.namespace ?? 'default')
    query.set('names', this.#places.names)
    query.set('lifeline', '1')
    if (this.#network.isShared) {
      query.set('shared', '1')
      query.set(
        'ports',
        this.#moved(pod)
          .map(([from, to]) => `${from}-${to}`)
          .join(','),
      )
    }
    return url.href
  }

  #moved(pod: Pod): [number, number][] {
    return pod.spec.containers.flatMap(({ ports = [] }) =>
      ports.map(({ containerPort }) => [containerPort, this.hostPort(pod, containerPort)] as [number, number]),
    )
  }

  /** On a shared address `<address>:<port of the pod>` is written where clients are told to come: it becomes the port that they can reach. */
  #placed(pod: Pod, text: string): string {
    if (!this.#network.isShared) return text
    const ports = new Map(this.#moved(pod))
    return text.replace(new RegExp(`(?<![\\d.])${this.#network.nodeIP.replaceAll('.', '\\.')}:(\\d+)`, 'g'), (all, port: string) =>
      ports.has(Number(port)) ? `${this.#network.nodeIP}:${ports.get(Number(port))}` : all,
    )
  }
}

/** Paths that programs know without being told: their account, and where temporary files go. */
const wellKnown = (paths: PathMap): Record<string, string> => {
  const account = paths.locate(SERVICE_ACCOUNT_PATH)
  const temporary = paths.locate('/tmp')
  return { ...(account ? { SOFAKAFKA_SERVICE_ACCOUNT_DIR: account } : {}), ...(temporary ? { TMPDIR: temporary } : {}) }
}
