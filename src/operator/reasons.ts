import { conditionsOf, type ConditionInput } from '../kube/conditions.ts'
import type { Condition } from '../kube/types.ts'

/** Every reason that a condition or an event of ours can have, with what it means. docs/operator.md lists them for users. */
export const REASONS = {
  Ready: 'everything is as the resource says',
  BrokersNotReady: 'some brokers are not ready yet',
  ZooKeeperNotReady: 'ZooKeeper is not ready yet',
  ZooKeeperChanging: 'servers join the ensemble of ZooKeeper or leave it, one at a time',
  Migrating: 'brokers of another cluster are taken over, one after the other; the message says what to do next',
  MigrationBlocked: 'a broker of another cluster cannot be taken over as things are',
  RollingUpdate: 'pods are being replaced, one after the other',
  RollBlocked: 'the next pod is not replaced: partitions would have fewer in-sync replicas than their topics ask for',
  Draining: 'brokers go when their partitions have been moved to others',
  CannotDrain: 'too few brokers would be left for the replicas of a topic',
  DrainSkipped: 'brokers go although partitions are on them, as the annotation sofakafka.io/skip-drain says',
  Rebalancing: 'partitions move to brokers that were added',
  ReplicasChanging: 'partitions get the replicas that the resource says',
  WaitingForDeletion: 'objects of an earlier Cluster of this name are still being deleted',
  BrokersUnreachable: 'no broker or no ZooKeeper could be reached',
  ClusterNotFound: 'there is no Cluster of the name in clusterRef',
  ClusterDeleting: 'the Cluster is being deleted',
  ClusterNotReady: 'the Cluster has no broker that serves yet',
  NamespaceNotAllowed: 'the Cluster does not allow resources of this namespace',
  NameNotAllowed: 'the name, or a name in the rules, is reserved or has none of the allowed prefixes',
  ResourceConflict: 'an older resource owns the same thing',
  SecretConflict: "a Secret of the needed name is somebody else's",
  SecretNotFound: 'the Secret with the password, or its key, is not there',
  SecretInvalid: 'what the Secret holds cannot be used',
  PartitionsCannotShrink: 'the topic has more partitions than the resource says',
  TooFewBrokers: 'the resource says more replicas than there are brokers',
  StepFailed: 'a part of the work failed, the others went on; it is tried again',
  VolumesGrowing: 'volumes become as large as the resource says',
  VolumeCannotGrow: 'Kubernetes refused to enlarge a volume',
  VolumeLargerThanSpec: 'a volume is larger than the resource says; it stays so',
  KafkaRefused: 'Kafka answered with an error',
  DefinitionsOutdated: 'the installed definitions lack fields that the operator knows',
  Timeout: 'a reconcile took too long and was given up; it is tried again',
  ReconcileFailed: 'reconciles failed several times in a row; it is tried again',
  ListenerNotFound: 'the Cluster has no listener where this login would do',
  AddressPending: 'a load balancer or a Service has no address yet that clients can be told',
  CertificateInvalid: 'a Secret with a certificate is missing or cannot be used; what was there before stays in use',
  CertificateExpiring: 'a certificate that the operator does not make ends soon',
  CertificateRenewed: 'a certificate or an authority was made anew',
  Adopted: 'a topic that was there already is looked after from now on',
  Created: 'something was made',
  Changed: 'something was changed',
  Deleted: 'something was deleted',
  ConfigChangeRequiresRestart: 'a pod was deleted because keys of its configuration changed that Kafka takes only at its start',
  Restarted: 'a pod was deleted so that it comes back with the new settings',
} as const
export type Reason = keyof typeof REASONS

/** How a resource is: ready; on its way without anybody's help; or stalled until somebody changes something. */
export type Verdict = { state: 'ready' | 'reconciling' | 'stalled'; reason: Reason; message: string }

export const READY: Verdict = { state: 'ready', reason: 'Ready', message: 'everything is as the resource says' }
export const reconciling = (reason: Reason, message: string): Verdict => ({ state: 'reconciling', reason, message })
export const stalled = (reason: Reason, message: string): Verdict => ({ state: 'stalled', reason, message })

/** `Ready` always; `Reconciling` and `Stalled`, which kstatus reads, only while True; then what is for information. */
export const conditionsOfVerdict = (
  { state, reason, message }: Verdict,
  generation: number,
  before: readonly Condition[] | undefined,
  nowMs: number,
  information: readonly (ConditionInput & { reason: Reason })[] = [],
): Condition[] => {
  const base = { reason, message, observedGeneration: generation }
  const ready: ConditionInput = { ...base, type: 'Ready', status: state === 'ready' ? 'True' : 'False' }
  const more: ConditionInput[] = []
  if (state === 'reconciling') more.push({ ...base, type: 'Reconciling', status: 'True' })
  if (state === 'stalled') more.push({ ...base, type: 'Stalled', status: 'True' })
  return conditionsOf(before, [ready, ...more, ...information], nowMs)
}
