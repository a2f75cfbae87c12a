import { describe, expect, test } from 'vitest'
import { append, batchOf, DIR, Machine, names, offsetsOf, range, START_MS, TOPIC, topicConfig } from './support.ts'

const error = (name: string) => expect.objectContaining({ error: name })
const text = (machine: Machine, name: string): string => machine.memory.readFile(`${DIR}/${name}`).toString()

describe('a log directory', () => {
  test('says whose it is, is locked, and refuses another broker or cluster in words', async () => {
    const machine = new Machine()
    await machine.start()
    const lines = text(machine, 'meta.properties').split('\n')
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual(['version=0', 'broker.id=1', 'cluster.id=c'])
    await expect(machine.start()).rejects.toMatchObject({ code: 'EBUSY' })
    machine.kill()
    await expect(machine.start({ brokerId: 2 })).rejects.toThrow('/logs/meta.properties belongs to broker.id 1, this broker has 2')
    await expect(machine.start({ clusterId: 'd' })).rejects.toThrow('belongs to cluster.id c, this broker has d')
    await machine.start()
  })

  test('leaves what is no partition alone and removes what was to be deleted', async () => {
    const machine = new Machine()
    for (const name of ['lost+found', 'a-b-3', `gone-0.${'0'.repeat(32)}-delete`, `moving-0.${'1'.repeat(32)}-future`])
      machine.disk.makeDirectory(`${DIR}/${name}`)
    const manager = await machine.start()
    expect([...manager.logs()].map(({ topic, partition }) => [topic, partition])).toEqual([['a-b', 3]])
    await machine.clock.advance(60_000)
    expect(names(machine, DIR).filter((name) => name.includes('-delete'))).toEqual([])
    expect(names(machine, DIR)).toContain('lost+found')
    expect(names(machine, DIR).filter((name) => name.includes('-future'))).toHaveLength(1)
  })

  test('that fails while another works is offline: existing partitions are not made anew, new ones go to the other', async () => {
    const machine = new Machine()
    const logDirs = ['/one', '/two']
    machine.memory.fail('list', { path: /^\/one$/ })
    const manager = await machine.start({ logDirs })
    expect(manager.directories.map(({ isOnline }) => isOnline)).toEqual([false, true])
    expect(() => manager.getOrCreate(TOPIC, 0, topicConfig(), false)).toThrow(error('KAFKA_STORAGE_ERROR'))
    expect(manager.getOrCreate(TOPIC, 0, topicConfig(), true).directory).toBe('/two/t-0')
    machine.kill()
    machine.memory.fail('list', { path: /^\/(one|two)$/, times: 2 })
    await expect(machine.start({ logDirs })).rejects.toThrow('no log directory works: /one: EIO')
    const again = await machine.start({ logDirs })
    expect(again.getOrCreate('u', 0, topicConfig(), true).logDir).toBe('/one')
    expect(again.getOrCreate('u', 1, topicConfig(), true).logDir).toBe('/one')
  })

  test('that fails when a partition is made is offline, and the partition goes to the next', async () => {
    const machine = new Machine()
    const manager = await machine.start({ logDirs: ['/one', '/two'] })
    machine.memory.fail('makeDirectory', { code: 'EIO', path: /^\/one\// })
    expect(manager.getOrCreate(TOPIC, 0, topicConfig(), true).directory).toBe('/two/t-0')
    expect(manager.directories.map(({ isOnline }) => isOnline)).toEqual([false, true])
    machine.memory.fail('makeDirectory', { code: 'EIO', path: /^\/two\// })
    expect(() => manager.getOrCreate(TOPIC, 1, topicConfig(), true)).toThrow(error('KAFKA_STORAGE_ERROR'))
    expect(manager.directories.map(({ isOnline }) => isOnline)).toEqual([false, false])
  })

  test('a partition in two directories is refused in words', async () => {
    const machine = new Machine()
    for (const path of ['/one/t-0', '/two/t-0']) machine.disk.makeDirectory(path)
    await expect(machine.start({ logDirs: ['/one', '/two'] })).rejects.toThrow('t-0 is in /one/t-0 and in /two/t-0')
  })
})

describe('leftovers', () => {
  const segment = async (machine: Machine): Promise<Buffer> => {
    append(await machine.log(), 4)
    await machine.manager!.close()
    return machine.memory.readFile(`${DIR}/t-0/00000000000000000000.log`)
  }

  test('of deletion, compaction and interrupted writes are removed, indexes without a log too', async () => {
    const machine = new Machine()
    const bytes = await segment(machine)
    for (const name of [
      '0.log.deleted',
      '0.index.deleted',
      '0.log.cleaned',
      '0.timeindex.swap',
      '9.index',
      '9.txnindex',
      'leader-epoch-checkpoint.tmp',
    ]) {
      machine.memory.writeFile(`${DIR}/t-0/${name.replace(/^\d/, (digit) => digit.padStart(20, '0'))}`, bytes)
    }
    const log = await machine.log()
    expect(log.logEndOffset).toBe(4)
    expect(names(machine)).toEqual([
      ...['.index', '.log', '.timeindex'].map((suffix) => `00000000000000000000${suffix}`),
      'leader-epoch-checkpoint',
    ])
  })

  test('a whole swap file replaces the segments that it was made of; one of an unfinished split does not', async () => {
    for (const isSplit of [false, true]) {
      const machine = new Machine()
      const log = await machine.log({ segmentBytes: 150 })
      for (let i = 0; i < 6; i++) append(log, 2)
      await machine.manager!.close()
      const compacted = Buffer.concat([batchOf(1, { baseOffset: 1 }), batchOf(1, { baseOffset: 5 })])
      machine.memory.writeFile(`${DIR}/t-0/00000000000000000000.log.swap`, compacted)
      if (isSplit) machine.memory.writeFile(`${DIR}/t-0/00000000000000000000.log.cleaned`, compacted)
      const again = await machine.log()
      expect(await offsetsOf(again)).toEqual(isSplit ? range(0, 12) : [1, 5, ...range(6, 12)])
      expect(again.logEndOffset).toBe(12)
    }
  })
})

describe('checkpoints', () => {
  test('are written at their intervals, in the form that Kafka reads', async () => {
    const machine = new Machine()
    const log = await machine.log()
    const other = machine.manager!.getOrCreate('other', 7, topicConfig(), true)
    append(log, 5)
    append(other, 9)
    log.setHighWatermark(4)
    log.advanceLogStart(2)
    await machine.clock.advance(5000)
    expect(text(machine, 'replication-offset-checkpoint')).toBe('0\n2\nt 0 4\nother 7 0\n')
    expect(text(machine, `t-0/leader-epoch-checkpoint`)).toBe('0\n1\n0 2\n')
    await machine.clock.advance(55_000)
    expect(text(machine, 'recovery-point-offset-checkpoint')).toBe('0\n2\nt 0 5\nother 7 9\n')
    expect(text(machine, 'log-start-offset-checkpoint')).toBe('0\n1\nt 0 2\n')
    machine.kill()
    expect((await machine.log()).logStartOffset).toBe(2)
  })

  test('one that cannot be written takes the directory offline', async () => {
    const machine = new Machine()
    const log = await machine.log()
    machine.memory.fail('sync', { path: /replication-offset/ })
    await machine.clock.advance(5000)
    expect(() => append(log)).toThrow(error('KAFKA_STORAGE_ERROR'))
  })
})

describe('deleting a partition', () => {
  test('takes it away at once and its files after file.delete.delay.ms; made again it is empty', async () => {
    const machine = new Machine()
    const log = await machine.log({ fileDeleteDelayMs: 1000 })
    append(log, 5)
    log.setHighWatermark(5)
    log.advanceLogStart(4)
    await machine.clock.advance(60_000)
    await machine.manager!.delete(TOPIC, 0)
    expect(machine.manager!.get(TOPIC, 0)).toBeUndefined()
    expect(() => append(log)).toThrow(error('UNKNOWN_TOPIC_OR_PARTITION'))
    const renamed = () => names(machine, DIR).filter((name) => /^t-0\.[0-9a-f]{32}-delete$/.test(name))
    expect(renamed()).toHaveLength(1)
    const again = machine.manager!.getOrCreate(TOPIC, 0, topicConfig(), true)
    append(again, 1)
    await machine.clock.advance(999)
    expect(renamed()).toHaveLength(1)
    await machine.clock.advance(1)
    expect(renamed()).toEqual([])
    machine.kill()
    const after = await machine.log()
    expect([after.logStartOffset, after.logEndOffset]).toEqual([0, 1])
  })

  test('of a name of 249 characters gives a directory name that file systems take', async () => {
    const machine = new Machine()
    const manager = await machine.start()
    const topic = 'x'.repeat(249)
    manager.getOrCreate(topic, 12, topicConfig(), true)
    await manager.delete(topic, 12)
    const [name] = names(machine, DIR).filter((each) => each.endsWith('-delete'))
    expect(name!.length).toBe(255)
  })
})

describe('retention', () => {
  const filled = async (config: Parameters<typeof topicConfig>[0]) => {
    const machine = new Machine()
    const log = await machine.log({ segmentBytes: 150, fileDeleteDelayMs: 0, ...config })
    for (let i = 0; i < 10; i++) append(log, 2, { timestamp: START_MS + i * 1000, leaderEpoch: i })
    log.setHighWatermark(20)
    return { machine, log }
  }

  test('by time: segments whose largest timestamp is too old, at the interval of the check', async () => {
    const { machine, log } = await filled({ retentionMs: 10_000 })
    machine.wallMs = START_MS + 14_500
    await machine.clock.advance(30_000)
    expect([log.logStartOffset, log.segmentCount]).toEqual([10, 5])
    expect(log.epochs.earliest).toEqual({ epoch: 5, startOffset: 10 })
    machine.wallMs = START_MS + 100_000
    await machine.clock.advance(300_000)
    expect([log.logStartOffset, log.logEndOffset, log.segmentCount, log.sizeBytes]).toEqual([20, 20, 1, 0])
    expect(names(machine).filter((name) => name.includes('.log'))).toEqual(['00000000000000000020.log'])
    expect(append(log, 1)).toMatchObject({ firstOffset: 20 })
  })

  test('by size: the oldest segments beyond it', async () => {
    const { machine, log } = await filled({ retentionBytes: 350, retentionMs: -1 })
    expect(log.sizeBytes).toBeGreaterThan(900)
    await machine.manager!.deleteOldSegments()
    expect(log.sizeBytes).toBeGreaterThanOrEqual(350)
    expect(log.sizeBytes).toBeLessThan(350 + 150)
    expect(await offsetsOf(log)).toEqual(range(log.logStartOffset, 20))
  })

  test('keeps what is above the high watermark', async () => {
    const machine = new Machine()
    const log = await machine.log({ segmentBytes: 150, retentionMs: 1 })
    for (let i = 0; i < 10; i++) append(log, 2)
    log.setHighWatermark(5)
    machine.wallMs += 1000
    await machine.manager!.deleteOldSegments()
    expect(log.logStartOffset).toBe(4)
  })

  test('takes segments below the log start offset, on compacted topics only these', async () => {
    const { machine, log } = await filled({ cleanupPolicy: ['compact'], retentionMs: 1, retentionBytes: 0 })
    machine.wallMs += 1e12
    expect(await machine.manager!.deleteOldSegments()).toBe(0)
    log.advanceLogStart(7)
    expect(await machine.manager!.deleteOldSegments()).toBe(3)
    expect(log.logStartOffset).toBe(7)
    expect(await offsetsOf(log)).toEqual(range(7, 20))
  })

  test('a new configuration counts from the next check on', async () => {
    const { machine, log } = await filled({ retentionMs: -1 })
    machine.wallMs += 1e9
    expect(await machine.manager!.deleteOldSegments()).toBe(0)
    machine.manager!.updateConfig(TOPIC, topicConfig({ retentionMs: 5 }))
    expect(await machine.manager!.deleteOldSegments()).toBe(10)
    expect(log.logStartOffset).toBe(20)
  })
})

test('flush.ms is kept at the interval of the flush scheduler', async () => {
  const machine = new Machine()
  const log = await machine.log({ flushMs: 1000 }, { flushSchedulerIntervalMs: 100 })
  append(log, 3)
  await machine.clock.advance(900)
  expect(log.recoveryPoint).toBe(0)
  await machine.clock.advance(200)
  expect(log.recoveryPoint).toBe(3)
})

test('idle logs hold no descriptor, and many busy ones no more than allowed', async () => {
  const machine = new Machine()
  const manager = await machine.start({ manager: { maxOpenFiles: 10 } })
  const logs = range(0, 50).map((partition) => manager.getOrCreate(TOPIC, partition, topicConfig(), true))
  for (const log of logs) append(log, 3)
  for (const log of logs) expect(await offsetsOf(log)).toEqual([0, 1, 2])
  expect(machine.memory.openFiles).toBeLessThanOrEqual(11)
  await manager.close()
  expect(machine.memory.openFiles).toBe(0)
  const again = await machine.start()
  expect([...again.logs()]).toHaveLength(50)
  expect(machine.memory.openFiles).toBe(0)
})
