import { canonical } from '../../kube/difference.ts'
import { parseCredential, type ScramCredential, type ScramMechanism } from '../../security/scram.ts'
import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { ZooKeeperError } from '../../zookeeper/errors.ts'
import type { OwnerRecord, RecordKind, Records } from './contact.ts'

const ROOT = '/sofakafka/operator'

type Store = Pick<ZooKeeperClient, 'get' | 'set' | 'create' | 'delete' | 'children' | 'makePath'>

/** Kafka's Sanitizer: what URLEncoder leaves, with %20 and %2A. */
export const sanitize = (name: string): string =>
  encodeURIComponent(name).replace(/[!'()~*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

const isError = (error: unknown, name: string): boolean => error instanceof ZooKeeperError && error.error === name

const read = async (zookeeper: Store, path: string): Promise<{ text: string; version: number } | undefined> => {
  try {
    const { data, stat } = await zookeeper.get(path)
    return { text: data?.toString('utf8') ?? '', version: stat.version }
  } catch (error) {
    if (isError(error, 'NO_NODE')) return undefined
    throw error
  }
}

/** Records as JSON under /sofakafka/operator/KIND/NAME. */
export const zooKeeperRecords = (zookeeper: Store): Records => {
  const pathOf = (kind: RecordKind, name: string) => `${ROOT}/${kind}/${sanitize(name)}`

  const get = async (kind: RecordKind, name: string): Promise<OwnerRecord | undefined> => {
    const found = await read(zookeeper, pathOf(kind, name))
    return found && decode(found.text, pathOf(kind, name))
  }

  const put = async (kind: RecordKind, name: string, record: OwnerRecord): Promise<void> => {
    const path = pathOf(kind, name)
    const bytes = Buffer.from(canonical(record))
    const found = await read(zookeeper, path)
    if (found?.text === bytes.toString('utf8')) return
    if (found) return void (await zookeeper.set(path, bytes, found.version))
    await zookeeper.makePath(`${ROOT}/${kind}`)
    await zookeeper.create(path, bytes)
  }

  const remove = async (kind: RecordKind, name: string): Promise<void> => {
    try {
      await zookeeper.delete(pathOf(kind, name), -1)
    } catch (error) {
      if (!isError(error, 'NO_NODE')) throw error
    }
  }

  const list = async (kind: RecordKind): Promise<string[]> => {
    try {
      return (await zookeeper.children(`${ROOT}/${kind}`)).children.map((name) => decodeURIComponent(name))
    } catch (error) {
      if (isError(error, 'NO_NODE')) return []
      throw error
    }
  }

  return { get, put, delete: remove, list }
}

const decode = (text: string, path: string): OwnerRecord => {
  const record = JSON.parse(text) as OwnerRecord
  if (record.version !== 1) throw new Error(`${path} was written by a newer operator (version ${String(record.version)}): use that one`)
  return record
}

/** Reads Kafka's znode of a user's credentials. The brokers' API tells only that there are some, not whether they fit a password. */
export const readScramCredential = async (
  zookeeper: Store,
  user: string,
  mechanism: ScramMechanism,
): Promise<ScramCredential | undefined> => {
  const found = await read(zookeeper, `/config/users/${sanitize(user)}`)
  if (!found) return undefined
  const { config } = JSON.parse(found.text) as { config?: Record<string, string> }
  const text = config?.[mechanism]
  return text === undefined ? undefined : parseCredential(text)
}
