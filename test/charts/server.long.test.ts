import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KUBE_LAB_PORTS, lacksKubeLab, startKubeLab, type KubeLab } from '../support/control-plane.ts'
import { lacks } from '../support/needs.ts'
import { freePorts } from '../support/net.ts'

const NAMESPACES = ['kafka', 'team-a', 'sofakafka-system']

describe.skipIf(lacksKubeLab() || lacks('helm', 'kubectl'))('a real API server takes, and means to keep,', () => {
  let lab: KubeLab
  const kubectl = (args: string[], input?: string): string =>
    execFileSync('kubectl', ['--kubeconfig', lab.kubeconfig, ...args], { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] })
  beforeAll(async () => {
    lab = await startKubeLab(await freePorts(KUBE_LAB_PORTS))
    for (const name of NAMESPACES) kubectl(['create', 'namespace', name])
  }, 120_000)
  afterAll(() => lab?.stop(), 60_000)

  test.each([
    ['the definitions', 'sofakafka-crds', []],
    ['the chart as it is', 'sofakafka', []],
    ['the chart for single namespaces', 'sofakafka', ['watchNamespaces={kafka,team-a}']],
    [
      'the chart with dashboards and one operator',
      'sofakafka',
      ['replicas=1', 'monitoring.dashboards.enabled=true', 'networkPolicies=true'],
    ],
    ['the chart with everything said', 'sofakafka', ['imagePullSecrets[0].name=pull', 'podLabels.team=queues', 'nodeSelector.disk=ssd', 'tolerations[0].operator=Exists', 'aggregateRoles=false']], // prettier-ignore
  ])('%s', (_what, chart, set) => {
    const values = set.flatMap((each) => ['--set', each])
    const args = ['template', 'sofakafka', join('charts', chart), '-n', 'sofakafka-system', '--kube-version', '1.33.0', ...values]
    const rendered = execFileSync('helm', args, { encoding: 'utf8' })
    const count = rendered.match(/^kind: /gm)!.length
    const answer = kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', '-'], rendered)
    expect(answer.trim().split('\n')).toHaveLength(count)
    expect(answer).not.toMatch(/warning/i)
  })
})
