import { type ChildProcessWithoutNullStreams, execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/net.ts'
import { Program } from '../support/ours.ts'

export type Executed = { code: number; stdout: string; stderr: string }
export type Login = { username: string; password: string; bootstrap: string[] }

/** Runs a program to its end. */
export const execute = (program: string, args: string[], input = '', timeoutMs = 120_000): Promise<Executed> =>
  new Promise((resolve) => {
    const child = execFile(program, args, { timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, stdout, stderr })
    })
    child.stdin!.on('error', () => {})
    child.stdin!.end(input)
  })

/** Something that runs custom resources: the local mode, or a real control plane whose node is our kubelet. */
export type Substrate = {
  kubeconfig: string
  /** Directory with everything of it. */
  directory: string
  /** Where a program must run in a special way to reach the brokers. */
  spawn?(program: string, args: string[], environment: Record<string, string>): ChildProcessWithoutNullStreams
  /** Kills a pod's container with SIGKILL, where that is no process of our kubelet. */
  killContainer?(pod: string): Promise<void>
  stop(): Promise<void>
}

export const QUICKSTART = 'examples/quickstart.yaml'

/** The local mode as a user starts it, with a data directory and ports of its own. */
export class LocalMode implements Substrate {
  readonly directory: string
  readonly kubeconfig: string
  readonly #args: string[]
  program: Program

  private constructor(directory: string, args: string[], program: Program) {
    this.directory = directory
    this.kubeconfig = join(directory, 'kubeconfig')
    this.#args = args
    this.program = program
  }

  static async start(options: { args?: string[]; file?: string } = {}): Promise<LocalMode> {
    const directory = mkdtempSync(join(tmpdir(), 'sofakafka-e2e-'))
    const args = [
      'local',
      '--data-dir',
      directory,
      '--port',
      String(await freePort()),
      '-f',
      options.file ?? QUICKSTART,
      '-o',
      'json',
      ...(options.args ?? []),
    ]
    const local = new LocalMode(directory, args, new Program(args))
    await local.ready()
    return local
  }

  /** What `-o json` prints when everything is Ready. */
  async ready(): Promise<{ readyMs: number; pid: number; clusters: { name: string; bootstrapServers: string }[] }> {
    await this.program.logged('"readyMs"', 60_000)
    await this.program.logged('}\n', 5_000)
    return JSON.parse(this.program.output.split('\n').find((line) => line.startsWith('{"version"'))!) as Awaited<
      ReturnType<LocalMode['ready']>
    >
  }

  async startAgain(): Promise<void> {
    this.program = new Program(this.#args)
    await this.ready()
  }

  async stop(): Promise<void> {
    await this.program.stop()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** Helm against a substrate. Throws with what it printed when it fails. */
export const helm = async ({ kubeconfig }: Substrate, args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await execute('helm', ['--kubeconfig', kubeconfig, ...args])
  if (code !== 0) throw new Error(`helm ${args.join(' ')} ended with ${code}\n${stdout}${stderr}`)
  return stdout
}

/** kubectl against a substrate. */
export class Kubectl {
  readonly #kubeconfig: string

  constructor({ kubeconfig }: Substrate) {
    this.#kubeconfig = kubeconfig
  }

  run(args: string[], input?: string, timeoutMs?: number): Promise<Executed> {
    return execute('kubectl', ['--kubeconfig', this.#kubeconfig, ...args], input, timeoutMs)
  }

  /** Throws with what kubectl printed when it fails. */
  async ok(args: string[], input?: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, input)
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}\n${stdout}${stderr}`)
    return stdout
  }

  async json<T = Record<string, unknown>>(...args: string[]): Promise<T> {
    return JSON.parse(await this.ok([...args, '-o', 'json'])) as T
  }

  apply(yaml: string): Promise<Executed> {
    return this.run(['apply', '-f', '-'], yaml)
  }

  /** How a User logs in, from its Secret. */
  async login(user: string): Promise<Login> {
    const { data } = await this.json<{ data: Record<string, string> }>('get', 'secret', user)
    const text = (key: string) => Buffer.from(data[key]!, 'base64').toString('utf8')
    return { username: text('username'), password: text('password'), bootstrap: text('bootstrap.servers').split(',') }
  }
}
