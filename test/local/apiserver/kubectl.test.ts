import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ApiServer } from '../../../src/local/apiserver/types.ts'
import { removeDirectory, temporaryDirectory } from '../../support/apache.ts'
import { prepare } from '../../support/kube-exchanges.ts'
import { commands, playKubectl, type Output } from '../../support/kubectl-exchanges.ts'
import { lacks } from '../../support/needs.ts'
import { start, targetOf } from './start.ts'

// Recorded from a real API server by hack/record-kube-exchanges.ts.
const recorded = JSON.parse(readFileSync(join('test', 'golden', 'kube', 'kubectl.json'), 'utf8')) as Output[]

test('every command has a recorded output', () => {
  expect(recorded.map((output) => output.args)).toEqual(commands.map((command) => command.args))
})

describe.skipIf(lacks('kubectl'))('kubectl prints what it prints with a real API server', () => {
  const directory = temporaryDirectory('kubectl')
  let server: ApiServer
  let outputs: Output[]
  beforeAll(async () => {
    server = await start(join(directory, 'api'))
    await prepare(targetOf(server))
    outputs = await playKubectl(server.kubeconfigPath, join(directory, 'home'))
  })
  afterAll(async () => {
    await server.stop()
    removeDirectory(directory)
  })
  test.each(commands.map((command, i) => [i, command.args] as const))('%i %s', (i) => {
    expect(outputs[i]).toEqual(recorded[i])
  })
})
