import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'

export type ProcessSpec = {
  /** Unique per running process, usable as a file name; the mark by which a later start finds it. */
  id: string
  /** Arguments of node. */
  args: string[]
  env: Record<string, string>
  cwd: string
  onOutput: (stream: 'stdout' | 'stderr', chunk: Buffer) => void
}
export type Exit = { code: number; signal?: number }
export type RunningProcess = {
  pid: number
  exited: Promise<Exit>
  /** To the whole process group. */
  signal(name: 'SIGTERM' | 'SIGKILL'): void
}
/** The kubelet's only way to start anything. Tests pass one without processes. */
export interface Processes {
  start(spec: ProcessSpec): RunningProcess
  /** Ends processes that a kubelet of this directory left behind; returns how many there were. */
  endOrphans(): number
}

const SIGNALS: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 }

/** A process id alone may have been given to another process since; with its start time it is the same one. undefined: no such process. */
const startTimeOf = (pid: number): string | undefined => {
  if (process.platform === 'linux') {
    try {
      // Fields 3 (state) and 22 of stat; the name in parentheses may hold blanks. A zombie has ended already.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
      return fields[0] === 'Z' ? undefined : fields[19]
    } catch {
      return undefined
    }
  }
  const { status, stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

const signalGroup = (pid: number, name: 'SIGTERM' | 'SIGKILL'): void => {
  try {
    process.kill(-pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Real processes: each leads a group of its own and holds the end of a pipe that closes with this process. */
export class NodeProcesses implements Processes {
  readonly #disk: Disk
  readonly #directory: string
  readonly #execPath: string

  /** `directory`: where the marks of running processes are. */
  constructor(options: { disk: Disk; directory: string; execPath: string }) {
    this.#disk = options.disk
    this.#directory = options.directory
    this.#execPath = options.execPath
    options.disk.makeDirectory(options.directory)
  }

  start({ id, args, env, cwd, onOutput }: ProcessSpec): RunningProcess {
    const child = spawn(this.#execPath, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
    child.stdout!.on('data', (chunk: Buffer) => onOutput('stdout', chunk))
    child.stderr!.on('data', (chunk: Buffer) => onOutput('stderr', chunk))
    child.stdio[3]!.on('error', () => {})
    const pid = child.pid
    const mark = join(this.#directory, `${id}.pid`)
    if (pid !== undefined) this.#write(mark, JSON.stringify({ pid, startTime: startTimeOf(pid) }))
    const exited = new Promise<Exit>((resolve) => {
      child.once('error', (error) => {
        onOutput('stderr', Buffer.from(`${error.message}\n`))
        resolve({ code: 128 })
      })
      // 'close' comes when the output has been read, after 'exit'.
      child.once('close', (code, signal) => {
        this.#disk.remove(mark)
        resolve(signal ? { code: 128 + (SIGNALS[signal] ?? 0), signal: SIGNALS[signal] ?? 0 } : { code: code ?? 1 })
      })
    })
    return {
      pid: pid ?? 0,
      exited,
      signal: (name) => {
        if (pid !== undefined && child.exitCode === null && child.signalCode === null) signalGroup(pid, name)
      },
    }
  }

  endOrphans(): number {
    let count = 0
    for (const { name } of this.#disk.list(this.#directory).filter((entry) => entry.name.endsWith('.pid'))) {
      const path = join(this.#directory, name)
      const { pid, startTime } = readMark(this.#disk.readFile(path).toString('utf8'))
      if (pid > 1 && startTime !== undefined && startTimeOf(pid) === startTime) {
        signalGroup(pid, 'SIGKILL')
        count++
      }
      this.#disk.remove(path)
    }
    return count
  }

  #write(path: string, text: string): void {
    const file = this.#disk.open(path, 'create')
    try {
      file.truncateSync(0)
      file.writeSync([Buffer.from(text)], 0)
    } finally {
      file.close()
    }
  }
}

/** A mark torn by a crash names no process. */
const readMark = (text: string): { pid: number; startTime: string | undefined } => {
  try {
    const { pid, startTime } = JSON.parse(text) as { pid: number; startTime?: string }
    return { pid, startTime }
  } catch {
    return { pid: 0, startTime: undefined }
  }
}
