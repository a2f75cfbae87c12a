import type { LogFile } from './open-files.ts'

export type ReadRequest = { file: LogFile; position: number; lengthBytes: number }

/**
 * A computation over files that asks for bytes where it needs them (`yield` a request, get a Buffer, shorter at the end of the file) and is
 * indifferent to how they come: at once for what is surely in the page cache, off the event loop for the rest. Written once, run either way.
 */
export type Reads<T> = Generator<ReadRequest, T, Buffer>

export const readNow = <T>(reads: Reads<T>): T => {
  let step = reads.next()
  while (!step.done) {
    const { file, position, lengthBytes } = step.value
    const bytes = Buffer.allocUnsafeSlow(lengthBytes)
    step = reads.next(bytes.subarray(0, file.readSync(bytes, position)))
  }
  return step.value
}

export const readLater = async <T>(reads: Reads<T>): Promise<T> => {
  let step = reads.next()
  while (!step.done) {
    const { file, position, lengthBytes } = step.value
    const bytes = Buffer.allocUnsafeSlow(lengthBytes)
    step = reads.next(bytes.subarray(0, await file.read(bytes, position)))
  }
  return step.value
}
