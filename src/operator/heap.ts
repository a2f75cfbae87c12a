import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * One full collection of garbage. V8 lets the heap grow to its initial size (256 MB, for brokers: see the first line of src/main.ts) before its first one, and judges
 * from the first on by what is really in use; reading everything at the start leaves more behind than an operator needs afterwards.
 */
export const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (() => void) | undefined
  collect?.()
}
