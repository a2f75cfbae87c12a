import { threadId } from 'node:worker_threads'
import { Transferred } from '../../src/base/worker-pool.ts'

export const sum = (numbers: number[]): number[] => [numbers.reduce((a, b) => a + b, 0), threadId]
export const fail = (code: string): never => {
  throw Object.assign(new RangeError('refused'), { code })
}
export const die = (code: number): Promise<never> => process.exit(code)
/** Fails outside of the promise that the pool waits for. */
export const throwLater = (): Promise<never> =>
  new Promise(() => {
    setImmediate(() => {
      throw new Error('later')
    })
  })
export const reverse = (bytes: Uint8Array<ArrayBuffer>): Transferred<Uint8Array> => new Transferred(bytes.reverse(), [bytes.buffer])
export const returnFunction = (): (() => number) => () => 1
