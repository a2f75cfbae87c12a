import { afterAll, beforeAll, describe } from 'vitest'
import { lacks } from '../support/needs.ts'
import { commandLineTests } from './cli-story.ts'
import { Kubectl, LocalMode } from './substrate.ts'

describe.skipIf(lacks('kubectl'))('the command line, in the local mode', () => {
  let local: LocalMode
  beforeAll(async () => void (local = await LocalMode.start()), 90_000)
  afterAll(() => local.stop(), 30_000)
  commandLineTests(
    () => local,
    () => new Kubectl(local),
  )
})
