import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ApiServer } from '../../../src/local/apiserver/types.ts'
import { removeDirectory, temporaryDirectory } from '../../support/apache.ts'
import { KUBE_LAB_PORTS, lacksKubeLab, startKubeLab, type KubeLab } from '../../support/control-plane.ts'
import { awaitServiceAccount, play, prepare, steps, type Answer } from '../../support/kube-exchanges.ts'
import { labTarget } from '../../support/kube-lab.ts'
import { freePorts } from '../../support/net.ts'
import { start, targetOf } from './start.ts'

const recorded = JSON.parse(readFileSync(join('test', 'golden', 'kube', 'exchanges.json'), 'utf8')) as Answer[]
const names = steps.map((step) => step.name)

test('every step has a recorded answer', () => {
  expect(recorded.map((answer) => answer.name)).toEqual(names)
  expect(new Set(names).size).toBe(names.length)
})

describe('the local API server answers as a real one did', () => {
  const directory = temporaryDirectory('contract')
  let server: ApiServer
  let answers: Answer[]
  beforeAll(async () => {
    server = await start(directory)
    await prepare(targetOf(server))
    answers = await play(targetOf(server), steps)
  })
  afterAll(async () => {
    await server.stop()
    removeDirectory(directory)
  })
  test.each(names)('%s', (name) => {
    const of = (all: Answer[]) => all.find((answer) => answer.name === name)
    expect(of(answers)).toEqual(of(recorded))
  })
})

describe.skipIf(lacksKubeLab())('a real API server still answers so', () => {
  let lab: KubeLab
  let answers: Answer[]
  beforeAll(async () => {
    lab = await startKubeLab(await freePorts(KUBE_LAB_PORTS))
    const target = labTarget(dirname(lab.kubeconfig))
    await prepare(target)
    await awaitServiceAccount(target)
    answers = await play(target, steps)
  })
  afterAll(() => lab?.stop())
  test.each(names)('%s', (name) => {
    const of = (all: Answer[]) => all.find((answer) => answer.name === name)
    expect(of(answers)).toEqual(of(recorded))
  })
})
