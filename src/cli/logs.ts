import { type KubeClient, pathOf, queryOf } from '../kube/client.ts'
import { type Pod, pods } from '../kube/resources.ts'
import type { Call, Run } from './command.ts'
import { describeFailure, EXIT, Failure } from './failure.ts'
import { clusterOf, withKube } from './kube-access.ts'
import { podsOf } from './pods.ts'
import type { Io, Session } from './session.ts'
import { durationMs } from './times.ts'

/** Where the log of a pod's first container is; `since` in ms. */
export const logPath = (
  pod: Pod,
  options: { sinceMs?: number; tail?: number; follow?: boolean; previous?: boolean; timestamps?: boolean },
): string => {
  const { sinceMs, tail, follow, previous, timestamps } = options
  const query = queryOf({
    container: pod.spec.containers[0]?.name,
    sinceSeconds: sinceMs === undefined ? undefined : Math.max(1, Math.ceil(sinceMs / 1000)),
    tailLines: tail,
    follow: follow ? true : undefined,
    previous: previous ? true : undefined,
    timestamps: timestamps ? true : undefined,
  })
  return pathOf(pods, pod.metadata.namespace, pod.metadata.name, 'log') + query
}

const COLOURS = [36, 33, 35, 32, 34, 31] as const

/** Whole lines only, so that those of several pods do not mix. */
const copy = async (io: Io, stream: AsyncIterable<Buffer>, prefix: string): Promise<void> => {
  let begun = ''
  const decoder = new TextDecoder()
  for await (const chunk of stream) {
    const text = begun + decoder.decode(chunk, { stream: true })
    const end = text.lastIndexOf('\n') + 1
    begun = text.slice(end)
    if (end > 0) await io.out(text.slice(0, end).replace(/^(?=.|\n)/gm, prefix))
  }
  if (begun !== '') await io.out(`${prefix}${begun}\n`)
}

const optionsOf = (call: Call) => {
  const [since, tail] = [call.text('since'), call.integer('tail', 0)]
  return {
    ...(since === undefined ? {} : { sinceMs: durationMs(since, 'since') }),
    ...(tail === undefined ? {} : { tail }),
    follow: call.flag('follow'),
    previous: call.flag('previous'),
    timestamps: call.flag('timestamps'),
  }
}

const chosen = (call: Call, all: readonly Pod[], cluster: string): readonly Pod[] => {
  const names = call.texts('pod')
  const missing = names.find((name) => !all.some(({ metadata }) => metadata.name === name))
  if (missing !== undefined)
    throw new Failure(`${cluster} has no pod ${missing}; it has ${all.map(({ metadata }) => metadata.name).join(', ')}`, EXIT.notFound)
  if (all.length === 0) throw new Failure(`${cluster} has no pods; \`status\` says why`, EXIT.notFound)
  return names.length === 0 ? all : all.filter(({ metadata }) => names.includes(metadata.name))
}

/** One pod that has no log does not keep the others from being shown. */
const showPod = async (kube: KubeClient, { io, signal }: Session, pod: Pod, path: string, prefix: string): Promise<boolean> => {
  try {
    await copy(io, await kube.stream(path, signal), prefix)
    return true
  } catch (error) {
    if (signal.aborted) return true
    io.err(`${pod.metadata.name}: ${describeFailure(error).text}\n`)
    return false
  }
}

export const run: Run = (call, session) => {
  const options = optionsOf(call)
  return withKube(call, session, async (access) => {
    const { io } = session
    const cluster = await clusterOf(access, call.text('cluster'))
    const shown = chosen(call, await podsOf(access, cluster), cluster.metadata.name)
    const width = Math.max(...shown.map(({ metadata }) => metadata.name.length))
    const prefixOf = (pod: Pod, index: number): string => {
      const text = pod.metadata.name.padEnd(width)
      return io.hasColour ? `\u001B[${COLOURS[index % COLOURS.length]}m${text}\u001B[0m ` : `${text} `
    }
    const show = (pod: Pod, index: number) => showPod(access.kube, session, pod, logPath(pod, options), prefixOf(pod, index))
    const results: boolean[] = []
    // Followed they come as they come; else one pod after the other.
    if (options.follow) results.push(...(await Promise.all(shown.map(show))))
    else for (const [index, pod] of shown.entries()) results.push(await show(pod, index))
    return results.every((ok) => ok) ? 0 : EXIT.failed
  })
}
