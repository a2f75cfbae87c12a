import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ApacheTools } from '../support/tools.ts'
import { BROKER_LINES, GOLDEN, tellStory } from './cluster-story.ts'
import { MixedCluster } from './mixed-cluster.ts'

/** `WRITE_GOLDEN=1` writes the file anew. */
test('Apache\u2019s brokers of 2.6.3 leave the znodes as they are stored', { timeout: 180_000 }, async () => {
  const tools = new ApacheTools()
  const cluster = await MixedCluster.start(['apache', 'apache', 'apache'], BROKER_LINES)
  try {
    const story = Object.fromEntries(await tellStory(cluster, 'apache', tools))
    if (process.env['WRITE_GOLDEN'] === '1') writeFileSync(GOLDEN, `${JSON.stringify(story, null, 1)}\n`)
    expect(story).toEqual(JSON.parse(readFileSync(GOLDEN, 'utf8')))
  } finally {
    tools.stop()
    await cluster.end()
  }
})
