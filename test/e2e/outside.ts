import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { execute, type Executed } from './substrate.ts'

const LINK = 'skoutside'
/** Of RFC 2544, so nobody else's. */
const [HERE, THERE] = ['198.18.255.1', '198.18.255.2']

const run = (program: string, ...args: string[]): void => void execFileSync(program, args, { stdio: 'pipe' })

/**
 * A machine beside the nodes, as a network namespace: it has a way to one of their addresses, and none to pods, services and their DNS.
 * It has no name: `ip netns` mounts what the container runtime mounts too, which then cannot remove the namespaces of its pods.
 */
export class Outside {
  /** In whose namespace everything runs; it ends when its input does. */
  readonly #holder: ChildProcessWithoutNullStreams

  private constructor(holder: ChildProcessWithoutNullStreams) {
    this.#holder = holder
  }

  /** `address`: the node's. */
  static async start(address: string): Promise<Outside> {
    const holder = spawn('unshare', ['-n', 'sh', '-c', 'echo ready && exec cat'], { stdio: 'pipe' })
    const outside = new Outside(holder)
    await once(holder.stdout, 'data')
    run('ip', 'link', 'add', LINK, 'type', 'veth', 'peer', 'name', LINK, 'netns', String(holder.pid))
    run('ip', 'address', 'add', `${HERE}/30`, 'dev', LINK)
    run('ip', 'link', 'set', LINK, 'up')
    for (const args of [
      ['address', 'add', `${THERE}/30`, 'dev', LINK],
      ['link', 'set', LINK, 'up'],
      ['route', 'add', `${address}/32`, 'via', HERE],
    ])
      run('nsenter', ...outside.#inside('ip', args))
    return outside
  }

  #inside(program: string, args: string[]): string[] {
    return [`--net=/proc/${this.#holder.pid}/ns/net`, program, ...args]
  }

  spawn(program: string, args: string[], environment: Record<string, string> = {}): ChildProcessWithoutNullStreams {
    return spawn('nsenter', this.#inside(program, args), { env: { ...process.env, ...environment }, stdio: 'pipe' })
  }

  run(program: string, args: string[]): Promise<Executed> {
    return execute('nsenter', this.#inside(program, args), '', 30_000)
  }

  /** The link goes with the namespace, and that with its last process. */
  stop(): void {
    this.#holder.kill('SIGKILL')
  }
}
