import { ZooKeeperError } from '../../src/zookeeper/errors.ts'
import type { ZooKeeperClient } from '../../src/zookeeper/client.ts'
import { CREATOR_ALL_ACL, OPEN_ACL, PERMISSIONS, type Acl, type CreateMode, type MultiOp, type Stat } from '../../src/zookeeper/types.ts'
import { Random } from '../support/random.ts'

const PATHS = ['/r', '/r/a', '/r/a/b', '/r/a/b/c', '/r/d', '/r/d/e', '/r/f', '/nope/x', '/zookeeper/quota']
const MODES: CreateMode[] = ['persistent', 'ephemeral', 'persistent-sequential', 'ephemeral-sequential']
const ACLS: (readonly Acl[])[] = [
  OPEN_ACL,
  OPEN_ACL,
  OPEN_ACL,
  CREATOR_ALL_ACL,
  [],
  [
    { perms: PERMISSIONS.READ, scheme: 'world', id: 'anyone' },
    { perms: PERMISSIONS.ALL, scheme: 'auth', id: '' },
  ],
  [
    { perms: PERMISSIONS.ALL - PERMISSIONS.DELETE, scheme: 'ip', id: '127.0.0.0/8' },
    { perms: PERMISSIONS.ALL, scheme: 'digest', id: 'u:x' },
  ],
  [{ perms: PERMISSIONS.ALL, scheme: 'ip', id: 'here' }],
]

/** What two servers must agree on: no zxid, no time and no session id, but how they relate. */
const comparable = (value: unknown, owners: ReadonlyMap<bigint, string>): unknown => {
  if (Buffer.isBuffer(value)) return value.toString()
  if (Array.isArray(value)) return value.map((element) => comparable(element, owners))
  if (typeof value !== 'object' || value === null) return value
  if ('czxid' in value) {
    const { czxid, mzxid, pzxid, ctime, mtime, ephemeralOwner, ...numbers } = value as Stat
    const relations = [czxid === mzxid, czxid === pzxid, mzxid === pzxid, mzxid > czxid, pzxid > mzxid, mtime >= ctime]
    return { ...numbers, relations, owner: ephemeralOwner === 0n ? '' : (owners.get(ephemeralOwner) ?? 'stranger') }
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, key === 'children' ? (field as string[]).toSorted() : comparable(field, owners)]),
  )
}

/** The same `count` operations for the same seed, one after the other, by turns of the clients; every answer and every event as text. */
export const randomOperations = async (clients: readonly ZooKeeperClient[], seed: number, count: number): Promise<string[]> => {
  const random = new Random(seed)
  const owners = new Map(clients.map((client, index) => [client.sessionId, `client ${index}`]))
  const lines: string[] = []
  const events: string[] = []
  const data = () => (random.below(5) === 0 ? null : Buffer.from(String(random.below(1000))))
  const version = () => random.pick([-1, -1, 0, 1, 2])
  const multiOp = (): MultiOp => {
    const path = random.pick(PATHS)
    return random.pick<MultiOp>([
      { type: 'check', path, version: version() },
      { type: 'create', path, data: data(), mode: random.pick(MODES), acl: random.pick(ACLS) },
      { type: 'set', path, data: data(), version: version() },
      { type: 'delete', path, version: version() },
    ])
  }
  const operation = (client: ZooKeeperClient, turn: number): (() => Promise<unknown>) => {
    const path = random.pick(PATHS)
    const watch = random.below(2) === 0 ? client.newWatch() : undefined
    void watch?.fired.then(({ type, path: changed }) => events.push(`  event for ${turn}: ${type} ${changed}`))
    const watching = watch ? { watch } : {}
    const [mode, acl, bytes, expected] = [random.pick(MODES), random.pick(ACLS), data(), version()]
    const ops = Array.from({ length: 1 + random.below(4) }, multiOp)
    return random.pick<() => Promise<unknown>>([
      () => client.create(path, bytes, { mode, acl }),
      () => client.createWithStat(path, bytes, { acl }),
      () => client.create(path, bytes),
      () => client.create(path, bytes, { mode: 'ephemeral' }),
      () => client.set(path, bytes, expected),
      () => client.delete(path, expected),
      () => client.setAcl(path, acl, expected),
      () => client.getAcl(path),
      () => client.get(path, watching),
      () => client.exists(path, watching),
      () => client.children(path, watching),
      () => client.multi(ops),
    ])
  }
  for (let turn = 0; turn < count; turn++) {
    const client = random.pick(clients)
    const run = operation(client, turn)
    let outcome: unknown
    try {
      outcome = await run()
    } catch (error) {
      if (!(error instanceof ZooKeeperError)) throw error
      outcome = [error.error, error.path, error.index, error.results]
    }
    // Events of all connections are in before the next line; between connections they have no order.
    for (const each of clients) await each.sync()
    lines.push(...events.splice(0).toSorted())
    lines.push(`${turn} ${JSON.stringify(comparable(outcome, owners))}`)
  }
  return lines
}
