import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ARCHIVE, hasArchive, isResolved } from './java.ts'

const LOOK_EVERY_MS = 500

const train = (): Promise<void> => {
  const child = spawn(process.execPath, [join('test', 'support', 'java', 'train.ts'), ARCHIVE], { stdio: ['ignore', 'ignore', 'inherit'] })
  return new Promise((resolve) => child.once('error', () => resolve()).once('exit', () => resolve()))
}

/**
 * Once per clone, beside the tests, and when one of them has had the jars of Apache Kafka resolved: the archive with which those that come later start it in
 * less time. Nothing depends on it.
 */
export default (): (() => Promise<void>) | undefined => {
  if (hasArchive()) return undefined
  let training: Promise<void> | undefined
  const timer = setInterval(() => {
    if (!isResolved('kafka-2.6.3')) return
    clearInterval(timer)
    training = train()
  }, LOOK_EVERY_MS)
  return async () => {
    clearInterval(timer)
    await training
  }
}
