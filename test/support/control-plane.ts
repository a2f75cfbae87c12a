import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, statSync } from 'node:fs'
import { cp, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { monotonicClock } from '../../src/base/clock.ts'
import { KubeClient, type KubeClientOptions } from '../../src/kube/client.ts'
import type { KubeConnection } from '../../src/kube/connection.ts'
import { connectionOfKubeconfig } from '../../src/kube/kubeconfig.ts'
import { kubeLab } from './needs.ts'

/** A real Kubernetes control plane, without nodes. */
export type KubeLab = {
  kubeconfig: string
  connection: KubeConnection
  client(options?: Partial<KubeClientOptions>): KubeClient
  stop(): Promise<void>
}

/** For `describe.skipIf(lacksKubeLab())`. In CI its absence is a failure. */
export const lacksKubeLab = (): boolean => kubeLab() === undefined

const run = (program: string, args: string[], port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, PORT: String(port) }, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.on('error', reject)
    // The servers that `up` leaves running hold its pipes open: exit, not close.
    child.on('exit', (code) => (code === 0 ? resolve(output) : reject(new Error(`${program} ended with ${code}\n${output}`))))
  })

/** Where the programs of the lab are kept that `up` unpacks into `bin`; another place where any of the lab's files is another. */
const programsOf = (place: string): string => {
  const text = readdirSync(place).map((name) => {
    const { size, mtimeMs } = statSync(join(place, name))
    return `${name} ${size} ${mtimeMs}`
  })
  return resolve('node_modules', '.cache', 'kube-lab', createHash('sha256').update(text.join('\n')).digest('hex').slice(0, 16))
}
/** Unpacking takes 3 s of a core: what the first one unpacked is kept, as a whole or not at all, and the next ones run it. */
const up = async (place: string, directory: string, port: number): Promise<void> => {
  const [programs, bin] = [programsOf(place), join(directory, 'bin')]
  const isKept = existsSync(programs)
  if (isKept) await symlink(programs, bin)
  await run(join(place, 'up'), [directory], port)
  if (isKept || !existsSync(bin)) return
  const temporary = `${programs}.${process.pid}`
  await cp(bin, temporary, { recursive: true, verbatimSymlinks: true })
  await rename(temporary, programs).catch(() => rm(temporary, { recursive: true }))
}

/** Ports in a row that one takes. */
export const KUBE_LAB_PORTS = 5

/** Starts one, in 10 to 20 s, with the API server on `port`, the first of KUBE_LAB_PORTS. KUBE_LAB_RUNNING names the directory of one that runs already: it is used and left alone. */
export const startKubeLab = async (port: number): Promise<KubeLab> => {
  const running = process.env['KUBE_LAB_RUNNING']
  const place = process.env['KUBE_LAB']!
  const directory = running ?? mkdtempSync(join(tmpdir(), 'sofakafka-kube-'))
  if (!running) await up(place, directory, port)
  const kubeconfig = join(directory, 'kubeconfig')
  const connection = await connectionOfKubeconfig(kubeconfig)
  const clients: KubeClient[] = []
  return {
    kubeconfig,
    connection,
    client: (options = {}) => {
      const client = new KubeClient({
        connection,
        clock: monotonicClock,
        fieldManager: 'sofakafka-operator',
        appliedAnnotation: 'sofakafka.io/applied',
        ...options,
      })
      clients.push(client)
      return client
    },
    stop: async () => {
      for (const client of clients) client.close()
      if (!running) await run(join(place, 'down'), [directory], port)
    },
  }
}
