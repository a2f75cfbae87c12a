import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { removeDirectory, startApacheKafka, startApacheZooKeeper, temporaryDirectory } from '../support/apache.ts'
import { ApacheTools } from '../support/tools.ts'
import { BROKER_IDS, BROKER_LINES, GOLDEN, tellStory } from './reassignment-story.ts'

/** `WRITE_GOLDEN=1` writes the file anew. */
test('Apache\u2019s brokers of 2.6.3 tell the story of moves and elections as it is stored', async () => {
  const tools = new ApacheTools()
  const zookeeper = await startApacheZooKeeper('zookeeper-3.5.9')
  const begin = (id: number) => startApacheKafka({ id, zookeeper: zookeeper.connect, extra: BROKER_LINES, jvm: ['-Xmx256m'] })
  // The first one makes the znodes that several at once would trip over.
  const brokers = [await begin(BROKER_IDS[0]!), ...(await Promise.all(BROKER_IDS.slice(1).map(begin)))]
  const directory = temporaryDirectory('moves')
  const bootstrap = brokers.map(({ connect }) => connect).join(',')
  const story = Object.fromEntries(await tellStory(tools, { zookeeper: zookeeper.connect, bootstrap, directory }))
  await Promise.all(brokers.map((broker) => broker.kill()))
  await zookeeper.kill()
  tools.stop()
  for (const path of [directory, zookeeper.dataDir, ...brokers.map(({ dataDir }) => dataDir)]) removeDirectory(path)
  if (process.env['WRITE_GOLDEN'] === '1') writeFileSync(GOLDEN, `${JSON.stringify(story, null, 1)}\n`)
  expect(story).toEqual(JSON.parse(readFileSync(GOLDEN, 'utf8')))
})
