import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ApacheServer, removeDirectory, startApacheKafka } from '../support/apache.ts'
import { type JarSet, runJava } from '../support/java.ts'
import { lacks } from '../support/needs.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../support/ours.ts'

/** Times and addresses are each broker's own. */
const comparable = (lines: string): string[] =>
  lines
    .trim()
    .split('\n')
    .map((line) => line.replace(/\[17\d{11}, 17\d{11}\]/g, '[NOW]').replace(/(127\.0\.0\.1|localhost):\d+/g, 'BROKER'))

describe.skipIf(lacks('java', 'maven'))('odd requests of Java clients', () => {
  let zookeeper: OurZooKeeper
  let ours: OurBroker
  let apache: ApacheServer

  beforeAll(async () => {
    zookeeper = await startOurZooKeeper()
    ours = await startOurBroker({ id: 0, zookeeper: `${zookeeper.connect}/ours` })
    apache = await startApacheKafka({ zookeeper: `${zookeeper.connect}/apache` })
  }, 120_000)
  afterAll(async () => {
    await ours?.stop()
    await apache?.stop()
    if (apache) removeDirectory(apache.dataDir)
    await zookeeper?.stop()
  })

  test.each<JarSet>(['kafka-clients-2.6.3', 'kafka-clients-3.9.2', 'kafka-clients-4.4.0'])(
    '%s hears from ours what it hears from Apache\u2019s broker',
    async (set) => {
      const said = async (port: number) => {
        const args = [`127.0.0.1:${port}`, set.replaceAll('.', '-')]
        return comparable(await runJava(set, 'test/support/java/OddRequests.java', args, { timeoutMs: 240_000 }))
      }
      const expected = await said(apache.port)
      expect(expected.length).toBeGreaterThan(40)
      expect(await said(ours.port)).toEqual(expected)
    },
    500_000,
  )
})
