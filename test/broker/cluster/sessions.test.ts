import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../support/net.ts'
import { SESSION_TIMEOUT_MS, SessionCluster, send, sendWithoutZooKeeper, TOPIC, type Sent } from './sessions-support.ts'

describe('sessions with ZooKeeper', () => {
  let cluster: SessionCluster
  beforeAll(async () => {
    cluster = await SessionCluster.start()
  })
  afterAll(() => cluster?.stop())

  /** mzxid of every znode that a broker owns or a controller writes, but for those that come and go. */
  const versions = async (): Promise<Map<string, bigint>> => {
    const paths = [
      '/controller',
      '/controller_epoch',
      `/brokers/topics/${TOPIC}`,
      '/latest_producer_id_block',
      '/config/topics',
      '/brokers/seqid',
    ]
    const stats = await Promise.all(paths.map(async (path) => [path, (await cluster.znodes.exists(path))?.mzxid ?? -1n] as const))
    return new Map(stats)
  }

  test('a leader and controller that slept through its session changes nothing, acknowledges nothing that is not kept, and comes back', async () => {
    const zombie = await cluster.controller()
    const before = await cluster.states()
    const led = before.find(({ leader }) => leader === zombie)!.partition
    const connection = await cluster.connect(zombie)
    const kept = await send(connection, led, 'before', -1)
    expect(kept).toMatchObject({ offset: 0 })
    const epoch = (await cluster.znodes.exists(`/brokers/ids/${zombie}`))!.czxid

    const { program } = cluster.brokers[zombie]!
    program.signal('SIGSTOP')
    // In the sleeper's socket: it finds them before anything else when it wakes.
    const queued = [-1, 1, -1, 1].map((acks, n) => send(connection, led, `queued-${n}`, acks as -1 | 1))
    await eventually(async () => (await cluster.states())[led]!.leader !== zombie, { timeoutMs: 15_000, what: 'another leads' })
    await eventually(async () => (await cluster.states()).every(({ isr }) => !isr.includes(zombie)), { timeoutMs: 15_000 })
    const successor = await cluster.connect((await cluster.states())[led]!.leader)
    await eventually(async () => 'offset' in (await send(successor, led, 'during', -1)))
    const [asleep, states] = [await versions(), await cluster.states()]

    program.signal('SIGCONT')
    const answers: Sent[] = await Promise.all(queued)
    expect(answers.map((answer) => ('error' in answer ? answer.error : answer))).toEqual(Array(4).fill('NOT_LEADER_OR_FOLLOWER'))
    await cluster.healed()
    expect(await versions()).toEqual(asleep)
    const now = await cluster.states()
    expect(now.map(({ isr: _isr, ...rest }) => rest)).toEqual(states.map(({ isr: _isr, ...rest }) => rest))
    expect((await cluster.znodes.exists(`/brokers/ids/${zombie}`))!.czxid > epoch).toBe(true)
    expect([...(await cluster.read(led)).values()]).toEqual(['before', 'during'])
    expect(await send(successor, led, 'after', -1)).toMatchObject({ offset: 2 })
    connection.close()
    successor.close()
  })

  test('a leader that ZooKeeper does not hear goes on until it hears of its expiry; what it acknowledged to all is kept', async () => {
    const { partition, leader: owner } = (await cluster.states())[0]!
    const epoch = (await cluster.znodes.exists(`/brokers/ids/${owner}`))!.czxid
    const connection = await cluster.connect(owner)
    cluster.links[owner]!.cut('swallow')
    const sent: Sent[] = []
    const sending = (async () => {
      for (let n = 0; !sent.some((one) => 'error' in one); n++) sent.push(await send(connection, partition, `cut-${n}`, -1))
    })()
    await eventually(async () => (await cluster.states())[partition]!.leader !== owner, { what: 'another leads' })
    const successor = await cluster.connect((await cluster.states())[partition]!.leader)
    // It may learn of its leadership later than ZooKeeper.
    await eventually(async () => 'offset' in (await send(successor, partition, 'successor', -1)))
    cluster.links[owner]!.heal()
    await sending
    expect(sent.at(-1)).toMatchObject({ error: 'NOT_LEADER_OR_FOLLOWER' })
    expect(sent.length).toBeGreaterThan(20)
    await cluster.healed()
    const found = await cluster.read(partition)
    for (const one of sent) if ('offset' in one) expect(found.get(one.offset)).toBe(one.value)
    expect([...found.values()].filter((value) => value === 'successor')).toHaveLength(1)
    expect((await cluster.znodes.exists(`/brokers/ids/${owner}`))!.czxid > epoch).toBe(true)
    connection.close()
    successor.close()
  })

  test('while ZooKeeper is away for longer than sessions live, leaders go on and nothing is lost', async () => {
    const { counts, refused, lost } = await sendWithoutZooKeeper(cluster, SESSION_TIMEOUT_MS * 2)
    expect({ refused, lost }).toEqual({ refused: [], lost: [] })
    expect(Math.min(...counts)).toBeGreaterThan(20)
  })
})
