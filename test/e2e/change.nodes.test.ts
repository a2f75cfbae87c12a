import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import { lacks, lacksNodes } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { Load, Nodes } from './nodes.ts'

describe.skipIf(lacksNodes() || lacks('kubectl', 'helm', 'go', 'kcat'))('on a real node, under load', () => {
  let nodes: Nodes
  let load: Load
  const group = (replicas: number) => ({ brokers: [{ name: 'kafka', replicas, storage: { size: '10Gi' } }] })

  beforeAll(async () => {
    nodes = await Nodes.start()
    load = await Load.start(nodes, 'load')
  }, 600_000)
  afterAll(async () => {
    load?.kill()
    await nodes?.stop()
  }, 120_000)
  const tellWhy = () => onTestFailed(async () => console.warn(await nodes.diagnosis()))

  test('a setting that needs a restart rolls through the brokers', async () => {
    tellWhy()
    const before = await nodes.brokers()
    await nodes.patch('skc/quickstart', { config: { 'num.recovery.threads.per.data.dir': 2 } })
    await nodes.areReplaced(before)
    await load.goesOn()
  }, 240_000)

  test('two brokers come, get partitions, are drained and go', async () => {
    tellWhy()
    await nodes.patch('skc/quickstart', group(5))
    await eventually(async () => (await nodes.brokers()).length === 5, { everyMs: 200 })
    await nodes.becomesReady('skc/quickstart')
    const topic =
      'apiVersion: sofakafka.io/v1beta1\nkind: Topic\nmetadata: {name: wide}\nspec: {clusterRef: {name: quickstart}, partitions: 10, replicas: 3}\n'
    expect((await nodes.kubectl.apply(topic)).stderr).toBe('')
    await nodes.becomesReady('skt/wide')
    await nodes.patch('skc/quickstart', group(3))
    await eventually(async () => (await nodes.brokers()).length === 3, { timeoutMs: 120_000, everyMs: 500 })
    await nodes.becomesReady('skc/quickstart')
    await load.goesOn()
  }, 300_000)

  test('no send failed, and every record was stored and consumed once', async () => {
    tellWhy()
    const { complaints, records } = await load.end()
    expect(complaints).toEqual([])
    expect(records).toBeGreaterThan(1000)
  }, 120_000)
})
