import type { Cluster } from '../../api/index.ts'
import type { StatefulSet } from '../../kube/resources.ts'
import { keyText, keyOf, type KubeObject } from '../../kube/types.ts'
import type { Environment } from '../environment.ts'
import { reconciling, type Reason, type Verdict } from '../reasons.ts'
import type { Inputs } from './inputs.ts'
import type { ClusterSeen } from './observe.ts'
import type { ServerPlace } from '../zookeeper/ensembles.ts'
import type { Change } from '../zookeeper/membership.ts'
import type { Contact } from '../kafka/contact.ts'

/** What the brokers said; empty while nobody answers. */
export type KafkaFacts = {
  contact?: Contact
  clusterId?: string
  controllerId?: number
  brokerIds?: readonly number[]
  isAwaited?: boolean
}

/** What one look at a Cluster works with; each field has the step that fills it in. */
export type Pass = {
  readonly environment: Environment
  readonly cluster: Cluster
  readonly seen: ClusterSeen
  /** What the steps before `render` find out for it. */
  readonly inputs: Inputs
  /** From `render` on. */
  objects: KubeObject[]
  statefulSets: StatefulSet[]
  /** From `ask Kafka` on; empty while nobody answers. */
  kafka: KafkaFacts
  /** Of an ensemble that the operator runs: who leads (the id, from 1 on), and the change of members that is to be made once it is written down. */
  zooKeeper?: { servers: readonly ServerPlace[]; leader: number | undefined; change?: Change }
  /** Pods to restart although their settings are those of now, with the reason: completes "Pod x is replaced: ". */
  readonly restarts: Map<string, string>
  /** Kafka refused what the spec says: files and templates of brokers stay as they are, or the next start would fail. */
  keepsSettings?: boolean
  /** Why no pod may be replaced now: something that its successor needs is not there. */
  hold: string | undefined
}

/** What the user should know although the Cluster is as the resource says; it becomes the condition Degraded. */
export type Warning = { reason: Reason; message: string }
/** What keeps the Cluster from being Ready, and what is worth knowing besides. */
export type Finding = { verdict?: Verdict; warnings?: readonly Warning[]; requeueAfterMs?: number }
/** Without what a vital step finds out nothing may be rendered: when it fails, or stalls, those after it are not run. */
export type Step = { name: string; isVital?: boolean; run(pass: Pass): Promise<Finding | undefined> }

/** Runs every step in order. One that fails does not keep the others from their work; its error becomes a verdict. */
export const runSteps = async (steps: readonly Step[], pass: Pass): Promise<Finding[]> => {
  const findings: Finding[] = []
  for (const step of steps) {
    try {
      const finding = await step.run(pass)
      if (finding) findings.push(finding)
      if (step.isVital && finding?.verdict?.state === 'stalled') return findings
    } catch (error) {
      const key = keyText(keyOf(pass.cluster))
      pass.environment.logger.warn({ cluster: key, step: step.name, err: error }, 'a step failed')
      findings.push({ verdict: reconciling('StepFailed', `${step.name}: ${(error as Error).message}`) })
      if (step.isVital) return findings
    }
  }
  return findings
}

const MESSAGE_LIMIT = 2000

/** One verdict of many: one that needs the user goes first, then in the order of the steps; the messages of all are in it. */
export const verdictOfAll = (findings: readonly Finding[]): Verdict | undefined => {
  const verdicts = findings.flatMap(({ verdict }) => (verdict && verdict.state !== 'ready' ? [verdict] : []))
  const first = verdicts.find(({ state }) => state === 'stalled') ?? verdicts[0]
  if (!first) return undefined
  const others = verdicts.filter((verdict) => verdict !== first)
  return {
    ...first,
    message: [first, ...others]
      .map(({ message }) => message)
      .join('; ')
      .slice(0, MESSAGE_LIMIT),
  }
}
