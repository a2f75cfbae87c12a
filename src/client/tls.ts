import type { OnReadOpts } from 'node:net'
import type { Duplex } from 'node:stream'
import { checkServerIdentity, connect, type ConnectionOptions as TlsConnectionOptions, type SecureVersion, type TLSSocket } from 'node:tls'
import type { Address } from './address.ts'

/** All PEM. */
export type ClientTls = {
  /** Who may have signed the broker's certificate; absent: the authorities that Node knows. */
  ca?: string | readonly string[]
  /** The client's own certificate with its chain, and its key; absent: none is shown. */
  cert?: string
  key?: string
  /** The name that the broker's certificate must bear, a DNS name or an address; absent: the host that is connected to. */
  servername?: string
  /** false: any name will do, as with an empty ssl.endpoint.identification.algorithm of Kafka. */
  checksName?: boolean
  minVersion?: SecureVersion
  maxVersion?: SecureVersion
  /** OpenSSL's names, colons between. */
  ciphers?: string
}
/** A function is asked for each connection: files may have changed since the last one. */
export type ClientTlsSource = ClientTls | ((address: Address) => ClientTls)

/** `socket`: over which TLS is to run; absent: a new one to the address, whose bytes go to `onread` where that is given. */
type Way = { socket?: Duplex | undefined; onread?: OnReadOpts }

const tlsOptions = ({ host, port }: Address, source: ClientTlsSource, way: Way): TlsConnectionOptions => {
  const { ca, checksName = true, servername, ...rest } = typeof source === 'function' ? source({ host, port }) : source
  return {
    ...(way.socket ? { socket: way.socket } : { host, port, ...(way.onread ? { onread: way.onread } : {}) }),
    ...rest,
    ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
    ...nameOptions(servername ?? host, checksName),
  }
}

/** SNI knows no addresses; Node checks the certificate against `host` where no server name is set, so the name is always given with its check. */
const nameOptions = (name: string, checksName: boolean): TlsConnectionOptions => {
  const sni = /^[\d.]+$|:/.test(name) ? {} : { servername: name }
  if (!checksName) return { ...sni, checkServerIdentity: () => undefined }
  return { ...sni, checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate) }
}

export const connectTls = (address: Address, source: ClientTlsSource, way: Way = {}): TLSSocket =>
  connect(tlsOptions(address, source, way)).setNoDelay(true)
