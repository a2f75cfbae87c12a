import { afterAll, beforeAll, describe, test } from 'vitest'
import { startEmbeddedLab } from './embedded-lab.ts'
import { OperatorLab } from './operator-lab.ts'
import { expectQuiet } from './quiet.ts'

describe('an operator with many resources', () => {
  const place = new OperatorLab()
  beforeAll(() => place.start(startEmbeddedLab))
  afterAll(() => place.stop())

  test('writes nothing when nothing changed', () => expectQuiet(place, { topics: 1000, users: 500, resyncs: 10 }), 300_000)
})
