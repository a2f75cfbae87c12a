import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const PROBES = {
  java: ['java', '-version'],
  maven: ['mvn', '-version'],
  kcat: ['kcat', '-V'],
  go: ['go', 'version'],
  kubectl: ['kubectl', 'version', '--client'],
  helm: ['helm', 'version'],
  promtool: ['promtool', '--version'],
  chromium: ['chromium', '--version'],
} as const
export type Program = keyof typeof PROBES

const found = new Map<Program, boolean>()
const has = (program: Program): boolean => {
  const known = found.get(program)
  if (known !== undefined) return known
  const [command, ...args] = PROBES[program]
  const ok = spawnSync(command, args, { stdio: 'ignore' }).status === 0
  found.set(program, ok)
  return ok
}

/**
 * For `describe.skipIf(lacks('java', 'maven'))`: true where a program is missing, after saying which. In CI a missing program is a failure, not a skip.
 */
export const lacks = (...programs: Program[]): boolean => {
  const missing = programs.filter((program) => !has(program))
  if (missing.length === 0) return false
  if (process.env['CI']) throw new Error(`CI must have ${missing.join(', ')}`)
  console.warn(`skipped: needs ${missing.join(', ')}`)
  return true
}

/** The directory whose `up` and `down` start and stop a real Kubernetes control plane, from KUBE_LAB; undefined where it is unset, after saying so. In CI that is a failure. */
export const kubeLab = (): string | undefined => {
  const directory = process.env['KUBE_LAB']
  if (directory) return directory
  if (process.env['CI']) throw new Error("CI must set KUBE_LAB to the directory that holds a Kubernetes lab's up and down")
  console.warn('skipped: needs KUBE_LAB, the directory that holds the up and down of a Kubernetes lab')
  return undefined
}

/** For `describe.skipIf(lacksNodes())`: real nodes are containerd and kubelets as root on this machine, which KUBE_LAB's `node` starts. In CI their absence is a failure. */
export const lacksNodes = (): boolean => {
  const directory = kubeLab()
  if (!directory) return true
  if (existsSync(join(directory, 'node')) && process.getuid?.() === 0) return false
  if (process.env['CI']) throw new Error('CI must run as root, with a KUBE_LAB that has the program node')
  console.warn('skipped: needs root, and a KUBE_LAB that has the program node')
  return true
}
