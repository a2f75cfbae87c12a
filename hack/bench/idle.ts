import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { ClusterClient } from '../../src/client/cluster-client.ts'
import { createTopics } from '../../src/protocol/api/index.ts'
import { startOurBroker, startOurZooKeeper } from '../../test/support/ours.ts'
import { openDescriptors, residentBytes } from './process.ts'

const PER_TOPIC = 100
const MB = 1024 * 1024

export type Idle = { residentMb: number; descriptors: number; startMs: number; restartedMb: number }

/** One broker that leads this many partitions which nobody uses: what it takes, and how long it starts after a clean stop. */
export const idlePartitions = async (partitions: number): Promise<Idle> => {
  const zookeeper = await startOurZooKeeper()
  const broker = await startOurBroker({ id: 0, zookeeper: zookeeper.connect })
  const client = new ClusterClient({
    bootstrap: [{ host: '127.0.0.1', port: broker.port }],
    clientId: 'bench',
    clock: monotonicClock,
    logger: silentLogger,
    timeoutMs: 120_000,
  })
  try {
    for (let made = 0; made < partitions; made += PER_TOPIC * 10) {
      const topics = Array.from({ length: 10 }, (_unused, n) => ({
        name: `idle-${made / PER_TOPIC + n}`,
        numPartitions: PER_TOPIC,
        replicationFactor: 1,
        assignments: [],
        configs: [],
      }))
      const answer = await client.controller(createTopics, { topics, timeoutMs: 60_000 })
      const failed = answer.topics.find(({ errorCode }) => errorCode !== 0)
      if (failed) throw new Error(`${failed.name}: ${failed.errorMessage}`)
    }
    const { pid } = broker.program
    const before = { residentMb: residentBytes(pid) / MB, descriptors: openDescriptors(pid) }
    await broker.program.stop()
    const startedMs = performance.now()
    await broker.restart('SIGTERM')
    return { ...before, startMs: performance.now() - startedMs, restartedMb: residentBytes(broker.program.pid) / MB }
  } finally {
    client.close()
    await broker.stop()
    await zookeeper.stop()
  }
}

export const idleReport = async (partitions: number): Promise<string> => {
  const { residentMb, descriptors, startMs, restartedMb } = await idlePartitions(partitions)
  return `| what | measured | aim |
|---|---:|---|
| memory | ${residentMb.toFixed(0)} MB | under 400 MB |
| descriptors | ${descriptors} | under 5,000 |
| clean start | ${startMs.toFixed(0)} ms | under 3,000 ms |
| memory after that start | ${restartedMb.toFixed(0)} MB | under 400 MB |`
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await idlePartitions(Number(process.argv[2] ?? 10_000)))}\n`)
