import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { connectionOfKubeconfig } from '../../src/kube/kubeconfig.ts'
import { call, type Called, type CallOptions } from '../cli/support.ts'
import { eventually } from '../support/net.ts'
import { startForwardingServer } from '../support/port-forward-server.ts'
import { execute, type Executed, type Kubectl, type Substrate } from './substrate.ts'

type Pods = { items: { metadata: { name: string }; status: { podIP: string } }[] }
type Secrets = { items: { metadata: { name: string }; data?: Record<string, string> }[] }

/** The place's API server with port-forward, which neither our embedded one nor our kubelet has; `use` gets a command line that reaches pods by it alone. */
export const throughPortForward = async (
  { kubeconfig }: Pick<Substrate, 'kubeconfig'>,
  kubectl: Kubectl,
  use: (run: (args: string, options?: CallOptions) => Promise<Called>, opened: string[]) => Promise<void>,
): Promise<void> => {
  const { items } = await kubectl.json<Pods>('get', 'pods')
  const addresses = new Map(items.map(({ metadata, status }) => [metadata.name, status.podIP]))
  const forwards = (pod: string, port: number) => (addresses.has(pod) ? { host: addresses.get(pod)!, port } : undefined)
  const server = await startForwardingServer(forwards, await connectionOfKubeconfig(kubeconfig))
  const folder = mkdtempSync(join(tmpdir(), 'sofakafka-forward-'))
  const path = join(folder, 'kubeconfig')
  writeFileSync(path, server.kubeconfig)
  try {
    await use((args, options = {}) => call(args.split(' '), { kubeconfig: path, ...options }), server.opened)
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** kubectl with our plugin on its PATH, as npm installs it. */
const withPlugin = async (kubeconfig: string, args: string[]): Promise<Executed> => {
  const folder = mkdtempSync(join(tmpdir(), 'sofakafka-plugin-'))
  for (const name of ['kubectl-sofakafka', 'kubectl_complete-sofakafka']) symlinkSync(resolve('src', 'main.ts'), join(folder, name))
  const path = [folder, dirname(process.execPath), process.env['PATH']].join(delimiter)
  try {
    return await execute('env', [`PATH=${path}`, `KUBECONFIG=${kubeconfig}`, 'kubectl', ...args])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The command line where the quickstart runs and is Ready. */
export const commandLineTests = (place: () => Substrate, kubectl: () => Kubectl): void => {
  test('kubectl finds the plugin, and completes its arguments', async () => {
    const status = await withPlugin(place().kubeconfig, ['sofakafka', 'status', 'quickstart', '--no-kafka'])
    expect(status.stdout).toContain('Cluster:      default/quickstart')
    expect(status.stdout).toContain('quickstart-kafka-2')
    const wrong = await withPlugin(place().kubeconfig, ['sofakafka', 'topic', 'describe', 'nope'])
    expect(wrong).toMatchObject({ code: 3, stdout: '' })
    expect(wrong.stderr).toContain('kubectl sofakafka: there is no Topic nope')
    const completed = await withPlugin(place().kubeconfig, ['__complete', 'sofakafka', 'topic', 'describe', 'ord'])
    expect(completed.stdout).toMatch(/^orders\tReady$/m)
  }, 60_000)

  test('records, groups and the state of the brokers through port-forward to each of them', async () => {
    await throughPortForward(place(), kubectl(), async (run, opened) => {
      const forwarded = (args: string, options: CallOptions = {}) => run(`${args} --connect forward`, options)
      const status = JSON.parse((await forwarded('status quickstart -o json')).out) as {
        brokers: { id: number; registered: boolean; partitions: number }[]
      }
      expect(status.brokers.map(({ id, registered }) => [id, registered])).toEqual([0, 1, 2].map((id) => [id, true]))
      // The brokers were replaced one by one just now: the operator gives each its partitions back when it has caught up.
      type Described = { kafka: { partitions: { leader: number }[] } }
      const leaders = async () =>
        (JSON.parse((await forwarded('topic describe payments -o json')).out) as Described).kafka.partitions.map(({ leader }) => leader)
      await eventually(async () => new Set(await leaders()).size === 3, { timeoutMs: 30_000, everyMs: 500, what: 'each broker leads' })
      const lines = Array.from({ length: 30 }, (_unused, index) => `k${index}:from a laptop ${index}`)
      const produced = await forwarded('produce payments -K : --user orders-app', { input: lines.join('\n') })
      expect([produced.code, produced.err]).toEqual([0, '30 records written to payments\n'])
      const consumed = await forwarded('consume payments --from -10m --exit --format %k:%v\\n')
      expect(consumed.out.split('\n')).toEqual(expect.arrayContaining(lines))
      expect((await forwarded('consume payments --exit --user orders-reader')).err).toContain('TOPIC_AUTHORIZATION_FAILED')
      expect(new Set(opened.filter((one) => one.endsWith(':9091')))).toEqual(new Set([0, 1, 2].map((id) => `quickstart-kafka-${id}:9091`)))
      const reset = await forwarded('group reset orders-cli --topic orders --to-earliest --execute --user orders-reader')
      expect([reset.code, reset.err]).toEqual([0, expect.stringMatching(/^\d+ offsets of orders-cli were set\n$/)])
      expect((await forwarded('group describe orders-cli')).out).toMatch(/^State: +Empty$/m)
      expect((await forwarded('group delete orders-cli --yes')).code).toBe(0)
    })
  }, 60_000)

  test('the bundle has logs, metrics and resources, and no value of any Secret', async () => {
    await throughPortForward(place(), kubectl(), async (run) => {
      const { code, saved, err } = await run('diagnose -f bundle -c quickstart')
      expect([code, err.split('\n').filter((line) => line.startsWith('not in it'))]).toEqual([0, []])
      const bundle = gunzipSync(saved.get('bundle')!).toString('latin1')
      for (const file of [
        'metrics/quickstart-kafka-2.prom',
        'logs/quickstart-zookeeper-0.log',
        'logs/sofakafka-operator',
        'resources/acls.yaml',
      ])
        expect(bundle).toContain(file)
      const { items } = await kubectl().json<Secrets>('get', 'secrets')
      const values = items.flatMap(({ data = {} }) => Object.entries(data).filter(([key]) => /password|jaas|sofakafka-|\.key$/.test(key)))
      expect(values.length).toBeGreaterThan(4)
      for (const [key, value] of values) {
        expect(bundle.includes(value), key).toBe(false)
        expect(bundle.includes(Buffer.from(value, 'base64').toString('latin1')), key).toBe(false)
      }
    })
  }, 60_000)

  test('logs of all pods, each line with its pod', async () => {
    const { code, out } = await call(['logs', '--tail', '3', '-c', 'quickstart'], { kubeconfig: place().kubeconfig })
    expect(code).toBe(0)
    const pods = new Set(
      out
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    )
    expect([...pods].sort((a, b) => (a! < b! ? -1 : 1))).toEqual([
      'quickstart-kafka-0',
      'quickstart-kafka-1',
      'quickstart-kafka-2',
      'quickstart-zookeeper-0',
    ])
  }, 30_000)
}
