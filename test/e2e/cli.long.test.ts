import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../cli/support.ts'
import { lacks } from '../support/needs.ts'
import { ApacheTools } from '../support/tools.ts'
import { commandLineTests } from './cli-story.ts'
import { Kubectl, LocalMode } from './substrate.ts'

describe.skipIf(lacks('kubectl', 'java', 'maven'))('the command line, in the local mode', () => {
  let local: LocalMode
  beforeAll(async () => void (local = await LocalMode.start()), 90_000)
  afterAll(() => local.stop(), 30_000)
  commandLineTests(
    () => local,
    () => new Kubectl(local),
  )

  test('a reset by time goes where that of Apache\u2019s tool goes', async () => {
    const run = (args: string, input = '') => call(args.split(' '), { kubeconfig: local.kubeconfig, input })
    for (const line of ['before', 'between', 'after'])
      for (let partition = 0; partition < 5; partition++) expect((await run(`produce orders -p ${partition}`, line)).code).toBe(0)
    const read = (await run('consume orders -p 3 --from earliest --exit -o json')).out.trim().split('\n')
    const at = new Date((JSON.parse(read.at(-2)!) as { timestampMs: number }).timestampMs).toISOString()
    const { username, password, bootstrap } = await new Kubectl(local).login('orders-reader')
    const jaas = `org.apache.kafka.common.security.scram.ScramLoginModule required username="${username}" password="${password}";`
    const config = join(local.directory, 'tool.properties')
    writeFileSync(config, `security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=${jaas}\n`)
    const tools = new ApacheTools()
    try {
      const where = ['--bootstrap-server', bootstrap.join(','), '--command-config', config, '--group', 'orders-reset', '--topic', 'orders']
      const table = await tools.ok('kafka.admin.ConsumerGroupCommand', [
        ...where,
        '--reset-offsets',
        '--to-datetime',
        at.replace('Z', ''),
        '--dry-run',
      ])
      const theirs = [...table.matchAll(/^orders-reset +orders +(\d+) +(\d+)/gm)].map(([, partition, offset]) => [
        Number(partition),
        Number(offset),
      ])
      const { out } = await run(`group reset orders-reset --topic orders --to-time ${at} --user orders-reader -o json`)
      const { items } = JSON.parse(out) as { items: { partition: number; new: number }[] }
      const byPartition = (a: number[], b: number[]) => a[0]! - b[0]!
      expect(items.map((item) => [item.partition, item.new]).sort(byPartition)).toEqual(theirs.sort(byPartition))
      expect(theirs).toHaveLength(6)
    } finally {
      tools.stop()
    }
  }, 120_000)
})
