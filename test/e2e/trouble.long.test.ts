import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { lacks, lacksNodes } from '../support/needs.ts'
import { NODES } from '../support/node-lab.ts'
import { Load, Place } from './load.ts'
import { Nodes } from './nodes.ts'
import { missing } from './places.ts'

const lacksAny = missing('real nodes', 'trouble').length > 0
describe.skipIf(lacksAny || lacksNodes() || lacks('kubectl', 'helm', 'go', 'kcat'))('on three real nodes', () => {
  let nodes: Nodes
  let place: Place
  let load: Load

  beforeAll(async () => {
    nodes = await Nodes.start({ count: 3 })
    place = new Place(nodes)
  }, 900_000)
  afterAll(async () => {
    await nodes?.stop()
  }, 120_000)
  /** Each change has an account of its own. */
  beforeEach(async ({ task }) => {
    onTestFailed(async () => console.warn(await place.diagnosis()))
    await place.becomesReady('skc/quickstart')
    load = await Load.start(
      place,
      `load-${task.name
        .replaceAll(/[^a-z]+/gi, '-')
        .toLowerCase()
        .slice(0, 40)}end`,
    )
    return () => load.kill()
  }, 180_000)

  const settle = async (): Promise<void> => {
    await load.goesOn()
    const { complaints, records } = await load.end()
    expect(complaints).toEqual([])
    expect(records).toBeGreaterThan(500)
  }

  test('each node is drained and given back', async () => {
    for (const node of NODES) {
      const args = ['drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=240s']
      const { code, stdout, stderr } = await place.kubectl.run(args, '', 270_000)
      expect([code, code === 0 ? '' : stdout + stderr]).toEqual([0, ''])
      const left = (await place.brokers()).filter(({ spec }) => spec.nodeName === node)
      expect(left).toEqual([])
      await place.becomesReady('skc/quickstart')
      await place.kubectl.ok(['uncordon', node])
    }
    await settle()
  }, 900_000)
})
