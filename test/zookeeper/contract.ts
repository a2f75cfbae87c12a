import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { ZooKeeperClient, type ZooKeeperOptions } from '../../src/zookeeper/client.ts'
import { CREATOR_ALL_ACL, OPEN_ACL, PERMISSIONS } from '../../src/zookeeper/types.ts'
import { watchChildren, watchData } from '../../src/zookeeper/watching.ts'
import { startCutter, type Cutter } from '../support/cutter.ts'
import { eventually } from '../support/net.ts'

export type Subject = {
  port: number
  /** The server ends and comes back with its data, on the same port. */
  restart(): Promise<void>
  stop(): Promise<void>
}
/** The one SASL user of every subject. */
export const SASL_USER = { username: 'kafka', password: 'pä$$ "word\\' }
export const JAAS = `Server {
  org.apache.zookeeper.server.auth.DigestLoginModule required
  user_kafka="pä$$ \\"word\\\\";
};
`

const bytes = (text: string) => Buffer.from(text)
/** tickTime of every subject is 500 ms, so 1000 ms is the shortest session. */
const SESSION_MS = 1000

/** What our client and a ZooKeeper do together; every server must pass all of it. */
export const zooKeeperContract = (name: string, start: () => Promise<Subject>): void => {
  describe(`the client on ${name}`, () => {
    let subject: Subject
    let cutter: Cutter
    let client: ZooKeeperClient
    const open: ZooKeeperClient[] = []
    let root = 0

    const connectTo = async (options: Partial<ZooKeeperOptions> = {}): Promise<ZooKeeperClient> => {
      const opened = await ZooKeeperClient.connect({
        servers: [{ host: '127.0.0.1', port: subject.port }],
        sessionTimeoutMs: 8000,
        connectTimeoutMs: 8000,
        clock: monotonicClock,
        logger: silentLogger,
        ...options,
      })
      open.push(opened)
      return opened
    }
    const throughCutter = (sessionTimeoutMs = SESSION_MS) =>
      connectTo({ servers: [{ host: '127.0.0.1', port: cutter.port }], sessionTimeoutMs })
    const fresh = async (): Promise<string> => client.create(`/t${root++}`, null)

    beforeAll(async () => {
      subject = await start()
      cutter = await startCutter(subject.port)
      client = await connectTo()
    })
    afterAll(async () => {
      cutter?.heal()
      await Promise.all(open.map((each) => each.close()))
      await cutter?.close()
      await subject?.stop()
    })

    test('a created znode has its data and the numbers of its creation', async () => {
      const path = await fresh()
      const { path: child, stat } = await client.createWithStat(`${path}/a`, bytes('x'))
      expect(child).toBe(`${path}/a`)
      expect(stat).toMatchObject({ version: 0, cversion: 0, aversion: 0, ephemeralOwner: 0n, dataLength: 1, numChildren: 0 })
      expect(stat.czxid).toBe(stat.mzxid)
      expect(stat.pzxid).toBe(stat.czxid)
      expect(Math.abs(stat.ctime - Date.now())).toBeLessThan(60_000)
      expect(await client.get(`${path}/a`)).toEqual({ data: bytes('x'), stat })
      const parent = (await client.exists(path))!
      expect(parent).toMatchObject({ cversion: 1, numChildren: 1, pzxid: stat.czxid, version: 0 })
    })

    test('no data stays no data, and empty data stays empty', async () => {
      const path = await fresh()
      await client.create(`${path}/none`, null)
      await client.create(`${path}/empty`, Buffer.alloc(0))
      expect((await client.get(`${path}/none`)).data).toBeNull()
      expect((await client.get(`${path}/empty`)).data).toEqual(Buffer.alloc(0))
    })

    test('cversion counts creations and deletions, pzxid follows both', async () => {
      const path = await fresh()
      for (const child of ['a', 'b', 'c']) await client.create(`${path}/${child}`, null)
      await client.delete(`${path}/b`, -1)
      const stat = (await client.exists(path))!
      expect(stat).toMatchObject({ cversion: 4, numChildren: 2 })
      expect(stat.pzxid).toBe(client.lastZxid)
    })

    test('a set needs the exact version, and 0 is 0', async () => {
      const path = await fresh()
      expect(await client.set(path, bytes('1'), 0)).toMatchObject({ version: 1, dataLength: 1 })
      await expect(client.set(path, bytes('2'), 0)).rejects.toMatchObject({ error: 'BAD_VERSION', path })
      await expect(client.delete(path, 0)).rejects.toMatchObject({ error: 'BAD_VERSION' })
      expect(await client.set(path, null, -1)).toMatchObject({ version: 2, dataLength: 0 })
      await client.delete(path, 2)
      expect(await client.exists(path)).toBeUndefined()
    })

    test('what does not fit is refused by its name', async () => {
      const path = await fresh()
      await client.create(`${path}/a`, null)
      await client.create(`${path}/e`, null, { mode: 'ephemeral' })
      await expect(client.create(`${path}/a`, null)).rejects.toMatchObject({ error: 'NODE_EXISTS' })
      await expect(client.create(`${path}/x/y`, null)).rejects.toMatchObject({ error: 'NO_NODE' })
      await expect(client.create(`${path}/e/x`, null)).rejects.toMatchObject({ error: 'NO_CHILDREN_FOR_EPHEMERALS' })
      await expect(client.get(`${path}/x`)).rejects.toMatchObject({ error: 'NO_NODE', path: `${path}/x` })
      await expect(client.children(`${path}/x`)).rejects.toMatchObject({ error: 'NO_NODE' })
      await expect(client.set(`${path}/x`, null, -1)).rejects.toMatchObject({ error: 'NO_NODE' })
      await expect(client.delete(`${path}/x`, -1)).rejects.toMatchObject({ error: 'NO_NODE' })
      await expect(client.delete(path, -1)).rejects.toMatchObject({ error: 'NOT_EMPTY' })
      await expect(client.delete('/zookeeper', -1)).rejects.toMatchObject({ error: 'BAD_ARGUMENTS' })
      await expect(client.create('/', null)).rejects.toMatchObject({ error: 'NODE_EXISTS' })
      for (const wrong of ['', 'a', '/a/', '//a', '/a/../b', '/a\0']) {
        await expect(client.get(wrong), JSON.stringify(wrong)).rejects.toMatchObject({ error: 'BAD_ARGUMENTS' })
      }
    })

    test('sequence numbers count the creations below the parent, ten digits', async () => {
      const path = await fresh()
      expect(await client.create(`${path}/n-`, null, { mode: 'persistent-sequential' })).toBe(`${path}/n-0000000000`)
      await client.create(`${path}/other`, null)
      await client.delete(`${path}/other`, -1)
      expect(await client.create(`${path}/n-`, null, { mode: 'ephemeral-sequential' })).toBe(`${path}/n-0000000002`)
      expect(await client.create(`${path}/`, null, { mode: 'persistent-sequential' })).toBe(`${path}/0000000003`)
    })

    test('requests are applied and answered in the order of the calls', async () => {
      const path = await fresh()
      const answers: number[] = []
      await Promise.all(
        Array.from({ length: 200 }, async (_none, index) => {
          const stat = await client.set(path, bytes(String(index)), index)
          answers.push(stat.version)
        }),
      )
      expect(answers).toEqual(Array.from({ length: 200 }, (_none, index) => index + 1))
    })

    test('a multi applies all in one transaction, and sees its own effects', async () => {
      const path = await fresh()
      const results = await client.multi([
        { type: 'check', path, version: 0 },
        { type: 'create', path: `${path}/a`, data: bytes('1') },
        { type: 'set', path: `${path}/a`, data: bytes('2'), version: 0 },
        { type: 'create', path: `${path}/s-`, data: null, mode: 'persistent-sequential' },
        { type: 'create', path: `${path}/b`, data: null },
        { type: 'delete', path: `${path}/b`, version: 0 },
      ])
      expect(results.map(({ type }) => type)).toEqual(['check', 'create', 'set', 'create', 'create', 'delete'])
      expect(results[1]).toMatchObject({ path: `${path}/a` })
      expect(results[2]).toMatchObject({ stat: { version: 1 } })
      expect(results[3]).toMatchObject({ path: `${path}/s-0000000001` })
      const zxids = results.flatMap((result) => ('stat' in result && result.stat ? [result.stat.mzxid] : []))
      expect(zxids).toContain(client.lastZxid)
      expect(new Set(zxids).size).toBe(1)
      expect((await client.children(path)).children.toSorted()).toEqual(['a', 's-0000000001'])
    })

    test('a refused multi leaves no trace and says which operation was refused', async () => {
      const path = await fresh()
      const before = await client.exists(path)
      const attempt = client.multi([
        { type: 'create', path: `${path}/a`, data: null },
        { type: 'set', path, data: bytes('x'), version: 0 },
        { type: 'check', path, version: 0 },
        { type: 'create', path: `${path}/b`, data: null },
      ])
      await expect(attempt).rejects.toMatchObject({
        error: 'BAD_VERSION',
        index: 2,
        path,
        results: ['OK', 'OK', 'BAD_VERSION', 'RUNTIME_INCONSISTENCY'],
      })
      expect(await client.exists(path)).toEqual(before)
      expect((await client.children(path)).children).toEqual([])
      expect(await client.create(`${path}/n-`, null, { mode: 'persistent-sequential' })).toBe(`${path}/n-0000000000`)
    })

    test('an empty multi does nothing', async () => {
      expect(await client.multi([])).toEqual([])
    })

    test('data, exist and child watches fire once, each with its event', async () => {
      const path = await fresh()
      const other = await connectTo()
      const watches = { data: client.newWatch(), absent: client.newWatch(), children: client.newWatch(), gone: client.newWatch() }
      await client.create(`${path}/a`, null)
      await client.get(`${path}/a`, { watch: watches.data })
      await client.exists(`${path}/b`, { watch: watches.absent })
      await client.children(path, { watch: watches.children })
      await other.set(`${path}/a`, bytes('x'), -1)
      expect(await watches.data.fired).toEqual({ type: 'NODE_DATA_CHANGED', path: `${path}/a` })
      await other.create(`${path}/b`, null)
      expect(await watches.absent.fired).toEqual({ type: 'NODE_CREATED', path: `${path}/b` })
      expect(await watches.children.fired).toEqual({ type: 'NODE_CHILDREN_CHANGED', path })
      await client.children(`${path}/b`, { watch: watches.gone })
      await other.delete(`${path}/b`, -1)
      expect(await watches.gone.fired).toEqual({ type: 'NODE_DELETED', path: `${path}/b` })
    })

    test('the event comes before the answer that would show the change', async () => {
      const path = await fresh()
      const order: string[] = []
      const watch = client.newWatch()
      await client.get(path, { watch })
      void watch.fired.then(() => order.push('event'))
      await client.set(path, bytes('x'), 0).then(() => order.push('own answer'))
      expect(order).toEqual(['event', 'own answer'])
    })

    test('a get of an absent znode sets no watch', async () => {
      const path = await fresh()
      const watch = client.newWatch()
      await expect(client.get(`${path}/a`, { watch })).rejects.toMatchObject({ error: 'NO_NODE' })
      let fired = false
      void watch.fired.then(() => (fired = true))
      await client.create(`${path}/a`, null)
      await client.sync()
      expect(fired).toBe(false)
    })

    test('watchData and watchChildren follow a znode through its life', async () => {
      const path = await fresh()
      const data = watchData(client, `${path}/a`)
      expect((await data.next()).value).toBeUndefined()
      await client.create(`${path}/a`, bytes('1'))
      expect((await data.next()).value?.data).toEqual(bytes('1'))
      await client.set(`${path}/a`, bytes('2'), -1)
      expect((await data.next()).value?.data).toEqual(bytes('2'))
      await client.delete(`${path}/a`, -1)
      expect((await data.next()).value).toBeUndefined()
      const names = watchChildren(client, path)
      expect((await names.next()).value?.children).toEqual([])
      await client.create(`${path}/b`, null)
      expect((await names.next()).value?.children).toEqual(['b'])
    })

    test('ephemeral znodes go with a closed session, and others see it', async () => {
      const path = await fresh()
      const other = await connectTo()
      const { stat } = await other.createWithStat(`${path}/e`, null, { mode: 'ephemeral' })
      expect(stat.ephemeralOwner).toBe(other.sessionId)
      const watch = client.newWatch()
      await client.exists(`${path}/e`, { watch })
      await other.close()
      expect(await watch.fired).toEqual({ type: 'NODE_DELETED', path: `${path}/e` })
      expect(other.state).toBe('CLOSED')
      await expect(other.exists(path)).rejects.toMatchObject({ error: 'SESSION_EXPIRED' })
    })

    test('a cut connection is replaced: same session, its ephemerals, its watches, and events that were missed', async () => {
      const path = await fresh()
      const other = await throughCutter(8000)
      await other.create(`${path}/e`, null, { mode: 'ephemeral' })
      const { sessionId } = other
      const [missed, later, children, absent] = [other.newWatch(), other.newWatch(), other.newWatch(), other.newWatch()]
      await other.get(path, { watch: missed })
      await other.get(`${path}/e`, { watch: later })
      await other.children(path, { watch: children })
      await other.exists(`${path}/x`, { watch: absent })
      cutter.refuse()
      await client.set(path, bytes('while away'), -1)
      await client.create(`${path}/x`, null)
      cutter.heal()
      expect(await missed.fired).toMatchObject({ type: 'NODE_DATA_CHANGED' })
      expect(await children.fired).toMatchObject({ type: 'NODE_CHILDREN_CHANGED' })
      expect(await absent.fired).toMatchObject({ type: 'NODE_CREATED' })
      expect(other.sessionId).toBe(sessionId)
      await client.set(`${path}/e`, bytes('y'), 0)
      expect(await later.fired).toMatchObject({ type: 'NODE_DATA_CHANGED', path: `${path}/e` })
    })

    test('an operation that was on its way when the connection broke is lost, later ones wait for the next', async () => {
      const path = await fresh()
      const other = await throughCutter(8000)
      cutter.freeze()
      const lost = other.set(path, bytes('?'), -1)
      const failed = expect(lost).rejects.toMatchObject({ error: 'CONNECTION_LOSS', path })
      cutter.heal()
      await failed
      expect(await other.set(path, bytes('!'), -1)).toMatchObject({ dataLength: 1 })
    })

    test('a silent network ends the connection after two thirds of the time-out, the session by the server', async () => {
      const path = await fresh()
      const other = await throughCutter()
      expect(other.sessionTimeoutMs).toBe(SESSION_MS)
      await other.create(`${path}/e`, null, { mode: 'ephemeral' })
      const watch = other.newWatch()
      await other.get(path, { watch })
      cutter.freeze()
      expect(await other.stateChanged()).toBe('CONNECTING')
      await eventually(async () => (await client.exists(`${path}/e`)) === undefined, { what: 'the ephemeral is gone' })
      expect(other.state).toBe('CONNECTING')
      expect(other.silentMs()).toBeGreaterThan(SESSION_MS)
      cutter.heal()
      expect(await watch.fired).toMatchObject({ type: 'SESSION_EXPIRED' })
      expect(other.state).toBe('EXPIRED')
      await expect(other.set(path, null, -1)).rejects.toMatchObject({ error: 'SESSION_EXPIRED' })
    })

    test('pings keep an idle session', async () => {
      const other = await throughCutter(SESSION_MS * 2)
      await new Promise((resolve) => setTimeout(resolve, SESSION_MS * 2.5))
      expect(other.state).toBe('CONNECTED')
      expect(other.silentMs()).toBeLessThan(SESSION_MS * 2)
      await other.sync()
    })

    test('a process that stood still beyond its session learns so, and writes nothing more', async () => {
      const path = await fresh()
      const other = await connectTo({ sessionTimeoutMs: SESSION_MS })
      // The clock of a client whose event loop stands still: its timers do not run, its answers are not read.
      const script = new URL('./paused-client.ts', import.meta.url)
      const { execFile } = await import('node:child_process')
      const result = await new Promise<string>((resolve, reject) => {
        execFile(process.execPath, [script.pathname, String(subject.port), path], (error, stdout) =>
          error ? reject(error) : resolve(stdout),
        )
      })
      expect(JSON.parse(result)).toEqual({ before: 'CONNECTED', attempts: ['SESSION_EXPIRED', 'SESSION_EXPIRED'], after: 'EXPIRED' })
      expect((await other.get(path)).data).toBeNull()
      expect((await other.children(path)).children).toEqual([])
    })

    test('sessions and data outlive a restart of the server', async () => {
      const path = await fresh()
      const other = await connectTo()
      await other.create(`${path}/e`, bytes('1'), { mode: 'ephemeral' })
      await client.create(`${path}/p-`, bytes('2'), { mode: 'persistent-sequential' })
      const before = [await client.exists(path), await client.exists(`${path}/e`), await client.getAcl(path)]
      // Until a client has seen that its connection is gone, an operation can be lost with it.
      const lost = Promise.all([client.stateChanged(), other.stateChanged()])
      await subject.restart()
      await lost
      expect([await client.exists(path), await client.exists(`${path}/e`), await client.getAcl(path)]).toEqual(before)
      expect(await client.create(`${path}/p-`, null, { mode: 'persistent-sequential' })).toBe(`${path}/p-0000000002`)
      await other.set(`${path}/e`, bytes('3'), 0)
      await other.close()
      expect(await client.exists(`${path}/e`)).toBeUndefined()
    })

    test('a digest login opens what its ACL protects, for the logged-in only', async () => {
      const path = await fresh()
      const owner = await connectTo({ auth: [{ scheme: 'digest', auth: 'ann:secret' }] })
      await owner.create(`${path}/own`, bytes('x'), { acl: CREATOR_ALL_ACL })
      const id = `ann:${createHash('sha1').update('ann:secret').digest('base64')}`
      expect((await owner.getAcl(`${path}/own`)).acl).toEqual([{ perms: PERMISSIONS.ALL, scheme: 'digest', id }])
      for (const attempt of [client.get(`${path}/own`), client.set(`${path}/own`, null, -1), client.children(`${path}/own`)]) {
        await expect(attempt).rejects.toMatchObject({ error: 'NO_AUTH' })
      }
      await expect(client.create(`${path}/own/x`, null)).rejects.toMatchObject({ error: 'NO_AUTH' })
      await expect(client.setAcl(`${path}/own`, OPEN_ACL, -1)).rejects.toMatchObject({ error: 'NO_AUTH' })
      await expect(client.multi([{ type: 'check', path: `${path}/own`, version: 0 }])).rejects.toMatchObject({ error: 'NO_AUTH', index: 0 })
      const late = await connectTo()
      await late.addAuth('digest', 'ann:secret')
      expect((await late.get(`${path}/own`)).data).toEqual(bytes('x'))
    })

    test('an ACL is changed by its own version, and digests are hidden from those who may only read', async () => {
      const path = await fresh()
      const acl = [
        { perms: PERMISSIONS.READ, scheme: 'world', id: 'anyone' },
        { perms: PERMISSIONS.ALL, scheme: 'digest', id: 'bob:aGFzaA==' },
        { perms: PERMISSIONS.READ, scheme: 'ip', id: '10.0.0.0/8' },
      ]
      expect(await client.setAcl(path, acl, 0)).toMatchObject({ aversion: 1, version: 0 })
      expect((await client.getAcl(path)).acl).toEqual([acl[0], { ...acl[1], id: 'bob:x' }, acl[2]])
      await expect(client.create(`${path}/a`, null)).rejects.toMatchObject({ error: 'NO_AUTH' })
      await expect(client.setAcl(await fresh(), OPEN_ACL, 7)).rejects.toMatchObject({ error: 'BAD_VERSION' })
      for (const wrong of [[], [{ perms: 1, scheme: 'nobody', id: 'x' }], [{ perms: 1, scheme: 'digest', id: 'x' }], CREATOR_ALL_ACL]) {
        await expect(client.create(`${path}-wrong`, null, { acl: wrong })).rejects.toMatchObject({ error: 'INVALID_ACL' })
      }
    })

    test('permissions by address match this address', async () => {
      const path = await fresh()
      await client.setAcl(path, [{ perms: PERMISSIONS.READ, scheme: 'ip', id: '127.0.0.0/8' }], -1)
      expect((await client.get(path)).data).toBeNull()
      await expect(client.set(path, null, -1)).rejects.toMatchObject({ error: 'NO_AUTH' })
    })

    test('a DIGEST-MD5 login gives the identity sasl:user', async () => {
      const path = await fresh()
      const user = await connectTo({ saslDigest: SASL_USER })
      await user.create(`${path}/own`, null, { acl: CREATOR_ALL_ACL })
      expect((await user.getAcl(`${path}/own`)).acl).toEqual([{ perms: PERMISSIONS.ALL, scheme: 'sasl', id: 'kafka' }])
      await expect(client.set(`${path}/own`, null, -1)).rejects.toMatchObject({ error: 'NO_AUTH' })
    })

    test('a wrong SASL password is refused at connect', async () => {
      await expect(connectTo({ saslDigest: { username: 'kafka', password: 'wrong' } })).rejects.toMatchObject({ error: 'AUTH_FAILED' })
      await expect(connectTo({ saslDigest: { username: 'nobody', password: 'wrong' } })).rejects.toMatchObject({ error: 'AUTH_FAILED' })
    })

    test('a chroot is in front of every path and in none that comes back', async () => {
      const path = await fresh()
      const inside = await connectTo({ chroot: path })
      const watch = inside.newWatch()
      await inside.children('/', { watch })
      expect(await inside.create('/a-', null, { mode: 'persistent-sequential' })).toBe('/a-0000000000')
      expect(await watch.fired).toEqual({ type: 'NODE_CHILDREN_CHANGED', path: '/' })
      await inside.makePath('/x/y/z')
      await inside.makePath('/x/y/z')
      expect(await client.exists(`${path}/x/y/z`)).toBeDefined()
      const [made] = await inside.multi([{ type: 'create', path: '/m', data: null }])
      expect(made).toMatchObject({ path: '/m' })
    })

    test('a megabyte is too much, and said so before it is sent', async () => {
      const path = await fresh()
      await expect(client.set(path, Buffer.alloc(1024 * 1024), -1)).rejects.toThrow(/jute\.maxbuffer/)
      expect(await client.set(path, Buffer.alloc(1000 * 1000), -1)).toMatchObject({ dataLength: 1_000_000 })
      expect((await client.get(path)).data).toHaveLength(1_000_000)
    })

    test('of several servers the one that lives is found', async () => {
      const other = await connectTo({
        servers: [
          { host: '127.0.0.1', port: 1 },
          { host: '127.0.0.1', port: subject.port },
        ],
      })
      expect(other.state).toBe('CONNECTED')
      await expect(connectTo({ servers: [{ host: '127.0.0.1', port: 1 }], connectTimeoutMs: 300 })).rejects.toMatchObject({
        error: 'CONNECTION_LOSS',
      })
    })
  })
}
