import type { MonotonicClock } from '../../base/clock.ts'
import type { Container, Probe } from '../objects.ts'
import type { Prober, ProbeResult } from './prober.ts'

export type ProbeTarget = {
  /** The pod's address. */
  host: string
  container: Container
  /** The port where a container port is reached: the same one, except on a shared address. */
  hostPort: (containerPort: number) => number
}

const portOf = (port: number | string, { container, hostPort }: ProbeTarget): number | undefined => {
  const named = container.ports?.find(({ name }) => name === port)?.containerPort
  const number = named ?? Number(port)
  return Number.isInteger(number) ? hostPort(number) : undefined
}

/** One attempt. */
export const probeOnce = (probe: Probe, target: ProbeTarget, prober: Prober): Promise<ProbeResult> => {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000
  const action = probe.httpGet ?? probe.tcpSocket
  if (!action)
    return Promise.resolve({
      ok: false,
      message: 'the local mode probes by httpGet and tcpSocket only; exec and grpc probes need a real cluster',
    })
  const port = portOf(action.port, target)
  if (port === undefined) return Promise.resolve({ ok: false, message: `the container has no port named ${action.port}` })
  const host = action.host ?? target.host
  if (!probe.httpGet) return prober.tcp(host, port, timeoutMs)
  const { scheme = 'HTTP', path = '/', httpHeaders = [] } = probe.httpGet
  const headers = Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value]))
  return prober.http(`${scheme.toLowerCase()}://${host}:${port}${path.startsWith('/') ? path : `/${path}`}`, headers, timeoutMs)
}

/** Until its first success a readiness or startup probe is tried this often, not once in its period: a local pod is ready in milliseconds. */
const EAGER_PERIOD_MS = 100
/** A pod that is not ready by then is probed at its own pace. */
const EAGER_FOR_MS = 30_000

/** Counts results in a row and gives a verdict each time it changes. */
class Verdict {
  readonly #probe: Probe
  #verdict: boolean | undefined
  #ok = true
  #count = 0

  constructor(probe: Probe) {
    this.#probe = probe
  }

  /** True when the verdict is new. */
  add(ok: boolean): boolean {
    this.#count = ok === this.#ok ? this.#count + 1 : 1
    this.#ok = ok
    const threshold = ok ? (this.#probe.successThreshold ?? 1) : (this.#probe.failureThreshold ?? 3)
    if (this.#count < threshold || this.#verdict === ok) return false
    this.#verdict = ok
    return true
  }
}

/**
 * Tries until the signal aborts, and tells each change of verdict (thresholds passed), the first one included.
 * `eager`: short pauses until the first success; the failure threshold still counts only attempts that are a period apart.
 */
export const watchProbe = async (
  probe: Probe,
  attempt: () => Promise<ProbeResult>,
  tell: (result: ProbeResult) => void,
  around: { clock: MonotonicClock; signal: AbortSignal; eager: boolean },
): Promise<void> => {
  const { clock, signal } = around
  const periodMs = (probe.periodSeconds ?? 10) * 1000
  const verdict = new Verdict(probe)
  let countedMs = Number.NEGATIVE_INFINITY
  if (probe.initialDelaySeconds) await clock.sleep(probe.initialDelaySeconds * 1000, signal)
  let eagerUntilMs = around.eager ? clock.nowMs() + EAGER_FOR_MS : Number.NEGATIVE_INFINITY
  while (!signal.aborted) {
    const result = await attempt()
    if (signal.aborted) return
    const nowMs = clock.nowMs()
    if (result.ok || nowMs >= eagerUntilMs || nowMs - countedMs >= periodMs) {
      countedMs = nowMs
      if (verdict.add(result.ok)) tell(result)
    }
    if (result.ok) eagerUntilMs = Number.NEGATIVE_INFINITY
    await clock.sleep(nowMs < eagerUntilMs ? Math.min(EAGER_PERIOD_MS, periodMs) : periodMs, signal)
  }
}
