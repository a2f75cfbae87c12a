import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { nodeDisk } from '../../../src/base/node-disk.ts'
import { NodeProcesses } from '../../../src/local/kubelet/processes.ts'
import { ServiceProxy } from '../../../src/local/kubelet/service-proxy.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createServer, connect } from 'node:net'
import { eventually, freePort } from '../../support/net.ts'

let directory: string
let output: string
const make = () => new NodeProcesses({ disk: nodeDisk, directory: join(directory, 'run'), execPath: process.execPath })
const start = (processes: NodeProcesses, args: string[], id = 'pod_c') =>
  processes.start({
    id,
    args,
    env: { PATH: process.env['PATH']! },
    cwd: directory,
    onOutput: (_stream, chunk) => {
      output += chunk.toString()
    },
  })
const hasEnded = (pid: number): Promise<true> =>
  eventually(() => {
    // A process that nobody waits for stays as a zombie until the system's first process gets to it.
    const state = nodeDisk.stat(`/proc/${pid}/stat`) ? nodeDisk.readFile(`/proc/${pid}/stat`).toString().split(') ')[1]![0] : 'gone'
    return (state === 'Z' || state === 'gone') as true
  })
const WAIT = ['-e', 'console.log("up"); setInterval(() => {}, 1000)']

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sofakafka-processes-'))
  output = ''
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

test('a process gives its output and its exit', async () => {
  const running = start(make(), ['-e', 'console.log("out"); console.error("err"); process.exit(3)'])
  expect(await running.exited).toEqual({ code: 3 })
  expect(output).toContain('out')
  expect(output).toContain('err')
  expect(nodeDisk.list(join(directory, 'run'))).toEqual([])
})

test('a signal goes to the whole group', async () => {
  const running = start(make(), [
    '-e',
    'require("child_process").spawn(process.execPath, ["-e", "console.log(process.pid); setInterval(() => {}, 1000)"], { stdio: "inherit" })',
  ])
  const child = Number(await eventually(() => /\d+/.exec(output)?.[0]))
  running.signal('SIGKILL')
  expect(await running.exited).toEqual({ code: 137, signal: 9 })
  await hasEnded(child)
})

test('a later start ends what an earlier one left behind, and nothing else', async () => {
  const running = start(make(), WAIT)
  const other = spawn(process.execPath, WAIT, { stdio: 'ignore' })
  await eventually(() => output.includes('up'))
  // A mark of a process id that has been given to another process since.
  const mark = nodeDisk.open(join(directory, 'run', 'old_c.pid'), 'create')
  mark.writeSync([Buffer.from(JSON.stringify({ pid: other.pid, startTime: '1' }))], 0)
  mark.close()
  const torn = nodeDisk.open(join(directory, 'run', 'torn_c.pid'), 'create')
  torn.writeSync([Buffer.from('{"pid":')], 0)
  torn.close()
  expect(make().endOrphans()).toBe(1)
  expect(await running.exited).toEqual({ code: 137, signal: 9 })
  expect(other.exitCode).toBeNull()
  other.kill('SIGKILL')
})

test.skipIf(process.platform !== 'linux')('a process ends when its kubelet dies', async () => {
  const preload = new URL('../../../src/local/kubelet/preload.ts?lifeline=1', import.meta.url).href
  const script = `
    import { spawn } from 'node:child_process'
    const child = spawn(process.execPath, ['--import', ${JSON.stringify(preload)}, '-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
    console.log(child.pid)
    setInterval(() => {}, 1000)`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  parent.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const child = Number(await eventually(() => /\d+/.exec(output)?.[0]))
  parent.kill('SIGKILL')
  await hasEnded(child)
})

const runWithPreload = async (query: string, script: string): Promise<string> => {
  const preload = new URL(`../../../src/local/kubelet/preload.ts?${query}`, import.meta.url).href
  const running = start(make(), ['--import', preload, '--input-type=module', '-e', script])
  await running.exited
  return output
}

test.skipIf(process.platform !== 'linux')('what listens on all addresses listens on its own', async () => {
  const script = `
    import { createServer } from 'node:net'
    for (const args of [[0], [0, '0.0.0.0'], [{ port: 0 }], [{ port: 0, host: '::' }], [0, '127.0.0.2']]) {
      const server = createServer().listen(...args, () => { console.log(server.address().address); server.close() })
    }`
  const addresses = await runWithPreload('address=127.77.0.9', script)
  expect(addresses.trim().split('\n').sort()).toEqual(['127.0.0.2', ...Array<string>(4).fill('127.77.0.9')])
})

test('on a shared address a pod listens on its own port, and others reach it by its name and port', async () => {
  const port = await freePort()
  const names = join(directory, 'names.json')
  const file = nodeDisk.open(names, 'create')
  const name = 'a-0.a.ns.svc.cluster.local'
  file.writeSync([Buffer.from(JSON.stringify({ names: { [name]: ['127.0.0.1'] }, ports: { [name]: { 9092: port } } }))], 0)
  file.close()
  const script = `
    import { createServer, connect } from 'node:net'
    const server = createServer((socket) => socket.end('heard')).listen(9092, '0.0.0.0', () => {
      console.log('port', server.address().port)
      connect(9092, 'a-0.a').on('data', (data) => { console.log(String(data)); server.close() })
      connect({ port: 9092, host: 'a-0.a.ns.svc' }).on('data', (data) => console.log(String(data)))
    })`
  const said = await runWithPreload(`address=127.0.0.1&shared=1&ports=9092-${port}&namespace=ns&names=${names}`, script)
  expect(said).toContain(`port ${port}`)
  expect(said.match(/heard/g)).toHaveLength(2)
})

test('a name of the cluster that is not there is not found, without a question to the system', async () => {
  const script = `
    import { lookup } from 'node:dns/promises'
    console.log(await lookup('none.ns.svc.cluster.local').catch((error) => error.code), (await lookup('localhost', { family: 4 })).address)`
  expect(await runWithPreload('address=127.0.0.1', script)).toContain('ENOTFOUND 127.0.0.1')
})

test('the proxy passes connections on in turn and refuses where there is nobody', async () => {
  const servers = await Promise.all(
    ['one', 'two'].map(
      (word) =>
        new Promise<{ port: number; close: () => void }>((resolve) => {
          const server = createServer((socket) => socket.end(word)).listen(0, '127.0.0.1', () =>
            resolve({ port: (server.address() as { port: number }).port, close: () => server.close() }),
          )
        }),
    ),
  )
  const proxy = new ServiceProxy({ logger: silentLogger })
  const port = await freePort()
  const forward = { name: 'ns/s', host: '127.0.0.1', port, targets: servers.map((server) => ({ host: '127.0.0.1', port: server.port })) }
  const ask = (): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.on('data', (data: Buffer) => resolve(data.toString()))
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code!))
    })
  await proxy.sync([forward])
  expect([await ask(), await ask(), await ask()]).toEqual(['one', 'two', 'one'])
  await proxy.sync([{ ...forward, targets: [] }])
  expect(await ask()).toBe('ECONNRESET')
  await proxy.sync([])
  expect(await ask()).toBe('ECONNREFUSED')
  for (const server of servers) server.close()
})
