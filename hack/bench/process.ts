import { existsSync, readdirSync, readFileSync } from 'node:fs'

const TICKS_PER_S = 100
const KIB = 1024

/** Processor seconds that a process has used; from /proc, so Linux only. */
export const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S
}

/** Of processes that may have ended meanwhile: those count as they were last seen here, with nothing. */
export const cpuSecondsOf = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + (existsSync(`/proc/${pid}`) ? cpuSeconds(pid) : 0), 0)

const statusKib = (pid: number, key: string): number =>
  Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)

export const residentBytes = (pid: number): number => statusKib(pid, 'VmRSS') * KIB
/** The most that it ever was. */
export const peakResidentBytes = (pid: number): number => statusKib(pid, 'VmHWM') * KIB
export const openDescriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN
