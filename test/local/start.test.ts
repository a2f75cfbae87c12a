import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Summary } from '../../src/local/screen.ts'
import { lacks } from '../support/needs.ts'
import { eventually, freePort } from '../support/net.ts'
import { pidsOf } from './support/machine.ts'
import { slowness } from '../support/slowness.ts'

const shell = promisify(execFile)

type Run = { child: ChildProcess; out: () => string; err: () => string; exited: Promise<number | null> }

const start = (dataDir: string, ...args: string[]): Run => {
  const environment = { ...process.env, LOG_LEVEL: 'info', NODE_COMPILE_CACHE: join('node_modules', '.cache', 'node-compile') }
  const child = spawn(process.execPath, ['src/main.ts', 'local', '--data-dir', dataDir, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment,
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  return { child, out: () => out, err: () => err, exited: new Promise((resolve) => child.once('exit', resolve)) }
}
const summaryOf = (run: Run): Promise<Summary> =>
  eventually(() => (run.out().endsWith('\n') ? (JSON.parse(run.out()) as Summary) : undefined), { timeoutMs: 60_000, what: 'the summary' })
const isRunning = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]![0] !== 'Z'
  } catch {
    return false
  }
}

describe.sequential('npm start', () => {
  let dataDir: string
  let run: Run
  let summary: Summary
  let busy: Server
  let port: number

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'sofakafka-start-'))
    port = await freePort()
    busy = createServer().listen(port, '127.0.0.1')
  })
  afterAll(async () => {
    run?.child.kill('SIGTERM')
    await run?.exited
    busy.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  test('everything of the quickstart is Ready; stdout is one JSON object, and a busy port was passed over', async () => {
    run = start(dataDir, '-o', 'json', '--port', String(port))
    summary = await summaryOf(run)
    console.log(`ready in ${summary.readyMs} ms`, Object.fromEntries(summary.steps.map(({ name, ms }) => [name, ms])))
    expect(run.err()).toBe('')
    expect(summary.clusters[0]!.bootstrapServers.split(',')).toHaveLength(3)
    expect(readFileSync(summary.kubeconfig, 'utf8')).not.toContain(`:${port}\n`)
    expect(summary.steps.map(({ name }) => name)).toEqual(expect.arrayContaining(['brokers 3/3', 'Topic 2/2', 'User 2/2', 'Acl 2/2']))
  }, 70_000)

  test('files with passwords and keys are for this user only, and no password is on a command line', async () => {
    const modes = [summary.kubeconfig, join(dataDir, 'clients', 'orders-app.conf')].map((path) => statSync(path).mode & 0o777)
    expect(modes).toEqual([0o600, 0o600])
    const password = /^sasl\.password=(.+)$/m.exec(readFileSync(join(dataDir, 'clients', 'orders-app.conf'), 'utf8'))![1]!
    const { stdout } = await shell('ps', ['-eo', 'args'])
    expect(stdout).not.toContain(password)
  })

  test.skipIf(lacks('kcat', 'kubectl'))('the three commands that it shows work as they stand', async () => {
    const [produce, consume, look] = summary.commands
    await shell('sh', ['-c', produce!])
    expect((await shell('sh', ['-c', `${consume!} 2>/dev/null`])).stdout).toBe('hello\n')
    expect((await shell('sh', ['-c', look!])).stdout).toContain('cluster.sofakafka.io/quickstart')
  })

  test.skipIf(process.platform !== 'linux')('nothing listens beyond loopback', () => {
    const sockets = [summary.pid, ...pidsOf(dataDir)].flatMap((pid) => listens(pid))
    expect(sockets.length).toBeGreaterThan(8)
    expect(sockets.filter((address) => !address.startsWith('127.'))).toEqual([])
  })

  test.skipIf(process.platform !== 'linux')(
    'killed and started again it goes on with every record, with what the user changed, and no process left over',
    async () => {
      const kubectl = (...args: string[]) => shell('kubectl', ['--kubeconfig', summary.kubeconfig, ...args])
      if (!lacks('kubectl')) await kubectl('patch', 'skt', 'payments', '--type=merge', '-p', '{"spec":{"partitions":5}}')
      const pids = pidsOf(dataDir)
      run.child.kill('SIGKILL')
      await run.exited
      run = start(dataDir, '-o', 'json', '--port', String(port))
      const again = await summaryOf(run)
      console.log(`ready again in ${again.readyMs} ms`)
      expect(pids.filter(isRunning)).toEqual([])
      expect(again.clusters).toEqual(summary.clusters)
      if (!lacks('kubectl')) expect((await kubectl('get', 'skt', 'payments', '-o', 'jsonpath={.spec.partitions}')).stdout).toBe('5')
      if (!lacks('kcat')) expect((await shell('sh', ['-c', `${again.commands[1]!} 2>/dev/null`])).stdout).toBe('hello\n')
    },
    70_000,
  )

  test('a second one in the same directory is refused in words', async () => {
    const second = start(dataDir)
    expect(await second.exited).toBe(1)
    expect(second.err()).toMatch(/is held by process \d+; stop it, or use another directory/)
  })

  test('it stops within two seconds, with exit 0 and no process left over', async () => {
    const pids = pidsOf(dataDir)
    expect(pids.length).toBeGreaterThan(4)
    const startMs = performance.now()
    run.child.kill('SIGINT')
    expect(await run.exited).toBe(0)
    const tookMs = performance.now() - startMs
    console.log(`stopped in ${Math.round(tookMs)} ms`)
    expect(tookMs).toBeLessThan(2_000 * slowness())
    expect(pids.filter(isRunning)).toEqual([])
  })
})

test('on a shared address clients reach every broker at 127.0.0.1', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sofakafka-start-'))
  const run = start(dataDir, '-o', 'json', '--shared-address', '--port', String(await freePort()))
  try {
    const { clusters, commands } = await summaryOf(run)
    const places = clusters[0]!.bootstrapServers.split(',')
    expect(new Set(places).size).toBe(3)
    expect(places.every((place) => /^127\.0\.0\.1:\d+$/.test(place))).toBe(true)
    if (lacks('kcat')) return
    await shell('sh', ['-c', commands[0]!])
    expect((await shell('sh', ['-c', `${commands[1]!} 2>/dev/null`])).stdout).toBe('hello\n')
  } finally {
    run.child.kill('SIGINT')
    await run.exited
    rmSync(dataDir, { recursive: true, force: true })
  }
}, 90_000)

test('a pipe gets the steps as plain lines without colours, and an object that is refused ends it with its reason', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sofakafka-start-'))
  const run = start(dataDir, '-f', 'test/local/fixtures/refused.yaml', '--port', String(await freePort()))
  expect(await run.exited).toBe(1)
  expect(run.err()).toMatch(/ ✓ API server +\d+ ms\n/)
  expect(run.err()).not.toContain('\x1b')
  expect(run.err()).toContain('sofakafka: Topic default/t: ')
  rmSync(dataDir, { recursive: true, force: true })
}, 30_000)

/** A descriptor may be closed while one looks. */
const readFdLinks = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      return ''
    }
  })

/** Addresses on which a process listens, from the tables of the kernel. */
const listens = (pid: number): string[] => {
  const links = new Set(
    readFdLinks(pid)
      .map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1])
      .filter((inode) => inode !== undefined),
  )
  const table = (file: string) => readFileSync(`/proc/${pid}/net/${file}`, 'utf8').trim().split('\n').slice(1)
  const own = ['tcp', 'tcp6'].flatMap((file) => table(file).map((line) => ({ file, fields: line.trim().split(/\s+/) })))
  return own
    .filter(({ fields }) => fields[3] === '0A' && links.has(fields[9]!))
    .map(({ file, fields }) => (file === 'tcp' ? dotted(fields[1]!.split(':')[0]!) : fields[1]!))
}
const dotted = (hex: string): string => [...Buffer.from(hex, 'hex')].reverse().join('.')
