import { quantity } from '../../../kube/difference.ts'
import type { EnvVar } from '../../../kube/resources.ts'

type Resources = { requests?: Record<string, string | number>; limits?: Record<string, string | number> } | undefined

const MIB = 1024 ** 2
const GIB = 1024 ** 3
const within = (value: number, min: number, max: number): number => Math.min(Math.max(Math.floor(value), min), max)

/**
 * V8's heap in MiB of a container with this memory: half of it, for buffers lie outside, and at most 8 GiB, beyond which only collections get longer and the page cache does
 * more with it. undefined: no limit is said.
 */
export const heapMib = (resources: Resources): number | undefined => {
  const bytes = quantity(resources?.limits?.['memory'])
  return bytes === undefined ? undefined : within(bytes / 2 / MIB, 64, 8192)
}

/** Cores: the limit, else what is requested. */
const cpusOf = (resources: Resources): number | undefined => quantity(resources?.limits?.['cpu'] ?? resources?.requests?.['cpu'])

/** Budgets of a broker in bytes and threads, as lines of its server.properties; spec.config may say others. */
export const sizingProperties = (resources: Resources): [string, string][] => {
  const bytes = quantity(resources?.limits?.['memory'])
  const cpus = cpusOf(resources)
  const budgets: [string, number][] =
    bytes === undefined
      ? []
      : [
          ['queued.max.request.bytes', within(bytes / 8, 32 * MIB, GIB)],
          ['sofakafka.queued.max.response.bytes', within(bytes / 16, 32 * MIB, GIB / 2)],
          ['sofakafka.dirty.max.bytes', within(bytes / 16, 32 * MIB, GIB)],
        ]
  const threads: [string, number][] = cpus === undefined ? [] : [['sofakafka.worker.threads', within(Math.ceil(cpus / 2), 2, 16)]]
  return [...budgets, ...threads].map(([key, value]) => [key, String(value)])
}

/** For Node: the heap, and threads for files. */
export const sizingEnv = (resources: Resources): EnvVar[] => {
  const heap = heapMib(resources)
  const cpus = cpusOf(resources)
  return [
    ...(heap === undefined ? [] : [{ name: 'NODE_OPTIONS', value: `--max-old-space-size=${heap}` }]),
    ...(cpus === undefined ? [] : [{ name: 'UV_THREADPOOL_SIZE', value: String(within(Math.ceil(cpus) * 2, 4, 64)) }]),
  ]
}
