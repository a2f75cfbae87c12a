import { timestamp } from '../../kube/time.ts'
import type { Condition, ContainerState, ContainerStatus, Pod, PodPhase, PodStatus } from '../objects.ts'

/** What the kubelet knows of one container of a pod. */
export type ContainerView = {
  name: string
  image: string
  state: ContainerState
  lastState: ContainerState
  restartCount: number
  ready: boolean
  started: boolean
  processId: number | undefined
}
export type PodView = {
  init: ContainerView[]
  containers: ContainerView[]
  podIP: string | undefined
  hostIP: string
  startTime: string
  /** Set when the pod has failed as a whole, e.g. refused before anything started. */
  failure?: { reason: string; message: string }
}

const statusOf = (view: ContainerView): ContainerStatus => ({
  name: view.name,
  image: view.image,
  imageID: '',
  ...(view.processId === undefined ? {} : { containerID: `process://${view.processId}` }),
  ready: view.ready,
  started: view.started,
  restartCount: view.restartCount,
  state: view.state,
  lastState: view.lastState,
})

const succeeded = ({ state }: ContainerView): boolean => state.terminated?.exitCode === 0
const ended = ({ state }: ContainerView): boolean => state.terminated !== undefined

/** Kubernetes' rules: Pending until every init container has succeeded and every container was made; over when all ended for good. */
const phaseOf = (view: PodView, restartPolicy: string): PodPhase => {
  if (view.failure) return 'Failed'
  const failedInit = view.init.some((container) => ended(container) && !succeeded(container))
  if (failedInit && restartPolicy === 'Never') return 'Failed'
  if (!view.init.every(succeeded)) return 'Pending'
  const { containers } = view
  if (containers.every(ended) && restartPolicy !== 'Always') {
    if (containers.every(succeeded)) return 'Succeeded'
    if (restartPolicy === 'Never') return 'Failed'
  }
  const neverRan = containers.some(({ state, lastState }) => state.waiting && !lastState.terminated)
  return neverRan ? 'Pending' : 'Running'
}

type Flag = { type: string; isTrue: boolean; reason?: string; message?: string }

const flags = (pod: Pod, view: PodView, phase: PodPhase): Flag[] => {
  const unready = view.containers.filter(({ ready }) => !ready).map(({ name }) => name)
  const uninitialized = view.init.filter((container) => !succeeded(container)).map(({ name }) => name)
  const over = phase === 'Succeeded' ? 'PodCompleted' : phase === 'Failed' ? 'PodFailed' : undefined
  const notReady = { reason: over ?? 'ContainersNotReady', message: over ? '' : `containers with unready status: [${unready.join(' ')}]` }
  const readyContainers = unready.length === 0 && !over
  const gates = (pod.spec.readinessGates ?? []).map(({ conditionType }) => conditionType)
  const closedGates = gates.filter((type) => !pod.status?.conditions?.some((c) => c.type === type && c.status === 'True'))
  const gateReason = {
    reason: 'ReadinessGatesNotReady',
    message: `the status of pod readiness gates [${closedGates.join(' ')}] is not "True"`,
  }
  return [
    { type: 'PodReadyToStartContainers', isTrue: view.podIP !== undefined && !over },
    uninitialized.length === 0
      ? { type: 'Initialized', isTrue: true }
      : {
          type: 'Initialized',
          isTrue: false,
          reason: 'ContainersNotInitialized',
          message: `containers with incomplete status: [${uninitialized.join(' ')}]`,
        },
    {
      type: 'Ready',
      isTrue: readyContainers && closedGates.length === 0,
      ...(readyContainers ? (closedGates.length > 0 ? gateReason : {}) : notReady),
    },
    { type: 'ContainersReady', isTrue: readyContainers, ...(readyContainers ? {} : notReady) },
  ]
}

const condition = ({ type, isTrue, reason, message }: Flag, before: Condition[], now: string): Condition => {
  const status = isTrue ? 'True' : 'False'
  const old = before.find((c) => c.type === type)
  return {
    type,
    status,
    lastProbeTime: null,
    lastTransitionTime: old?.status === status && old.lastTransitionTime ? old.lastTransitionTime : now,
    ...(reason ? { reason } : {}),
    ...(message ? { message } : {}),
  }
}

const qosClass = ({ spec }: Pod): string => {
  const all = [...(spec.initContainers ?? []), ...spec.containers]
  const isEmpty = all.every(({ resources = {} }) => !Object.keys({ ...resources.limits, ...resources.requests }).length)
  if (isEmpty) return 'BestEffort'
  const guaranteed = all.every(({ resources = {} }) =>
    ['cpu', 'memory'].every(
      (name) =>
        resources.limits?.[name] !== undefined &&
        String(resources.requests?.[name] ?? resources.limits[name]) === String(resources.limits[name]),
    ),
  )
  return guaranteed ? 'Guaranteed' : 'Burstable'
}

/** The whole status as the kubelet reports it; conditions of others (PodScheduled, readiness gates) stay. */
export const podStatusOf = (pod: Pod, view: PodView, wallMs: number): PodStatus => {
  const before = pod.status?.conditions ?? []
  const phase = phaseOf(view, pod.spec.restartPolicy ?? 'Always')
  const own = flags(pod, view, phase).map((flag) => condition(flag, before, timestamp(wallMs)))
  const others = before.filter(({ type }) => !own.some((c) => c.type === type))
  return {
    phase,
    conditions: [...own, ...others],
    hostIP: view.hostIP,
    hostIPs: [{ ip: view.hostIP }],
    ...(view.podIP === undefined ? {} : { podIP: view.podIP, podIPs: [{ ip: view.podIP }] }),
    startTime: view.startTime,
    qosClass: qosClass(pod),
    ...view.failure,
    ...(view.init.length > 0 ? { initContainerStatuses: view.init.map(statusOf) } : {}),
    containerStatuses: view.containers.map(statusOf),
  }
}
