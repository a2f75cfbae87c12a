import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { monotonicClock } from '../../src/base/clock.ts'
import { connectionTo } from '../../src/kube/connection.ts'
import { runOperator, type OperatorOptions } from '../../src/operator/program.ts'
import { eventually } from '../support/net.ts'
import { Program } from '../support/ours.ts'
import { FakeContacts } from './support/fake-kafka.ts'
import { OPTIONS } from './support/operator-lab.ts'

type Lease = { spec: { holderIdentity: string } }

/** An API server that has nothing but a Lease, and can be told to answer no more. */
class BareApiServer {
  isSilent = false
  lease: Lease | undefined
  readonly #server = createServer((request, response) => void this.#answer(request, response))

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const { searchParams, pathname } = new URL(request.url!, 'http://server')
    if (this.isSilent || searchParams.has('watch')) return
    const answer = (code: number, body: unknown) => response.writeHead(code).end(JSON.stringify(body))
    if (!pathname.includes('/leases')) return void answer(200, { items: [], metadata: { resourceVersion: '1' } })
    if (request.method !== 'GET') this.lease = JSON.parse(Buffer.concat(chunks).toString()) as Lease
    answer(this.lease ? 200 : 404, this.lease ?? {})
  }
}

describe('the operator stops', () => {
  let api: BareApiServer
  let server: string
  let directory: string
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'stop-'))
    api = new BareApiServer()
    server = await api.start()
  })
  afterEach(() => {
    api.stop()
    rmSync(directory, { recursive: true })
  })

  const start = (options: Partial<OperatorOptions> = {}) =>
    runOperator({
      ...OPTIONS,
      connection: connectionTo(server),
      ...options,
    })

  test('without waiting for answers of an API server that gives none', async () => {
    api.isSilent = true
    const operator = await start()
    const startedMs = performance.now()
    await operator.stop()
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    expect(await operator.stopped).toBe(0)
  })

  test('and frees the Lease before Kafka has let go of it', async () => {
    const { promise: closed, resolve: close } = Promise.withResolvers<void>()
    const contacts = new FakeContacts()
    contacts.close = () => closed
    const operator = await start({ contacts: () => contacts })
    await operator.leading
    expect(api.lease?.spec.holderIdentity).toContain('test_')
    const stopped = operator.stop().then(() => 'stopped')
    await eventually(() => api.lease?.spec.holderIdentity === '', { timeoutMs: 4000, what: 'the Lease free' })
    expect(await Promise.race([stopped, Promise.resolve('not yet')])).toBe('not yet')
    close()
    await stopped
  })

  test('at once at a second SIGTERM, and with a debugger attached', async () => {
    const user = { name: 'test', user: {} }
    const cluster = { name: 'test', cluster: { server } }
    const context = { name: 'test', context: { cluster: 'test', user: 'test' } }
    const kubeconfig = join(directory, 'kubeconfig')
    writeFileSync(kubeconfig, JSON.stringify({ clusters: [cluster], users: [user], contexts: [context], 'current-context': 'test' }))
    const flags = ['--image', 'sofakafka:test', '--kubeconfig', kubeconfig, '--http-port', '0']
    const program = new Program(['operator', ...flags], { NODE_OPTIONS: '--inspect=127.0.0.1:0' })
    try {
      await program.logged('this process leads')
      const debuggers = new WebSocket(/ws:\S+/.exec(program.output)![0])
      await new Promise((resolve) => debuggers.addEventListener('open', resolve))
      // Of one that listens to nothing the process takes no notice at its end.
      debuggers.send(JSON.stringify({ id: 1, method: 'Runtime.enable' }))
      await new Promise((resolve) => debuggers.addEventListener('message', resolve, { once: true }))
      api.isSilent = true
      program.signal('SIGTERM')
      // It waits for the API server now, for the Lease's sake.
      await new Promise((resolve) => setTimeout(resolve, 300))
      expect(program.isRunning).toBe(true)
      program.signal('SIGTERM')
      expect(await Promise.race([program.exited, monotonicClock.sleep(10_000)])).toBe(1)
    } finally {
      await program.kill()
    }
  }, 40_000)
})
