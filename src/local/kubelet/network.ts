import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'

/** Whether something could listen there now: 'free', 'busy', or 'absent' where this machine has no such address. */
export type CanListen = (host: string, port: number) => Promise<'free' | 'busy' | 'absent'>

export const canListen: CanListen = (host, port) =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRNOTAVAIL' ? 'absent' : 'busy'))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve('free')))
  })

type State = { version: 1; subnet: number | null; addresses: Record<string, string>; ports: Record<string, number> }

/** The kubelet's own port (logs); whoever holds it on a subnet's first address owns the subnet. */
export const KUBELET_PORT = 10250
const SHARED = '127.0.0.1'
const FIRST_HOST = 10
/** The lower half of a subnet is for pods, the upper half for services. */
const POD_HOSTS = 0x7fff
/** Names that are remembered beyond this lose their address, the oldest first. */
const MAX_REMEMBERED = 8_192

const hashOf = (text: string): number => Buffer.from(text).reduce((hash, byte) => (hash * 31 + byte) >>> 0, 7)

/**
 * Addresses of pods and services on this machine, kept in a file, so that a name has the same address after a restart.
 * On Linux every address of 127/8 can be bound: each data directory takes a subnet 127.N.0.0/16. Elsewhere, or when asked, all share 127.0.0.1 and differ by port.
 */
export class Network {
  readonly nodeIP: string
  readonly isShared: boolean
  readonly #disk: Disk
  readonly #path: string
  readonly #canListen: CanListen
  readonly #state: State

  private constructor(options: { disk: Disk; path: string; canListen: CanListen; state: State }) {
    this.#disk = options.disk
    this.#path = options.path
    this.#canListen = options.canListen
    this.#state = options.state
    this.isShared = options.state.subnet === null
    this.nodeIP = this.isShared ? SHARED : `127.${options.state.subnet}.0.1`
  }

  /** Takes the subnet of last time, else a free one. `seed` (the data directory) spreads first choices. */
  static async open(options: {
    disk: Disk
    directory: string
    seed: string
    shareAddress?: boolean
    canListen?: CanListen
  }): Promise<Network> {
    const { disk, directory } = options
    const probe = options.canListen ?? canListen
    disk.makeDirectory(directory)
    const path = join(directory, 'addresses.json')
    const saved = readState(disk, path)
    const subnet = options.shareAddress ? null : await freeSubnet(probe, saved?.subnet ?? undefined, options.seed)
    // Addresses of another subnet mean nothing in this one.
    const state: State = saved?.subnet === subnet && saved ? saved : { version: 1, subnet, addresses: {}, ports: {} }
    return new Network({ disk, path, canListen: probe, state })
  }

  /** `127.N.128.0/17`: where the API server takes service addresses from; undefined on a shared address. */
  get serviceCidr(): string | undefined {
    return this.isShared ? undefined : `127.${this.#state.subnet}.128.0/17`
  }

  /** The address of a pod, by `namespace/name`: the same one each time. */
  podAddress(key: string): string {
    return this.isShared ? SHARED : this.#address(`pod ${key}`, FIRST_HOST, POD_HOSTS)
  }

  /** A service's own address: its cluster IP where that is one of this machine's. */
  serviceAddress(key: string, clusterIP: string | undefined): string {
    if (this.isShared) return SHARED
    return clusterIP?.startsWith('127.') ? clusterIP : this.#address(`service ${key}`, POD_HOSTS + 1 + FIRST_HOST, POD_HOSTS)
  }

  /** The port on the shared address for a port of a pod or service: the same number where it is free, else the next one. Elsewhere the port itself. */
  async hostPort(key: string, port: number): Promise<number> {
    if (!this.isShared) return port
    const name = `${key} ${port}`
    const known = this.#state.ports[name]
    if (known !== undefined) return known
    const taken = new Set(Object.values(this.#state.ports))
    for (let candidate = port < 1024 ? port + 10_000 : port; candidate < 65_536; candidate++) {
      if (taken.has(candidate) || (await this.#canListen(SHARED, candidate)) !== 'free') continue
      if (Object.values(this.#state.ports).includes(candidate)) continue
      this.#state.ports[name] = candidate
      this.#save()
      return candidate
    }
    throw new Error(`no free port from ${port} on ${SHARED}`)
  }

  #address(name: string, first: number, count: number): string {
    const { addresses } = this.#state
    const known = addresses[name]
    if (known !== undefined) return known
    const taken = new Set(Object.values(addresses))
    for (let host = first; host < first + count; host++) {
      const address = `127.${this.#state.subnet}.${host >> 8}.${host & 0xff}`
      if ((host & 0xff) === 0 || (host & 0xff) === 0xff || taken.has(address)) continue
      addresses[name] = address
      for (const oldest of Object.keys(addresses).slice(0, Math.max(0, Object.keys(addresses).length - MAX_REMEMBERED)))
        delete addresses[oldest]
      this.#save()
      return address
    }
    throw new Error('no free address left for another pod')
  }

  #save(): void {
    const file = this.#disk.open(`${this.#path}.tmp`, 'create')
    try {
      file.truncateSync(0)
      file.writeSync([Buffer.from(JSON.stringify(this.#state))], 0)
    } finally {
      file.close()
    }
    this.#disk.rename(`${this.#path}.tmp`, this.#path)
  }
}

const readState = (disk: Disk, path: string): State | undefined => {
  if (!disk.stat(path)) return undefined
  try {
    const state = JSON.parse(disk.readFile(path).toString('utf8')) as State
    return state.version === 1 ? state : undefined
  } catch {
    return undefined
  }
}

/** null: this machine binds 127.0.0.1 only. */
const freeSubnet = async (probe: CanListen, saved: number | undefined, seed: string): Promise<number | null> => {
  const first = 2 + (hashOf(seed) % 250)
  const order = [...(saved === undefined ? [] : [saved]), ...Array.from({ length: 250 }, (_, index) => 2 + ((first - 2 + index) % 250))]
  for (const subnet of order) {
    const answer = await probe(`127.${subnet}.0.1`, KUBELET_PORT)
    if (answer === 'absent') return null
    if (answer === 'free') return subnet
  }
  throw new Error('every subnet 127.2.0.0 to 127.251.0.0 has a kubelet already')
}
