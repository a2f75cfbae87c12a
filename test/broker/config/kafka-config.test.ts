import { beforeAll, describe, expect, test } from 'vitest'
import { kafkaKeys } from '../../../src/broker/config/broker-config.ts'
import type { Key } from '../../../src/broker/config/key.ts'
import { SYNONYMS, topicKeys } from '../../../src/broker/config/keys/topic.ts'
import { runJava } from '../../support/java.ts'
import { lacks } from '../../support/needs.ts'

type Row = { name: string; type: string; default: string; validator: string; last: string }

const ours = (keys: Record<string, Key<unknown>>, last: (name: string) => string | undefined): Row[] =>
  Object.entries(keys)
    .map(([name, key]) => ({
      name,
      type: key.type.toUpperCase(),
      default: key.default === undefined ? '<required>' : String(key.default),
      validator: key.validator?.describe ?? 'null',
      last: last(name) ?? 'null',
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))

/** Apache names its ranges of doubles with a fraction and its throttle validator by a text of its own: same meaning, other spelling. */
const normalise = (row: Row): Row => ({ ...row, validator: row.validator.replace(/^\[0,\.\.\.,1\.0\]$/, '[0,...,1]') })

describe.skipIf(lacks('java', 'maven'))('the keys of Apache Kafka 2.6.3', () => {
  const rows: Record<string, Row[]> = { B: [], T: [] }

  beforeAll(async () => {
    const text = await runJava('kafka-2.6.3', 'test/broker/config/ConfigKeys.java')
    for (const line of text.split('\n').filter((line) => /^[BT]\t/.test(line))) {
      const [kind = '', name = '', type = '', fallback = '', validator = '', last = ''] = line.split('\t')
      rows[kind]!.push(normalise({ name, type, default: fallback, validator, last }))
    }
  })

  test('are the broker keys of ours: type, default, validator and dynamic scope', () => {
    expect(rows['B']!.length).toBeGreaterThan(200)
    expect(ours(kafkaKeys, (name) => (kafkaKeys as Record<string, Key<unknown>>)[name]!.scope)).toEqual(rows['B'])
  })

  test('are the topic keys of ours: type, default, validator and the broker key behind each', () => {
    expect(rows['T']!.length).toBeGreaterThan(20)
    expect(ours(topicKeys, (name) => (SYNONYMS as Record<string, string>)[name])).toEqual(rows['T'])
  })
})
