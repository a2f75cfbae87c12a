import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pino } from 'pino'
import { clusters } from '../../../src/api/index.ts'
import { conditionOf } from '../../../src/kube/conditions.ts'
import { customResourceDefinitions } from '../../../src/kube/resources.ts'
import { keyOf } from '../../../src/kube/types.ts'
import { eventually } from '../../support/net.ts'
import { startEmbeddedLab } from '../support/embedded-lab.ts'
import { definitions, makeNamespace } from '../support/lab.ts'
import { cluster } from '../support/objects.ts'
import { OperatorLab } from '../support/operator-lab.ts'
import { scrape, valueOf } from '../support/scrape.ts'

type Fields = Record<string, { properties: Fields }>
type Spec = { versions: { schema: { openAPIV3Schema: { properties: Fields } } }[] }
const METRIC = 'sofakafka_operator_crd_missing_fields'

describe('definitions that are older than the operator', () => {
  const place = new OperatorLab()
  beforeAll(() => place.start(startEmbeddedLab))
  afterAll(() => place.stop())

  test('are told in the log, a metric and a condition, by the fields that they lack', async () => {
    const namespace = await makeNamespace(place.kube)
    const object = cluster('ant', namespace)
    await place.put(object)
    const degraded = async () => conditionOf((await place.kube.get(clusters, keyOf(object)))?.status?.conditions, 'Degraded')
    await place.becomes(object, 'ZooKeeperNotReady')
    expect(valueOf(await scrape(place.operator), METRIC)).toBe(0)
    expect(await degraded()).toBeUndefined()

    const lines: string[] = []
    const definition = definitions().find(({ metadata }) => metadata.name === 'topics.sofakafka.io')!
    const { properties } = (definition.spec as Spec).versions[0]!.schema.openAPIV3Schema
    delete properties['spec']!.properties['replicas']
    delete properties['status']!.properties['replicasChange']
    await place.kube.apply(customResourceDefinitions, definition)
    await place.operator.stop()
    place.operator = await place.startOperator({ logger: pino({ level: 'warn' }, { write: (line) => void lines.push(line) }) })
    await place.operator.leading
    const condition = await eventually(degraded)
    expect(condition).toMatchObject({ status: 'True', reason: 'DefinitionsOutdated' })
    // Of a branch that is missing, its root.
    expect(condition.message).toContain('lack Topic spec.replicas, Topic status.replicasChange: upgrade the chart sofakafka-crds')
    const series = await scrape(place.operator)
    expect(valueOf(series, METRIC, { kind: 'Topic', field: 'spec.replicas' })).toBe(1)
    expect(valueOf(series, METRIC)).toBe(2)
    expect(lines.join('')).toMatch(/"missing":\[\{"kind":"Topic","field":"spec.replicas"\}.*older than this operator/)
  })
})
