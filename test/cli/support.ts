import { readFileSync } from 'node:fs'
import { monotonicClock, wallClock } from '../../src/base/clock.ts'
import { runCli } from '../../src/cli/program.ts'

export type Called = { code: number; out: string; err: string; saved: Map<string, Uint8Array> }
export type CallOptions = { kubeconfig?: string; input?: string; isInteractive?: boolean; signal?: AbortSignal; home?: string }

/** Runs a command of the command line in this process. */
export const call = async (args: readonly string[], options: CallOptions = {}): Promise<Called> => {
  const { kubeconfig, input = '', isInteractive = false, signal, home = '/nowhere' } = options
  const out: Buffer[] = []
  let err = ''
  const saved = new Map<string, Uint8Array>()
  const code = await runCli(args, {
    io: {
      out: (data) => {
        out.push(Buffer.from(data as string))
        return Promise.resolve()
      },
      err: (text) => void (err += text),
      input: (async function* () {
        if (input !== '') yield Buffer.from(input)
        await Promise.resolve()
      })(),
      isInteractive,
      hasColour: false,
      save: (path, bytes) => void saved.set(path, bytes),
    },
    surroundings: { kubeconfig, home, serviceAccount: undefined },
    clocks: { monotonic: monotonicClock, wall: wallClock },
    version: (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version,
    calledAs: 'sofakafka',
    programs: ['broker', 'operator'],
    signal: signal ?? new AbortController().signal,
  })
  return { code, out: Buffer.concat(out).toString('utf8'), err, saved }
}
