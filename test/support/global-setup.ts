import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ARCHIVE, hasArchive } from './java.ts'

const isInstalled = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((directory) => existsSync(join(directory, program)))

/** Once per clone, beside the first tests: those that start Apache Kafka later take less time. Nothing depends on it. */
export default (): (() => Promise<void>) | undefined => {
  if (hasArchive() || !isInstalled('java') || !isInstalled('mvn')) return undefined
  const child = spawn(process.execPath, [join('test', 'support', 'java', 'train.ts'), ARCHIVE], { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('error', () => resolve()).once('exit', () => resolve()))
  return () => ended
}
