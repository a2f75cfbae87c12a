import type { IncomingMessage } from 'node:http'
import type { MonotonicClock } from '../base/clock.ts'
import { KubeError } from './error.ts'
import type { KubeObject, WatchEvent } from './types.ts'

/** One event holds one object; etcd takes none above a few MB. */
const MAX_LINE_BYTES = 32 * 1024 * 1024

type Options = {
  open: (signal: AbortSignal) => Promise<IncomingMessage>
  clock: MonotonicClock
  idleMs: number
  signal: AbortSignal | undefined
}

/** Cuts a byte stream at line feeds. */
class Lines {
  #rest: Buffer[] = []
  #sizeBytes = 0

  take(chunk: Buffer): string[] {
    const lines: string[] = []
    let from = 0
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...this.#rest, chunk.subarray(from, at)]).toString('utf8')
      this.#rest = []
      this.#sizeBytes = 0
      from = at + 1
      if (line) lines.push(line)
    }
    if (from === chunk.length) return lines
    this.#rest.push(chunk.subarray(from))
    this.#sizeBytes += chunk.length - from
    if (this.#sizeBytes > MAX_LINE_BYTES) throw new KubeError(0, 'Unreachable', `a watch event has more than ${MAX_LINE_BYTES} bytes`)
    return lines
  }
}

const parse = <T extends KubeObject>(line: string): WatchEvent<T> => {
  try {
    return JSON.parse(line) as WatchEvent<T>
  } catch (error) {
    throw new KubeError(0, 'Unreachable', 'a watch event is no JSON', { cause: error })
  }
}

/** Reads a watch. Breaks off with reason 'Idle' when no byte came for `idleMs`: a connection that a proxy forgot looks like one with nothing to say. */
export async function* watchEvents<T extends KubeObject>(options: Options): AsyncGenerator<WatchEvent<T>> {
  const end = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, end.signal]) : end.signal
  const idle = new KubeError(0, 'Idle', `the watch was silent for ${options.idleMs} ms`)
  let timer = options.clock.schedule(options.idleMs, () => end.abort(idle))
  try {
    const response = await options.open(signal)
    const lines = new Lines()
    for await (const chunk of response as AsyncIterable<Buffer>) {
      timer.cancel()
      timer = options.clock.schedule(options.idleMs, () => end.abort(idle))
      for (const line of lines.take(chunk)) yield parse<T>(line)
    }
  } catch (error) {
    if (options.signal?.aborted) return
    if (end.signal.aborted) throw idle
    throw error instanceof KubeError ? error : new KubeError(0, 'Unreachable', 'the watch broke off', { cause: error })
  } finally {
    timer.cancel()
    end.abort()
  }
}
