import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lacks } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../support/ours.ts'
import type { ForeignClient } from './clients/client.ts'
import { franzGoClient } from './clients/franz-go.ts'
import { javaClient } from './clients/line-client.ts'

const COUNT = 200_000
let zookeeper: OurZooKeeper
let broker: OurBroker
beforeAll(async () => {
  zookeeper = await startOurZooKeeper()
  broker = await startOurBroker({ id: 0, zookeeper: zookeeper.connect })
})
afterAll(async () => {
  await broker?.stop()
  await zookeeper?.stop()
})

/** None while the broker does not know the topic yet. */
const valuesIn = (topic: string): string[] => {
  const args = ['-b', `127.0.0.1:${broker.port}`, '-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', '%s\n']
  const { status, stdout } = spawnSync('kcat', args, { encoding: 'utf8', timeout: 30_000, maxBuffer: 256 << 20 })
  return status === 0 ? stdout.split('\n').filter(Boolean) : []
}

const clients: [string, readonly ('go' | 'java' | 'maven')[], () => ForeignClient][] = [
  ['Java 4.4.0', ['java', 'maven'], () => javaClient('4.4.0')],
  ['franz-go', ['go'], () => franzGoClient()],
]

for (const [name, needs, makeClient] of clients) {
  describe.skipIf(lacks('kcat', ...needs))(`${name} with its defaults`, () => {
    test('stores each record once while the broker is killed twice', async () => {
      const client = makeClient()
      const topic = `once-${name.toLowerCase().replaceAll(/[^a-z]/g, '')}`
      await client.topics!.create({ bootstrap: `127.0.0.1:${broker.port}` }, topic, 3)
      const state = { isSending: true }
      const sending = client
        .produce({ bootstrap: `127.0.0.1:${broker.port}` }, topic, { count: COUNT, baseMs: Date.now() })
        .finally(() => (state.isSending = false))
      await eventually(() => valuesIn(topic).length > 0)
      let kills = 0
      while (kills < 2 && state.isSending) {
        kills++
        await broker.restart('SIGKILL')
      }
      await sending
      let values: string[] = []
      await eventually(() => (values = valuesIn(topic)).length >= COUNT, { timeoutMs: 20_000, what: 'all records are there' })
      expect({ stored: values.length, different: new Set(values).size }).toEqual({ stored: COUNT, different: COUNT })
      expect(kills).toBeGreaterThan(0)
      await client.stop()
    }, 60_000)
  })
}
