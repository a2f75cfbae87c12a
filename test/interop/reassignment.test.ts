import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { removeDirectory, temporaryDirectory } from '../support/apache.ts'
import { lacks } from '../support/needs.ts'
import { startOurBroker, startOurZooKeeper } from '../support/ours.ts'
import { ApacheTools } from '../support/tools.ts'
import { BROKER_IDS, BROKER_LINES, GOLDEN, tellStory } from './reassignment-story.ts'

describe.skipIf(lacks('java', 'maven'))('moves and elections by Apache\u2019s tools of 2.6.3', () => {
  const tools = new ApacheTools()
  afterAll(() => tools.stop())

  test('leave the same words and the same znodes as with Apache\u2019s brokers', async () => {
    const zookeeper = await startOurZooKeeper()
    const brokers = await Promise.all(BROKER_IDS.map((id) => startOurBroker({ id, zookeeper: zookeeper.connect, extra: BROKER_LINES })))
    const directory = temporaryDirectory('moves')
    const bootstrap = brokers.map(({ port }) => `127.0.0.1:${port}`).join(',')
    const story = await tellStory(tools, { zookeeper: zookeeper.connect, bootstrap, directory })
    await Promise.all(brokers.map((broker) => broker.stop()))
    await zookeeper.stop()
    removeDirectory(directory)
    const golden = Object.entries(JSON.parse(readFileSync(GOLDEN, 'utf8')) as Record<string, unknown>)
    expect([...story.keys()]).toEqual(golden.map(([step]) => step))
    for (const [step, expected] of golden) expect(story.get(step), step).toEqual(expected)
  }, 90_000)
})
