import { expect, test } from 'vitest'
import { lacks } from '../support/needs.ts'
import { run } from './run.ts'

/** FAULT_SEEDS=1,2,3 and FAULT_SECONDS=1200 choose other runs. */
const seeds = (process.env['FAULT_SEEDS'] ?? '11,12,13').split(',').map(Number)
const seconds = Number(process.env['FAULT_SECONDS'] ?? '1200')
const common = {
  seconds,
  replicationFactor: 3,
  zookeeper: 'embedded',
  isFlushed: false,
  keep: false,
  print: (line: string) => console.log(line),
} as const
const isJudgedByApache = !lacks('java', 'maven')
const timeout = seconds * 1000 + 600_000

const report = (verdict: Awaited<ReturnType<typeof run>>): void => {
  const { done, skipped, figures, anomalies, directory } = verdict
  console.log(JSON.stringify({ done, skipped, figures, anomalies: anomalies.length, directory }))
}

test.each(seeds)('faults of seed %i lose and double nothing', { timeout }, async (seed) => {
  const verdict = await run({ ...common, seed, isJudgedByApache })
  report(verdict)
  expect(verdict.anomalies).toEqual([])
})

test('where every record is synced before it is acknowledged, power may fail for all brokers at once', { timeout }, async () => {
  const verdict = await run({ ...common, seed: seeds[0]!, isFlushed: true })
  report(verdict)
  expect(verdict.anomalies).toEqual([])
})

test.skipIf(!isJudgedByApache)("faults on Apache's ZooKeeper lose and double nothing", { timeout }, async () => {
  const verdict = await run({ ...common, seed: seeds[0]!, zookeeper: 'apache' })
  report(verdict)
  expect(verdict.anomalies).toEqual([])
})
