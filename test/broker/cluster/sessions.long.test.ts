import { expect, test } from 'vitest'
import { SessionCluster, sendWithoutZooKeeper } from './sessions-support.ts'

test('a minute without ZooKeeper: leaders go on, and nothing is lost', async () => {
  const cluster = await SessionCluster.start()
  try {
    const { counts, refused, lost } = await sendWithoutZooKeeper(cluster, 60_000)
    expect({ refused, lost }).toEqual({ refused: [], lost: [] })
    expect(Math.min(...counts)).toBeGreaterThan(300)
  } finally {
    await cluster.stop()
  }
})
