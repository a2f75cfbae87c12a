import { canonical } from '../../kube/difference.ts'
import { parseCredential, type ScramCredential, type ScramMechanism } from '../../security/scram.ts'
import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { unlessRefused } from '../../zookeeper/errors.ts'
import type { OwnerRecord, RecordKind, Records } from './contact.ts'

export const ROOT = '/sofakafka/operator'

type Store = Pick<ZooKeeperClient, 'get' | 'set' | 'create' | 'delete' | 'children' | 'makePath'>

/** Kafka's Sanitizer: what URLEncoder leaves, with %20 and %2A. */
export const sanitize = (name: string): string =>
  encodeURIComponent(name).replace(/[!'()~*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

export const readText = async (zookeeper: Store, path: string): Promise<{ text: string; version: number } | undefined> => {
  const found = await unlessRefused(zookeeper.get(path), 'NO_NODE')
  return found && { text: found.data?.toString('utf8') ?? '', version: found.stat.version }
}

/** None where the znode is not there. */
export const childrenOf = async (zookeeper: Pick<Store, 'children'>, path: string): Promise<readonly string[]> =>
  (await unlessRefused(zookeeper.children(path), 'NO_NODE'))?.children ?? []

/** What stands in a znode: the records of all operators, each under the name of its home. */
type Stored = { version: 1; homes: Record<string, OwnerRecord> }

/** Records as JSON under /sofakafka/operator/KIND/NAME. `home` is the same for all operators of one Kubernetes cluster, now and later, and another one elsewhere. */
export const zooKeeperRecords = (zookeeper: Store, home: string): Records => {
  const pathOf = (kind: RecordKind, name: string) => `${ROOT}/${kind}/${sanitize(name)}`

  const stored = async (path: string): Promise<{ homes: Record<string, OwnerRecord>; text: string; version: number } | undefined> => {
    const found = await readText(zookeeper, path)
    return found && { ...found, homes: decode(found.text, path, home) }
  }

  const get = async (kind: RecordKind, name: string): Promise<OwnerRecord | undefined> => (await stored(pathOf(kind, name)))?.homes[home]

  const others = async (kind: RecordKind, name: string): Promise<OwnerRecord[]> =>
    Object.entries((await stored(pathOf(kind, name)))?.homes ?? {}).flatMap(([one, record]) => (one === home ? [] : [record]))

  const put = async (kind: RecordKind, name: string, record: OwnerRecord): Promise<void> => {
    const path = pathOf(kind, name)
    const found = await stored(path)
    const bytes = encode({ ...found?.homes, [home]: record })
    if (found?.text === bytes.toString('utf8')) return
    if (found) return void (await zookeeper.set(path, bytes, found.version))
    await zookeeper.makePath(`${ROOT}/${kind}`)
    await zookeeper.create(path, bytes)
  }

  const remove = async (kind: RecordKind, name: string): Promise<void> => {
    const path = pathOf(kind, name)
    const found = await stored(path)
    if (!found) return
    const { [home]: _own, ...rest } = found.homes
    const isNeeded = Object.keys(rest).length > 0
    const removed = isNeeded ? zookeeper.set(path, encode(rest), found.version) : zookeeper.delete(path, found.version)
    await unlessRefused<unknown>(removed, 'NO_NODE')
  }

  const list = async (kind: RecordKind): Promise<string[]> =>
    (await childrenOf(zookeeper, `${ROOT}/${kind}`)).map((name) => decodeURIComponent(name))

  return { get, put, delete: remove, list, others }
}

const encode = (homes: Record<string, OwnerRecord>): Buffer => Buffer.from(canonical({ version: 1, homes } satisfies Stored))

/** A text without homes is one record, of a time when there was one operator: it counts as this one's. */
const decode = (text: string, path: string, home: string): Record<string, OwnerRecord> => {
  const { version, homes, ...record } = JSON.parse(text) as Stored & OwnerRecord
  if (version !== 1) throw new Error(`${path} was written by a newer operator (version ${String(version)}): use that one`)
  return homes ?? { [home]: record }
}

/** Reads Kafka's znode of a user's credentials. The brokers' API tells only that there are some, not whether they fit a password. */
export const readScramCredential = async (
  zookeeper: Store,
  user: string,
  mechanism: ScramMechanism,
): Promise<ScramCredential | undefined> => {
  const found = await readText(zookeeper, `/config/users/${sanitize(user)}`)
  if (!found) return undefined
  const { config } = JSON.parse(found.text) as { config?: Record<string, string> }
  const text = config?.[mechanism]
  return text === undefined ? undefined : parseCredential(text)
}
