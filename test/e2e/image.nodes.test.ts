import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lacksNodes } from '../support/needs.ts'
import { NodeLab } from '../support/node-lab.ts'
import { eventually, freePort } from '../support/net.ts'
import { IMAGE } from './nodes.ts'

const run = promisify(execFile)

/** Of the whole image without its base, the layers of which are the first. */
const OURS_MAX_MB = 100
/** The fastest of so many starts: other work on the machine slows down single ones. */
const STARTS = 5

describe.skipIf(lacksNodes())('the image', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sofakafka-image-'))
  const running: string[] = []
  let lab: NodeLab
  const docker = async (...args: string[]): Promise<string> => (await lab.docker(...args)).stdout

  beforeAll(async () => {
    lab = await NodeLab.start(0, [IMAGE])
  }, 600_000)
  afterAll(async () => {
    for (const name of running) await docker('rm', '-f', name).catch(() => {})
    await lab?.stop()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  /** Runs a program as Kubernetes does: another user, a root file system that is read-only, no capabilities. Gives the container's name. */
  const start = async (name: string, args: string[]): Promise<string> => {
    running.push(name)
    const rights = ['--read-only', '--tmpfs', '/tmp', '--user', '10001:10001', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges']
    await docker('run', '-d', '--name', name, '--network', 'host', ...rights, '-v', `${folder}:${folder}`, IMAGE, ...args)
    return name
  }
  const startedMs = async (name: string): Promise<number> =>
    Date.parse((await docker('inspect', '-f', '{{.State.StartedAt}}', name)).trim())
  /** From the start of the process to the log line, in ms. */
  const loggedMs = async (name: string, line: string): Promise<number> => {
    const logged = await eventually(
      async () => {
        const { stdout, stderr } = await lab.docker('logs', '--timestamps', name)
        const found = `${stdout}${stderr}`.split('\n').find((each) => each.includes(line))
        return found?.split(' ')[0]
      },
      { timeoutMs: 30_000, everyMs: 50, what: `${name} logs "${line}"` },
    )
    return Date.parse(logged) - (await startedMs(name))
  }
  /** From the start of the process to the page's first 200, in ms. */
  const servedMs = async (name: string, url: string): Promise<number> => {
    await eventually(async () => (await fetch(url)).ok, { timeoutMs: 30_000, everyMs: 5, what: `${name} answers ${url}` })
    const nowMs = Date.now()
    return nowMs - (await startedMs(name))
  }
  /** What the processors have worked for the container until now, in ms. */
  const processorMs = async (name: string): Promise<number> => {
    const pid = (await docker('inspect', '-f', '{{.State.Pid}}', name)).trim()
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    // Fields 14 and 15 of proc(5), in hundredths of a second.
    return (Number(fields[11]) + Number(fields[12])) * 10
  }
  /** The fastest start of the program. On a machine that is busy the time that passes is that of others too, and the processors' time counts. The last one runs on. */
  const fastestMs = async (name: string, args: string[], measure: (name: string) => Promise<number>): Promise<number> => {
    const times: { passedMs: number; processorMs: number }[] = []
    for (let count = 0; count < STARTS; count++) {
      if (count > 0) await docker('rm', '-f', name)
      await start(name, args)
      times.push({ passedMs: await measure(name), processorMs: await processorMs(name) })
    }
    console.log(`${name}: ${times.map((time) => `${time.passedMs} ms (${time.processorMs} ms of processors)`).join(', ')}`)
    return Math.min(...times.flatMap((time) => [time.passedMs, time.processorMs]))
  }

  test('has little beside its base, no sources and no package manager\u2019s files', async () => {
    const layers = (await docker('history', '--format', '{{.Size}}\t{{.CreatedBy}}', '--human=false', IMAGE)).trim().split('\n')
    const bytes = layers.map((layer) => Number(layer.split('\t')[0]))
    // The base is the last line: one layer, or those that the official image has.
    const ours = layers.findIndex((layer) => /WORKDIR \/opt\/sofakafka/.test(layer))
    const mb = (sizes: number[]): number => Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1e6)
    const size = mb(bytes.slice(0, ours + 1))
    console.log(`the image has ${mb(bytes)} MB, ${size} MB of them beside node:24-bookworm-slim`)
    expect(ours).toBeGreaterThan(0)
    expect(size).toBeLessThan(OURS_MAX_MB)
    const { User } = JSON.parse(await docker('inspect', '-f', '{{json .Config}}', IMAGE)) as { User: string }
    expect(User).toBe('1000:1000')
  })

  test('starts broker and ZooKeeper in under 0.5 s, and the operator in under 1.5 s', async () => {
    const [zkPort, port, httpPort] = [await freePort(), await freePort(), await freePort()]
    for (const name of ['zookeeper', 'broker']) mkdirSync(join(folder, name), { mode: 0o777 })
    await run('chmod', ['-R', '777', folder])
    writeFileSync(join(folder, 'zoo.cfg'), `dataDir=${folder}/zookeeper\nclientPort=${zkPort}\nclientPortAddress=127.0.0.1\n`)
    const lines = [
      'broker.id=0',
      `log.dirs=${folder}/broker`,
      `zookeeper.connect=127.0.0.1:${zkPort}`,
      `listeners=PLAINTEXT://127.0.0.1:${port}`,
    ]
    writeFileSync(join(folder, 'server.properties'), `${lines.join('\n')}\n`)
    const zooKeeperMs = await fastestMs('zookeeper', ['zookeeper', join(folder, 'zoo.cfg')], (name) => loggedMs(name, 'ZooKeeper serves'))
    const brokerMs = await fastestMs('broker', ['broker', join(folder, 'server.properties')], (name) => loggedMs(name, 'broker serves'))
    const kubeconfig = join(folder, 'kubeconfig')
    const ca = join(lab.kubeconfig, '..', 'pki', 'ca.crt')
    await run('kubectl', ['--kubeconfig', lab.kubeconfig, 'apply', '-f', 'crds'])
    writeFileSync(join(folder, 'ca.crt'), readFileSync(ca))
    writeFileSync(kubeconfig, readFileSync(lab.kubeconfig, 'utf8').replace(ca, join(folder, 'ca.crt')))
    const operatorArgs = ['operator', '--kubeconfig', kubeconfig, '--image', IMAGE, '--http-port', String(httpPort), '--no-leader-election']
    const operatorMs = await fastestMs('operator', operatorArgs, (name) => servedMs(name, `http://127.0.0.1:${httpPort}/readyz`))
    expect({ isZooKeeper: zooKeeperMs < 500, isBroker: brokerMs < 500, isOperator: operatorMs < 1500 }).toEqual({
      isZooKeeper: true,
      isBroker: true,
      isOperator: true,
    })
  }, 240_000)
})
