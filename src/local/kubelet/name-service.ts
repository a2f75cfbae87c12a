import type { MonotonicClock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/logger.ts'
import { Informer } from '../../kube/informer.ts'
import type { Kube } from '../../kube/types.ts'
import { pods, services, type Pod, type Service } from '../objects.ts'
import { formatTable } from './name-table.ts'
import type { Network } from './network.ts'
import { isHeadless, nameTableOf, podsOf, targetPortOf } from './services.ts'
import { ServiceProxy, type Forward } from './service-proxy.ts'

export type NameServiceOptions = { kube: Kube; network: Network; disk: Disk; path: string; clock: MonotonicClock; logger: Logger }

const keyText = (object: Pod | Service): string => `${object.metadata.namespace}/${object.metadata.name}`
const portKey = (object: Pod | Service): string => `${object.kind === 'Service' ? 'service' : 'pod'} ${keyText(object)}`

/** Keeps the file of names and the services' forwarders in step with the pods and services of the API server. */
export class NameService {
  readonly #options: NameServiceOptions
  readonly #pods: Informer<Pod>
  readonly #services: Informer<Service>
  readonly #proxy: ServiceProxy
  #written = ''
  #isRunning = false
  #isDirty = false
  #isStopped = false
  /** Ports of services on a shared address. */
  readonly #moved = new Map<string, Record<string, number>>()

  constructor(options: NameServiceOptions) {
    this.#options = options
    const { kube, clock, logger } = options
    this.#proxy = new ServiceProxy({ logger })
    const onChange = () => this.#changed()
    this.#pods = new Informer({ kube, resource: pods, clock, logger, onChange })
    this.#services = new Informer({ kube, resource: services, clock, logger, onChange })
  }

  async start(): Promise<void> {
    this.#pods.start()
    this.#services.start()
    await Promise.all([this.#pods.synced, this.#services.synced])
    await this.#sync()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all([this.#pods.stop(), this.#services.stop()])
    await this.#proxy.stop()
  }

  #changed(): void {
    this.#isDirty = true
    if (this.#isRunning || this.#isStopped || !this.#pods.isSynced || !this.#services.isSynced) return
    this.#isRunning = true
    void this.#catchUp().finally(() => {
      this.#isRunning = false
    })
  }

  async #catchUp(): Promise<void> {
    while (this.#isDirty && !this.#isStopped) {
      this.#isDirty = false
      await this.#sync().catch((error: unknown) => this.#options.logger.warn({ err: error }, 'names not written'))
    }
  }

  async #sync(): Promise<void> {
    const { network } = this.#options
    const allPods = this.#pods.list()
    const all = this.#services.list().map((service) => ({ ...service, kind: 'Service' }))
    if (network.isShared) await this.#placePorts([...all, ...allPods])
    const addressOf = (service: Service) => network.serviceAddress(keyText(service), service.spec.clusterIP)
    const portsOf = (object: Pod | Service) => this.#moved.get(portKey(object)) ?? {}
    this.#write(formatTable(nameTableOf(all, allPods, { addressOf, portsOf })))
    const forwards = all
      .filter((service) => !isHeadless(service))
      .flatMap((service) => this.#forwards(service, allPods, addressOf(service)))
    await this.#proxy.sync(forwards)
  }

  async #placePorts(objects: (Pod | Service)[]): Promise<void> {
    const alive = new Set(objects.map(portKey))
    for (const key of this.#moved.keys()) if (!alive.has(key)) this.#moved.delete(key)
    for (const object of objects) {
      const key = portKey(object)
      const ports = isService(object)
        ? (object.spec.ports ?? []).map(({ port }) => port)
        : object.spec.containers.flatMap(({ ports: own = [] }) => own.map(({ containerPort }) => containerPort))
      const moved: Record<string, number> = {}
      for (const port of ports) moved[port] = await this.#options.network.hostPort(key, port)
      this.#moved.set(key, moved)
    }
  }

  #forwards(service: Service, allPods: Pod[], host: string): Forward[] {
    const members = podsOf(service, allPods)
    const moved = (object: Pod | Service, port: number) => this.#moved.get(portKey(object))?.[port] ?? port
    return (service.spec.ports ?? [])
      .filter(({ protocol = 'TCP' }) => protocol === 'TCP')
      .map((port) => ({
        name: keyText(service),
        host,
        port: moved(service, port.port),
        targets: members.flatMap((pod) => {
          const target = targetPortOf(port, pod)
          return target === undefined ? [] : [{ host: pod.status!.podIP!, port: moved(pod, target) }]
        }),
      }))
  }

  /** No sync: the file is made anew at each start. */
  #write(text: string): void {
    if (text === this.#written) return
    const { disk, path } = this.#options
    const file = disk.open(`${path}.tmp`, 'create')
    try {
      file.truncateSync(0)
      file.writeSync([Buffer.from(text)], 0)
    } finally {
      file.close()
    }
    disk.rename(`${path}.tmp`, path)
    this.#written = text
  }
}

const isService = (object: Pod | Service): object is Service => object.kind === 'Service'
