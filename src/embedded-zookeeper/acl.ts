import { createHash } from 'node:crypto'
import { isIP, isIPv4 } from 'node:net'
import { ZooKeeperError } from '../zookeeper/errors.ts'
import type { Acl } from '../zookeeper/types.ts'

/** Who a connection has proved to be: its address always, and each login. `super` passes every ACL. */
export type Identity = { scheme: string; id: string }

/** The id that ACLs hold for a digest login `user:password`. */
export const digestId = (login: string): string => `${login.split(':', 1)[0]}:${createHash('sha1').update(login).digest('base64')}`

const addressBits = (address: string): bigint | undefined => {
  if (isIPv4(address)) return address.split('.').reduce((bits, part) => (bits << 8n) | BigInt(part), 0n)
  if (isIP(address) !== 6 || address.includes('.')) return undefined
  const [head = '', tail] = address.split('%', 1)[0]!.split('::')
  const words = (text: string | undefined) => (text ? text.split(':') : [])
  const missing = 8 - words(head).length - words(tail).length
  const all = tail === undefined ? words(head) : [...words(head), ...Array<string>(missing).fill('0'), ...words(tail)]
  return all.reduce((bits, word) => (bits << 16n) | BigInt(`0x${word}`), 0n)
}

const network = (id: string): { bits: bigint; prefix: number; width: number } | undefined => {
  const [address = '', length, ...rest] = id.split('/')
  const bits = addressBits(address)
  const width = isIPv4(address) ? 32 : 128
  const prefix = length === undefined ? width : /^\d+$/.test(length) ? Number(length) : -1
  if (bits === undefined || rest.length > 0 || prefix < 0 || prefix > width) return undefined
  return { bits, prefix, width }
}

const isInNetwork = (address: string, id: string): boolean => {
  const [net, bits] = [network(id), addressBits(address)]
  if (!net || bits === undefined || (net.width === 32) !== isIPv4(address)) return false
  const shift = BigInt(net.width - net.prefix)
  return bits >> shift === net.bits >> shift
}

type Scheme = { isValid: (id: string) => boolean; matches: (own: string, id: string) => boolean; isLogin: boolean }
const same = (own: string, id: string) => own === id
const SCHEMES: Record<string, Scheme> = {
  digest: { isValid: (id) => id.split(':').length === 2, matches: same, isLogin: true },
  sasl: { isValid: (id) => id !== '', matches: same, isLogin: true },
  ip: { isValid: (id) => network(id) !== undefined, matches: isInNetwork, isLogin: false },
}
const schemeOf = (name: string): Scheme | undefined => (Object.hasOwn(SCHEMES, name) ? SCHEMES[name] : undefined)

const isAnyone = ({ scheme, id }: Identity) => scheme === 'world' && id === 'anyone'

/** Whether one entry grants one of `permissions` to one of the identities. An empty ACL grants everything. */
export const isGranted = (acl: readonly Acl[], permissions: number, identities: readonly Identity[]): boolean => {
  if (acl.length === 0 || identities.some(({ scheme }) => scheme === 'super')) return true
  return acl.some((entry) => {
    if ((entry.perms & permissions) === 0) return false
    if (isAnyone(entry)) return true
    const scheme = schemeOf(entry.scheme)
    return scheme !== undefined && identities.some((own) => own.scheme === entry.scheme && scheme.matches(own.id, entry.id))
  })
}

/** Throws NO_AUTH unless it is granted. */
export const checkAcl = (acl: readonly Acl[], permissions: number, identities: readonly Identity[], path: string): void => {
  if (!isGranted(acl, permissions, identities)) throw new ZooKeeperError('NO_AUTH', { path })
}

/** The ACL as it is kept: without duplicates, `auth` replaced by the logins of the creator. Throws INVALID_ACL. */
export const resolveAcl = (acl: readonly Acl[], identities: readonly Identity[], path: string): readonly Acl[] => {
  const resolved: Acl[] = []
  const add = (entry: Acl) => {
    if (!resolved.some(({ perms, scheme, id }) => perms === entry.perms && scheme === entry.scheme && id === entry.id)) resolved.push(entry)
  }
  const invalid = () => new ZooKeeperError('INVALID_ACL', { path })
  for (const entry of acl) {
    if (isAnyone(entry)) add(entry)
    else if (entry.scheme === 'auth') {
      const logins = identities.filter(({ scheme }) => schemeOf(scheme)?.isLogin)
      if (logins.length === 0) throw invalid()
      for (const { scheme, id } of logins) add({ perms: entry.perms, scheme, id })
    } else if (schemeOf(entry.scheme)?.isValid(entry.id)) add(entry)
    else throw invalid()
  }
  if (resolved.length === 0) throw invalid()
  return resolved
}

/** What getACL shows to who may not administer: digests without the hash. */
export const maskAcl = (acl: readonly Acl[]): readonly Acl[] =>
  acl.map((entry) => (entry.scheme === 'digest' ? { ...entry, id: entry.id.replace(/:.*/, ':x') } : entry))
