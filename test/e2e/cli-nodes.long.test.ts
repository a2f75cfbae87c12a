import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, type Called, type CallOptions } from '../cli/support.ts'
import { lacks, lacksNodes } from '../support/needs.ts'
import { Nodes } from './nodes.ts'
import { missing } from './places.ts'

const lacksAny = missing('real nodes', 'forward').length > 0
/** Here pods have a network of their own, and the port-forward is the one of Kubernetes and of the container runtime. */
describe.skipIf(lacksAny || lacksNodes() || lacks('kubectl', 'helm'))('the command line, on real nodes', () => {
  let nodes: Nodes
  const run = (args: string, options: CallOptions = {}): Promise<Called> =>
    call(args.split(' '), { kubeconfig: nodes.kubeconfig, ...options })
  beforeAll(async () => void (nodes = await Nodes.start()), 600_000)
  afterAll(() => nodes?.stop(), 120_000)

  test('status, records and groups through the port-forward of each broker', async () => {
    const status = await run('status quickstart -o json')
    expect(JSON.parse(status.out)).toMatchObject({ brokers: [0, 1, 2].map((id) => ({ id, registered: true })) })
    const lines = Array.from({ length: 200 }, (_unused, index) => `k${index}:${'x'.repeat(1000)}${index}`)
    expect(await run('produce orders -K : --user orders-app', { input: lines.join('\n') })).toMatchObject({
      code: 0,
      err: '200 records written to orders\n',
    })
    const { code, out } = await run('consume orders --user orders-reader --from earliest --exit --format %k:%v\\n')
    expect(code).toBe(0)
    expect(out.split('\n')).toEqual(expect.arrayContaining(lines))
    expect((await run('group reset orders-cli --topic orders --to-time 2099-01-01 --user orders-reader')).code).toBe(0)
  }, 120_000)

  test('the bundle has the metrics of each broker', async () => {
    const { code, err } = await run('diagnose -f bundle -c quickstart')
    expect(code).toBe(0)
    expect(err).not.toContain('metrics of')
  }, 120_000)
})
