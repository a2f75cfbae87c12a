import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process'
import { execute, type Executed } from './substrate.ts'

const NAME = 'sofakafka-outside'
const LINK = 'skoutside'
/** Of RFC 2544, so nobody else's. */
const [HERE, THERE] = ['198.18.255.1', '198.18.255.2']

const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' })

/** A machine beside the nodes, as a network namespace: it has a way to one of their addresses, and none to pods, services and their DNS. */
export class Outside {
  /** `address`: the node's. */
  static start(address: string): Outside {
    const outside = new Outside()
    // What a run that was killed left.
    outside.stop()
    ip('netns', 'add', NAME)
    ip('link', 'add', LINK, 'type', 'veth', 'peer', 'name', LINK, 'netns', NAME)
    ip('address', 'add', `${HERE}/30`, 'dev', LINK)
    ip('link', 'set', LINK, 'up')
    ip('-n', NAME, 'address', 'add', `${THERE}/30`, 'dev', LINK)
    ip('-n', NAME, 'link', 'set', LINK, 'up')
    ip('-n', NAME, 'route', 'add', `${address}/32`, 'via', HERE)
    return outside
  }

  spawn(program: string, args: string[], environment: Record<string, string> = {}): ChildProcessWithoutNullStreams {
    return spawn('ip', ['netns', 'exec', NAME, program, ...args], { env: { ...process.env, ...environment }, stdio: 'pipe' })
  }

  run(program: string, args: string[]): Promise<Executed> {
    return execute('ip', ['netns', 'exec', NAME, program, ...args], '', 30_000)
  }

  stop(): void {
    for (const args of [
      ['link', 'delete', LINK],
      ['netns', 'delete', NAME],
    ]) {
      try {
        ip(...args)
      } catch {
        // It is not there.
      }
    }
  }
}
