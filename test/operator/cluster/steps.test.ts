import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { runSteps, verdictOfAll, type Pass, type Step } from '../../../src/operator/cluster/steps.ts'
import { reconciling, stalled } from '../../../src/operator/reasons.ts'
import { cluster } from '../support/objects.ts'

const pass = { cluster: cluster('ant', 'prod'), environment: { logger: silentLogger } } as unknown as Pass

test('a step that fails keeps no other from its work, and stands in the verdict', async () => {
  const done: string[] = []
  const step = (name: string, run: Step['run'] = async () => undefined): Step => ({
    name,
    run: (one) => {
      done.push(name)
      return run(one)
    },
  })
  const findings = await runSteps(
    [
      step('volumes', async () => {
        throw new Error('the disk array is on fire')
      }),
      step('certificates'),
      step('rolling update', async () => ({ verdict: reconciling('RollBlocked', 'ant-kafka-2 waits') })),
    ],
    pass,
  )
  expect(done).toEqual(['volumes', 'certificates', 'rolling update'])
  expect(verdictOfAll(findings)).toMatchObject({
    state: 'reconciling',
    reason: 'StepFailed',
    message: 'volumes: the disk array is on fire; ant-kafka-2 waits',
  })
})

test('what the user has to do goes before what goes on by itself; nothing found is no verdict', () => {
  const [waits, stuck] = [reconciling('RollBlocked', 'waits'), stalled('VolumeCannotGrow', 'say another class')]
  expect(verdictOfAll([{ verdict: waits }, { verdict: stuck }])).toEqual({ ...stuck, message: 'say another class; waits' })
  expect(verdictOfAll([{}, { warnings: [{ reason: 'VolumeLargerThanSpec', message: 'larger' }] }])).toBeUndefined()
})
