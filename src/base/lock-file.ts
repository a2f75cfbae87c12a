import * as fs from 'node:fs'
import type { DiskLock } from './disk.ts'

/** Locks of this process: its own process id in a file cannot tell a second holder from a leftover (in a pod the id is often 1 each time). */
const held = new Set<string>()

const readText = (path: string): string | undefined => {
  try {
    return fs.readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** Changes with every boot of the machine; '-' where the system does not say (macOS). */
const bootId = (): string => readText('/proc/sys/kernel/random/boot_id') ?? '-'

/** When the process started, in ticks since boot: tells a process from a later one with the same id. '-' where the system does not say. */
const startOf = (pid: number): string => {
  const stat = readText(`/proc/${pid}/stat`)
  // The second field is the program's name in parentheses and may hold anything; the start is field 22.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '-'
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

type Holder = { pid: number; start: string; boot: string }
const parse = (text: string): Holder | undefined => {
  const [, pid, start, boot] = /^(\d+) (\S+) (\S+)$/.exec(text) ?? []
  return pid === undefined ? undefined : { pid: Number(pid), start: start!, boot: boot! }
}
const lives = (holder: Holder): boolean =>
  holder.pid !== process.pid && holder.boot === bootId() && isAlive(holder.pid) && startOf(holder.pid) === holder.start

/**
 * Holds the file for this process: inside are process id, its start and the boot of the machine, so that neither a reused process id
 * nor a reboot makes a dead holder look alive. EBUSY when the holder lives. Processes that do not see one another (two machines, two
 * process namespaces) are not told apart; a volume that is mounted once guards those.
 */
export const lockFile = (path: string): DiskLock => {
  const holder = parse(readText(path) ?? '')
  if (held.has(path) || (holder && lives(holder))) {
    const who = held.has(path) ? 'this process' : `process ${holder!.pid}`
    throw Object.assign(new Error(`${path} is held by ${who}; stop it, or use another directory`), { code: 'EBUSY' })
  }
  fs.writeFileSync(path, `${process.pid} ${startOf(process.pid)} ${bootId()}\n`)
  held.add(path)
  return {
    release: () => {
      held.delete(path)
      fs.rmSync(path, { force: true })
    },
  }
}
