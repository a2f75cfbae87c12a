import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { lacks } from '../support/needs.ts'

const CHART = join('charts', 'sofakafka')
const VERSION = ['--kube-version', '1.33.0']
type Rendered = { kind: string; rules?: { resources: string[]; verbs: string[] }[]; metadata: { name: string; namespace?: string } }

const template = (chart: string, ...set: string[]): string =>
  execFileSync('helm', ['template', 'sofakafka', chart, '-n', 'sofakafka-system', ...VERSION, ...set.flatMap((each) => ['--set', each])], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
const refusal = (...set: string[]): string => {
  const args = ['template', 'sofakafka', CHART, ...VERSION, ...set.flatMap((each) => ['--set', each])]
  const { status, stderr } = spawnSync('helm', args, { encoding: 'utf8' })
  expect(status).not.toBe(0)
  return stderr
}
const objects = (text: string): Rendered[] => parseAllDocuments(text).map((document) => document.toJS() as Rendered)

describe.skipIf(lacks('helm'))('the charts', () => {
  test.each([
    ['default', []],
    [
      'everything',
      [
        'replicas=1',
        'image.repository=registry.example/sofakafka',
        'image.tag=1.2.3',
        'imagePullSecrets[0].name=pull',
        'advertise=pod-ip',
        'logLevel=debug',
        'serviceAccount.name=mine',
        'serviceAccount.annotations.team=queues',
        'podAnnotations.team=queues',
        'podLabels.team=queues',
        'nodeSelector.disk=ssd',
        'tolerations[0].key=queues',
        'tolerations[0].operator=Exists',
        'priorityClassName=high',
        'aggregateRoles=false',
      ],
    ],
    ['namespaces', ['watchNamespaces={kafka,team-a}']],
  ])('render as written down: %s', async (name, set) => {
    await expect(template(CHART, ...set)).toMatchFileSnapshot(join('rendered', `${name}.snap`))
  })

  test('a busy node has time to start the operator', () => {
    type Deployment = { spec: { template: { spec: { containers: { startupProbe: Record<string, unknown> }[] } } } }
    const probeOf = (...set: string[]) => {
      const deployment = objects(template(CHART, ...set)).find(({ kind }) => kind === 'Deployment') as unknown as Deployment
      return deployment.spec.template.spec.containers[0]!.startupProbe
    }
    const probe = { httpGet: { path: '/healthz', port: 'tcp-prometheus' }, periodSeconds: 2, timeoutSeconds: 5 }
    expect(probeOf()).toEqual({ ...probe, failureThreshold: 90 })
    expect(probeOf('startWithinSeconds=301')).toEqual({ ...probe, failureThreshold: 151 })
    expect(refusal('startWithinSeconds=0')).toContain('/startWithinSeconds')
  })

  test('lint finds nothing', () => {
    execFileSync('helm', ['lint', '--strict', CHART, join('charts', 'sofakafka-crds')], { stdio: 'pipe' })
  })

  test('a typing error in a value is refused with its name', () => {
    expect(refusal('replica=3')).toContain("additional properties 'replica' not allowed")
    expect(refusal('image.tags=1')).toContain("additional properties 'tags' not allowed")
    expect(refusal('replicas=0')).toContain('/replicas')
    expect(refusal('advertise=pods')).toContain('/advertise')
    expect(refusal('watchNamespaces=kafka')).toContain('/watchNamespaces')
    expect(refusal('watchNamespaces={Kafka}')).toContain('/watchNamespaces/0')
    expect(refusal('logLevel=loud')).toContain('/logLevel')
  })

  test('the operator may delete nothing that holds data, and nowhere everything', () => {
    const rules = objects(template(CHART)).flatMap((object) => (object.metadata.name.endsWith('-edit') ? [] : (object.rules ?? [])))
    expect(rules.filter(({ verbs }) => verbs.includes('delete')).flatMap(({ resources }) => resources)).toEqual([
      'statefulsets',
      'pods',
      'services',
    ])
    for (const { resources, verbs } of rules) expect([...resources, ...verbs]).not.toContain('*')
  })

  test('with namespaces to watch nothing is made outside of a namespace, and each has the rules of the ClusterRole', () => {
    const all = objects(template(CHART))
    const some = objects(template(CHART, 'watchNamespaces={kafka,team-a}', 'replicas=2'))
    expect(some.map(({ kind }) => kind)).not.toContain('ClusterRole')
    expect(some.filter(({ metadata }) => metadata.namespace === undefined)).toEqual([])
    const roles = some.filter(({ kind, metadata }) => kind === 'Role' && !metadata.name.endsWith('-lease'))
    expect(roles.map(({ metadata }) => metadata.namespace)).toEqual(['kafka', 'team-a'])
    const clusterRole = all.find(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === 'sofakafka-sofakafka-system')
    for (const role of roles) expect(clusterRole?.rules).toEqual(expect.arrayContaining(role.rules ?? []))
    expect(some.filter(({ kind }) => kind === 'RoleBinding')).toHaveLength(3)
  })

  test('the definitions stay when their chart is removed', () => {
    const definitions = objects(template(join('charts', 'sofakafka-crds'))) as (Rendered & { metadata: { annotations: object } })[]
    expect(definitions.map(({ kind }) => kind)).toEqual(definitions.map(() => 'CustomResourceDefinition'))
    for (const { metadata } of definitions) expect(metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' })
  })
})
