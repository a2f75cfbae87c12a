/**
 * Runs inside every process that the local kubelet starts, before its program (node --import). What a node of a real cluster does with network namespaces, DNS and process groups:
 * - a listen on all addresses becomes a listen on the pod's own address (shared address: on the pod's own port);
 * - names of pods and services are found in the kubelet's table (a file that it replaces on every change);
 * - the process ends when the kubelet does: file descriptor 3 is a pipe that only the kubelet holds open.
 * Options are in this module's URL. Clusters other than the local mode never load it.
 */
import dns from 'node:dns'
import { readFileSync, statSync } from 'node:fs'
import net from 'node:net'
import { addressesOf, parseTable, portOf, type NameTable } from './name-table.ts'

const options = new URL(import.meta.url).searchParams
const podAddress = options.get('address') ?? '127.0.0.1'
const namespace = options.get('namespace') ?? 'default'
const tablePath = options.get('names')
/** `9092-31001,9404-31002`: ports of the pod and where they are on the shared address; empty where the pod has an address of its own. */
const ownPorts = new Map(
  (options.get('ports') ?? '')
    .split(',')
    .filter(Boolean)
    .map((pair) => pair.split('-').map(Number) as [number, number]),
)
const LIFELINE = 3
/** A process whose kubelet died stops by itself, and in any case after this. */
const ORPHAN_GRACE_MS = 3_000

let table: NameTable = { names: {}, ports: {} }
let tableStamp = ''

/** Names change rarely and look-ups are rare too: one stat per look-up of a name that may be ours. */
const currentTable = (): NameTable => {
  const stat = tablePath ? statSync(tablePath, { throwIfNoEntry: false }) : undefined
  const stamp = stat ? `${stat.ino} ${stat.mtimeMs}` : ''
  if (tablePath && stamp !== tableStamp && stamp !== '') table = parseTable(readFileSync(tablePath, 'utf8'))
  tableStamp = stamp
  return table
}

type LookupCallback = (error: NodeJS.ErrnoException | null, address?: string | dns.LookupAddress[], family?: number) => void

const systemLookup = dns.lookup as unknown as (name: string, options: dns.LookupOptions, callback: LookupCallback) => void

const lookup = (name: string, given: dns.LookupOptions | number | LookupCallback, done?: LookupCallback): void => {
  const callback = (typeof given === 'function' ? given : done)!
  const wanted: dns.LookupOptions = typeof given === 'number' ? { family: given } : typeof given === 'function' ? {} : (given ?? {})
  const found = net.isIP(name) ? undefined : addressesOf(currentTable(), name, namespace)
  if (!found) return systemLookup(name, wanted, callback)
  if (found.length === 0) {
    const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: name })
    return process.nextTick(callback, error)
  }
  if (wanted.all)
    process.nextTick(
      callback,
      null,
      found.map((address) => ({ address, family: 4 })),
    )
  else process.nextTick(callback, null, found[0], 4)
}

const lookupPromise = (name: string, wanted: dns.LookupOptions = {}): Promise<unknown> =>
  new Promise((resolve, reject) =>
    lookup(name, wanted, (error, address, family) => {
      if (error) reject(error)
      else resolve(wanted.all ? address : { address, family })
    }),
  )

const isWildcard = (host: unknown): boolean =>
  host === undefined || host === null || host === '' || host === '0.0.0.0' || host === '::' || host === '*'

type ListenOptions = { port?: number | string; host?: string; path?: string; fd?: number }

/** listen(options), listen(port, host, ...), listen(path): only TCP listens are changed. */
const confined = (args: unknown[]): unknown[] => {
  const [first, second, ...rest] = args
  const place = (port: number, host: unknown): { port: number; host: string } => {
    const isOurs = isWildcard(host) || host === podAddress
    return { port: isOurs ? (ownPorts.get(port) ?? port) : port, host: isOurs ? podAddress : String(host) }
  }
  if (typeof first === 'object' && first !== null && !('_handle' in first) && !('fd' in first)) {
    const given = first as ListenOptions
    return given.path === undefined ? [{ ...given, ...place(Number(given.port ?? 0), given.host) }, ...args.slice(1)] : args
  }
  if (typeof first === 'string' && Number.isNaN(Number(first))) return args
  if (typeof first === 'object') return args
  const { port, host } = place(Number(first ?? 0), typeof second === 'string' ? second : undefined)
  return typeof second === 'string' ? [port, host, ...rest] : [port, host, ...args.slice(1)]
}

const wrapListen = (): void => {
  const { listen } = net.Server.prototype as unknown as { listen: (this: net.Server, ...args: unknown[]) => net.Server }
  net.Server.prototype.listen = function (this: net.Server, ...args: unknown[]): net.Server {
    return listen.apply(this, confined(args.length === 0 ? [0] : args))
  } as typeof net.Server.prototype.listen
}

/** On a shared address a port belongs to a name, so it must be changed where a connection is made. */
const wrapConnect = (): void => {
  const { connect } = net.Socket.prototype as unknown as { connect: (this: net.Socket, ...args: unknown[]) => net.Socket }
  net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]): net.Socket {
    const list = Array.isArray(args[0]) ? (args[0] as unknown[]) : args
    const given = list[0] as { host?: string; port?: number } | number
    if (typeof given === 'object' && given !== null && given.host !== undefined && given.port !== undefined) {
      given.port = portOf(currentTable(), given.host, Number(given.port), namespace)
    } else if (typeof given === 'number' && typeof list[1] === 'string') {
      list[0] = portOf(currentTable(), list[1], given, namespace)
    }
    return connect.apply(this, args)
  } as typeof net.Socket.prototype.connect
}

const endWithParent = (): void => {
  const pipe = new net.Socket({ fd: LIFELINE, readable: true, writable: false })
  pipe.on('error', () => {})
  pipe.once('close', () => {
    process.kill(process.pid, 'SIGTERM')
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), ORPHAN_GRACE_MS).unref()
  })
  pipe.resume()
  pipe.unref()
}

;(dns as { lookup: unknown }).lookup = lookup
;(dns.promises as { lookup: unknown }).lookup = lookupPromise
wrapListen()
if (ownPorts.size > 0 || options.has('shared')) wrapConnect()
if (options.has('lifeline')) endWithParent()
