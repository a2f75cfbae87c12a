import type { MonotonicClock, WallClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { EventRecorder } from '../kube/event-recorder.ts'
import type { Kube } from '../kube/types.ts'
import type { CertificateEnds } from './certificates/ends.ts'
import type { MissingField } from './definitions.ts'
import type { OperatorPods } from './cluster/inputs.ts'
import type { Contacts } from './kafka/contact.ts'
import type { LookAtCluster } from './migration/old-cluster.ts'
import type { Reason } from './reasons.ts'
import type { Store } from './store.ts'
import type { SettledUsers } from './user/settled.ts'
import type { Ensembles } from './zookeeper/ensembles.ts'

/** What every reconciler has. */
export type Environment = {
  kube: Kube
  store: Store
  contacts: Contacts
  ensembles: Ensembles
  lookAtCluster: LookAtCluster
  events: EventRecorder<Reason>
  certificateEnds: CertificateEnds
  settledUsers: SettledUsers
  clock: MonotonicClock
  wall: WallClock
  logger: Logger
  /** The operator's own image, for Clusters that name none. */
  image: string
  advertise: 'pod-dns' | 'pod-ip'
  /** What this operator knows and the installed definitions do not. */
  missingFields: () => readonly MissingField[]
  /** Where the operator's own pods are: network policies let them in. Absent: it makes no network policies. */
  operatorPods?: OperatorPods
  /** The namespaces that are watched. Empty: all, and what is in no namespace may be read too. */
  watched: readonly string[]
}

/** A whole look again, even when nothing seems to have changed: what drifted in Kafka is put right then. */
export const RESYNC_MS = 300_000
