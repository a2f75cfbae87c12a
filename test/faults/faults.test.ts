import { expect, test } from 'vitest'
import { run } from './run.ts'

test('60 seconds of faults of a fixed seed lose and double nothing', { timeout: 300_000 }, async () => {
  const lines: string[] = []
  const verdict = await run({
    seed: 4,
    seconds: 60,
    replicationFactor: 3,
    zookeeper: 'embedded',
    isFlushed: false,
    keep: false,
    print: (line) => lines.push(line),
  })
  expect(verdict.anomalies, `${lines.join('\n')}\n${verdict.directory}`).toEqual([])
  expect(verdict.figures.acknowledged).toBeGreaterThan(500)
  expect(verdict.figures.read).toBeGreaterThan(verdict.figures.acknowledged)
  expect(verdict.figures.commits).toBeGreaterThan(0)
  expect(Object.values(verdict.done).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(8)
})
