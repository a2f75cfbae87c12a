import { afterAll, beforeAll, describe, test } from 'vitest'
import { startEmbeddedLab } from './support/embedded-lab.ts'
import { OperatorLab } from './support/operator-lab.ts'
import { expectQuiet } from './support/quiet.ts'

describe('an operator with many resources', () => {
  const place = new OperatorLab()
  beforeAll(() => place.start(startEmbeddedLab))
  afterAll(() => place.stop())

  test('writes nothing when nothing changed', () => expectQuiet(place, { topics: 1000, users: 500, resyncs: 10 }), 300_000)
})
