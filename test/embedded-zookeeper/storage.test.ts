import { expect, test } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { Database } from '../../src/embedded-zookeeper/database.ts'
import type { WriteOp } from '../../src/embedded-zookeeper/decide.ts'
import { Outbox } from '../../src/embedded-zookeeper/outbox.ts'
import type { ZooKeeperState } from '../../src/embedded-zookeeper/state.ts'
import { Storage } from '../../src/embedded-zookeeper/storage.ts'
import { WatchTable } from '../../src/embedded-zookeeper/watch-table.ts'
import { OPEN_ACL } from '../../src/zookeeper/types.ts'
import { ManualClock, settle, wallOf } from '../support/manual-clock.ts'
import { MemoryDisk } from '../support/memory-disk.ts'
import { Random } from '../support/random.ts'

const DIRECTORY = '/zk/embedded-zookeeper'
const actor = { sessionId: 7n, identities: [] }
const create = (path: string, flags = 0, data: Buffer | null = Buffer.from(path)): WriteOp => ({
  type: 'create',
  path,
  data,
  acl: OPEN_ACL,
  flags,
  withStat: false,
})
const set = (path: string, text: string): WriteOp => ({ type: 'set', path, data: Buffer.from(text), version: -1 })
const remove = (path: string): WriteOp => ({ type: 'delete', path, version: -1 })

const open = async (disk: MemoryDisk, { snapCount = 1000 } = {}) => {
  const options = { dataDir: '/zk', dataLogDir: '/zk', snapCount, snapRetainCount: 3, disk, logger: silentLogger }
  const { storage, state } = await Storage.open(options)
  const failures: Error[] = []
  const outbox = new Outbox(storage, state, (cause) => failures.push(cause))
  const database = new Database({ state, outbox, watches: new WatchTable(), wall: wallOf(new ManualClock()) })
  return { storage, state, outbox, database, failures }
}

/** Everything that a state is, as comparable text. */
const dump = (state: ZooKeeperState): string =>
  JSON.stringify(
    {
      zxid: state.zxid,
      last: state.lastSessionId,
      sessions: [...state.sessions],
      nodes: [...state.tree.entries()]
        .map(([path, node]) => [path, { ...node, children: [...node.children].toSorted() }] as const)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
      mine: state.tree.ephemeralsOf(7n).toSorted(),
      bytes: state.tree.dataBytes,
    },
    (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value),
  )

/** A little of everything; `after` hears each state. */
const writeHistory = (database: Database, after: (state: ZooKeeperState) => void) => {
  const steps: (() => unknown)[] = [
    () => database.openSession(7n, 4000, Buffer.alloc(16, 7)),
    () => database.write(create('/a'), actor),
    () => database.write(create('/a/s-', 2, null), actor),
    () => database.write(create('/a/e', 1), actor),
    () => database.write(set('/a', 'changed'), actor),
    () => database.writeAll([create('/b'), create('/b/c'), set('/b', 'x'), remove('/b/c'), create('/b/s-', 3)], actor),
    () => database.write({ type: 'setAcl', path: '/b', acl: [{ perms: 1, scheme: 'world', id: 'anyone' }], version: -1 }, actor),
    () => database.openSession(8n, 6000, Buffer.alloc(16, 8)),
    () => database.closeSession(7n),
    () => database.write(remove('/a/s-0000000000'), actor),
  ]
  for (const step of steps) {
    step()
    after(database.state)
  }
}

test('a process killed at any byte of the log leaves a prefix of its transactions, and goes on from there', async () => {
  const disk = new MemoryDisk()
  const { storage, database, outbox, state } = await open(disk)
  const states = [dump(state)]
  const sizes = [0]
  const name = `${DIRECTORY}/0000000000000001.skzlog`
  writeHistory(database, (after) => states.push(dump(after)))
  await outbox.settled()
  await storage.close()
  const whole = disk.readFile(name)
  for (let at = 8; at < whole.length; at += 8 + whole.readInt32BE(at)) sizes.push(at + 8 + whole.readInt32BE(at))
  expect(sizes.at(-1)).toBe(whole.length)

  for (let cut = 0; cut <= whole.length; cut++) {
    const torn = new MemoryDisk()
    torn.makeDirectory(DIRECTORY)
    torn.writeFile(name, whole.subarray(0, cut))
    const again = await open(torn)
    const complete = Math.max(
      0,
      sizes.findLastIndex((size) => size <= cut),
    )
    expect(dump(again.state), `cut at ${cut}`).toBe(states[complete])
    again.database.write(create('/next'), actor)
    await again.outbox.settled()
    const expected = dump(again.state)
    torn.killProcess()
    expect(dump((await open(torn)).state)).toBe(expected)
  }
})

test('a damaged byte at the end cuts the log there, in the middle of the history it stops the start', async () => {
  const disk = new MemoryDisk()
  const first = await open(disk)
  const states: string[] = []
  writeHistory(first.database, (after) => states.push(dump(after)))
  await first.outbox.settled()
  await first.storage.close()
  const name = `${DIRECTORY}/0000000000000001.skzlog`
  const whole = disk.readFile(name)
  whole[whole.length - 3]! ^= 0x40
  disk.writeFile(name, whole)
  expect(dump((await open(disk)).state)).toBe(states.at(-2))

  disk.killProcess()
  disk.writeFile(name, whole)
  disk.writeFile(`${DIRECTORY}/000000000000000b.skzlog`, Buffer.from('SKZLOG01'))
  await expect(open(disk)).rejects.toThrow(/0000000000000001\.skzlog is damaged at byte \d+, and 000000000000000b\.skzlog comes after it/)
})

test('snapshots and logs stay few, and any of them that is broken is replaced by an older one and more of the log', async () => {
  const disk = new MemoryDisk()
  const { database, outbox, storage } = await open(disk, { snapCount: 10 })
  for (let index = 0; index < 200; index++) {
    database.write(create(`/n${index}`), actor)
    if (index % 3 === 0) database.write(remove(`/n${index}`), actor)
    await outbox.settled()
  }
  const expected = dump(database.state)
  await storage.close()
  const names = disk.list(DIRECTORY).map(({ name }) => name)
  const snapshots = names.filter((name) => name.endsWith('.skzsnap'))
  expect(snapshots).toHaveLength(3)
  expect(names.filter((name) => name.endsWith('.skzlog')).length).toBeLessThanOrEqual(4)
  for (let broken = 0; broken < snapshots.length; broken++) {
    const again = await open(disk)
    expect(dump(again.state), `${broken} broken`).toBe(expected)
    await again.storage.close()
    const path = `${DIRECTORY}/${snapshots.at(-1 - broken)}`
    disk.writeFile(path, disk.readFile(path).subarray(0, 50))
  }
  await expect(open(disk)).rejects.toThrow(/transactions 0x1 to 0x[0-9a-f]+ are missing before [0-9a-f]+\.skzlog: restore the directory/)
})

test('what was answered survives a power loss at every moment, what was not yet on disk was not answered', async () => {
  const disk = new MemoryDisk()
  disk.makeDirectory('/zk')
  await disk.syncDirectory('/')
  let { database, outbox } = await open(disk, { snapCount: 7 })
  const answered = new Set<string>()
  for (let index = 0; index < 60; index++) {
    const path = `/n${index}`
    database.write(create(path), actor)
    outbox.send({ deliver: () => void answered.add(path) }, Buffer.from('done'))
    // Sometimes the power goes before the fsync, sometimes in the middle of a snapshot, sometimes later.
    if (index % 4 !== 0) await settle(index % 5)
    if (index % 6 !== 5) continue
    disk.losePower((index % 10) / 10)
    const again = await open(disk, { snapCount: 7 })
    for (const known of answered) expect(again.state.tree.get(known), `${known} after ${path}`).toBeDefined()
    ;({ database, outbox } = again)
  }
  expect(answered.size).toBeGreaterThan(30)
})

test('one fsync carries all transactions of a turn, and later answers wait for it', async () => {
  const disk = new MemoryDisk()
  const { database, outbox } = await open(disk)
  database.write(create('/warm'), actor)
  await outbox.settled()
  const before = disk.calls.sync ?? 0
  const answers: string[] = []
  for (let index = 0; index < 50; index++) {
    database.write(create(`/n${index}`), actor)
    outbox.send({ deliver: (bytes) => answers.push(String(bytes)) }, Buffer.from(`created ${index}`))
  }
  outbox.send({ deliver: (bytes) => answers.push(String(bytes)) }, Buffer.from('a read of what was created'))
  expect(answers).toEqual([])
  await outbox.settled()
  expect(disk.calls.sync).toBe(before + 1)
  expect(answers).toHaveLength(51)
  expect(answers.at(-1)).toBe('a read of what was created')
})

test.each(['write', 'sync'] as const)('a %s that fails stops everything: no answer, and no second try', async (operation) => {
  const disk = new MemoryDisk()
  const { database, outbox, failures } = await open(disk)
  database.write(create('/kept'), actor)
  await outbox.settled()
  disk.fail(operation, { code: 'ENOSPC' })
  const answers: unknown[] = []
  database.write(create('/lost'), actor)
  outbox.send({ deliver: (bytes) => answers.push(bytes) }, Buffer.from('done'))
  await outbox.settled()
  database.write(create('/later'), actor)
  outbox.send({ deliver: (bytes) => answers.push(bytes) }, Buffer.from('done'))
  await outbox.settled()
  expect(failures[0]).toMatchObject({ code: 'ENOSPC' })
  expect(answers).toEqual([])
  disk.losePower()
  const again = await open(disk)
  expect(again.state.tree.get('/kept')).toBeDefined()
  expect(again.state.tree.get('/later')).toBeUndefined()
})

test('a directory serves one process at a time', async () => {
  const disk = new MemoryDisk()
  const { storage } = await open(disk)
  await expect(open(disk)).rejects.toMatchObject({ code: 'EBUSY' })
  await storage.close()
  await (await open(disk)).storage.close()
})

test('a refused multi takes back every trace of its operations, whatever they were', async () => {
  const { database } = await open(new MemoryDisk())
  const random = new Random(1)
  const paths = ['/a', '/a/b', '/a/b/c', '/d', '/d/e', '/f']
  const op = (): WriteOp => {
    const path = random.pick(paths)
    return random.pick([create(path), create(path, 1), create(`${path}-`, 2), set(path, String(random.next())), remove(path)])
  }
  let refused = 0
  for (let round = 0; round < 600; round++) {
    const before = dump(database.state)
    const results = database.writeAll(Array.from({ length: 1 + random.below(5) }, op), actor)
    if (!results.some(({ type }) => type === 'error')) continue
    refused++
    expect(dump(database.state)).toBe(before)
  }
  expect(refused).toBeGreaterThan(60)
  expect(refused).toBeLessThan(590)
})
