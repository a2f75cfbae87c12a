/** Which faults a run has and when: drawn from the seed alone, so that a seed replays its schedule. Pure. */
import { Random } from '../support/random.ts'

/** Ends of links: a broker by its id, the clients of the harness, ZooKeeper. */
export type End = number | 'clients' | 'zookeeper'
/** refuse: connections end and new ones are refused; swallow: bytes stop and nobody is told. */
export type Cut = 'refuse' | 'swallow'

export type Fault = { atMs: number } & (
  | { kind: 'kill'; broker: number; forMs: number }
  | { kind: 'pause'; broker: number; forMs: number }
  | { kind: 'cut'; ends: [End, End]; how: Cut; forMs: number }
  /** From all other brokers, from ZooKeeper too where `also` says so; clients still reach it. */
  | { kind: 'isolate'; broker: number; also: boolean; how: Cut; forMs: number }
  | { kind: 'slow'; ends: [End, End]; delayMs: number; forMs: number }
  /** A disk that is full or fails stays so for a time; then the broker is started again, as its operator would do. */
  | { kind: 'disk-full'; broker: number; directory: number; forMs: number }
  | { kind: 'io-error'; broker: number; directory: number; on: 'write' | 'sync' | 'read'; forMs: number }
  /** Waits until all replicas are in sync: what is promised then stands in docs/faults.md. */
  | { kind: 'power-loss'; brokers: readonly number[]; forMs: number }
  | { kind: 'zookeeper-restart' }
  | { kind: 'zookeeper-absence'; forMs: number }
  | { kind: 'clock-jump'; broker: number; byMs: number }
  | { kind: 'rolling-restart' }
  | { kind: 'reassign'; topic: string; partition: number; replicas: readonly number[]; cancelAfterMs: number | undefined }
  | { kind: 'elect'; topic: string; partition: number }
  | { kind: 'controller-move' }
)
export type FaultKind = Fault['kind']

export type ScheduleOptions = {
  seed: number
  /** The last fault has ended by then. */
  durationMs: number
  brokers: readonly number[]
  replicationFactor: number
  topics: readonly { topic: string; partitions: number }[]
  sessionTimeoutMs: number
  /** How many brokers lose their power at once, at most; 2 where nothing else is said. */
  mostPowerLosses?: number
  /** Only these; absent: all that the replication factor allows. */
  kinds?: readonly FaultKind[]
}

/** How often each kind is drawn, relative to the others. */
const WEIGHTS: Record<FaultKind, number> = {
  kill: 5,
  pause: 3,
  cut: 3,
  isolate: 3,
  slow: 2,
  'disk-full': 1,
  'io-error': 2,
  'power-loss': 3,
  'zookeeper-restart': 2,
  'zookeeper-absence': 1,
  'clock-jump': 1,
  'rolling-restart': 1,
  reassign: 4,
  elect: 2,
  'controller-move': 2,
}
export const FAULT_KINDS = Object.keys(WEIGHTS) as FaultKind[]
/** With one replica there is nobody who still has what was not synced, and nobody to move to. */
const NEEDS_REPLICAS: readonly FaultKind[] = ['power-loss', 'reassign', 'elect']

const FIRST_AT_MS = 2000
/** A rolling restart needs this long for three brokers; the others say it themselves. */
const ROLLING_MS = 15_000
const HOUR_MS = 3_600_000

const lengthOf = (fault: Fault): number => ('forMs' in fault ? fault.forMs : fault.kind === 'rolling-restart' ? ROLLING_MS : 0)

class Draw {
  readonly #options: ScheduleOptions
  readonly #random: Random

  constructor(options: ScheduleOptions) {
    this.#options = options
    this.#random = new Random(options.seed)
  }

  pauseMs(): number {
    return this.#random.between(1500, 6000)
  }

  kind(kinds: readonly FaultKind[]): FaultKind {
    let at = this.#random.next() * kinds.reduce((sum, kind) => sum + WEIGHTS[kind], 0)
    return kinds.find((kind) => (at -= WEIGHTS[kind]) < 0) ?? kinds.at(-1)!
  }

  #broker(): number {
    return this.#random.pick(this.#options.brokers)
  }

  #ends(): [End, End] {
    const from = this.#broker()
    const others = this.#options.brokers.filter((broker) => broker !== from)
    return [from, this.#random.pick<End>([...others, ...others, 'clients', 'zookeeper'])]
  }

  #cut(): Cut {
    return this.#random.pick<Cut>(['refuse', 'swallow'])
  }

  #place(): { topic: string; partition: number } {
    const { topic, partitions } = this.#random.pick(this.#options.topics)
    return { topic, partition: this.#random.between(0, partitions - 1) }
  }

  #replicas(): number[] {
    const { brokers, replicationFactor } = this.#options
    const least = Math.max(1, replicationFactor - 1)
    return this.#random.shuffled(brokers).slice(0, this.#random.between(least, replicationFactor))
  }

  fault(kind: FaultKind, atMs: number): Fault {
    const { sessionTimeoutMs, brokers, mostPowerLosses = 2 } = this.#options
    const random = this.#random
    const beyondSessionMs = () => sessionTimeoutMs + random.between(500, 4000)
    switch (kind) {
      case 'kill':
        return { atMs, kind, broker: this.#broker(), forMs: random.pick([0, 500, beyondSessionMs()]) }
      case 'pause':
        return { atMs, kind, broker: this.#broker(), forMs: beyondSessionMs() }
      case 'cut':
        return { atMs, kind, ends: this.#ends(), how: this.#cut(), forMs: random.between(1000, 10_000) }
      case 'isolate':
        return { atMs, kind, broker: this.#broker(), also: random.pick([true, false]), how: this.#cut(), forMs: beyondSessionMs() }
      case 'slow':
        return { atMs, kind, ends: this.#ends(), delayMs: random.between(20, 400), forMs: random.between(3000, 10_000) }
      case 'disk-full':
        return { atMs, kind, broker: this.#broker(), directory: random.between(0, 1), forMs: random.between(2000, 8000) }
      case 'io-error': {
        const on = random.pick(['write', 'sync', 'read'] as const)
        return { atMs, kind, broker: this.#broker(), directory: random.between(0, 1), on, forMs: random.between(2000, 8000) }
      }
      case 'power-loss':
        return {
          atMs,
          kind,
          brokers: random.shuffled(brokers).slice(0, random.between(1, mostPowerLosses)),
          forMs: random.pick([0, beyondSessionMs()]),
        }
      case 'zookeeper-absence':
        return { atMs, kind, forMs: random.between(2000, 2 * sessionTimeoutMs + 4000) }
      case 'clock-jump':
        return { atMs, kind, broker: this.#broker(), byMs: random.pick([-1, 1]) * random.between(1000, 20 * HOUR_MS) }
      case 'reassign': {
        const cancelAfterMs = random.pick([undefined, undefined, random.between(0, 500)])
        return { atMs, kind, ...this.#place(), replicas: this.#replicas(), cancelAfterMs }
      }
      case 'elect':
        return { atMs, kind, ...this.#place() }
      default:
        return { atMs, kind }
    }
  }
}

/** The faults of a run in the order of their times. They may overlap, but each has ended at `durationMs`. */
export const drawSchedule = (options: ScheduleOptions): Fault[] => {
  const allowed = options.replicationFactor > 1 ? FAULT_KINDS : FAULT_KINDS.filter((kind) => !NEEDS_REPLICAS.includes(kind))
  const kinds = options.kinds ? allowed.filter((kind) => options.kinds!.includes(kind)) : allowed
  const draw = new Draw(options)
  const faults: Fault[] = []
  for (let atMs = FIRST_AT_MS; kinds.length > 0 && atMs < options.durationMs; atMs += draw.pauseMs()) {
    const fault = draw.fault(draw.kind(kinds), atMs)
    if (atMs + lengthOf(fault) <= options.durationMs) faults.push(fault)
  }
  return faults
}

/** One line: what, whom, for how long. */
export const describeFault = ({ atMs, kind, ...rest }: Fault): string => {
  const details = Object.entries(rest).map(([key, value]) => `${key} ${Array.isArray(value) ? value.join(',') : String(value)}`)
  return [`${(atMs / 1000).toFixed(1)} s`.padStart(8), kind, ...details].join('  ')
}

export const countFaults = (faults: readonly Fault[]): Partial<Record<FaultKind, number>> => {
  const counts: Partial<Record<FaultKind, number>> = {}
  for (const { kind } of faults) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}
