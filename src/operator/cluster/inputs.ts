import type { OperatorPods } from './access.ts'
import type { RemovedGroup } from './moves/groups.ts'
import type { ListenerFacts } from './listeners/listeners.ts'
import type { Shared } from '../migration/listener.ts'
import type { ZooKeeperFacts } from './zookeeper.ts'

/** What rendering needs beside the Cluster itself. */
export type Inputs = {
  image: string
  /** pod-dns: brokers advertise the names of their pods; pod-ip: their addresses, for clients that cannot resolve the names. */
  advertise: 'pod-dns' | 'pod-ip'
  /** By group: how many brokers more than the spec says still run, because partitions are on them. */
  staying?: ReadonlyMap<string, number>
  /** Groups that the spec no longer has, whose brokers still run because partitions are on them. */
  removed?: readonly RemovedGroup[]
  /** Who is let in besides by network policies; absent: there are none. */
  operatorPods?: OperatorPods
  listeners?: ListenerFacts
  zookeeper?: ZooKeeperFacts
  /** The listener that brokers share with those of the cluster that is taken over. */
  shared?: Shared
  /** By group: how many brokers run while others hold the places of the rest. */
  replicas?: ReadonlyMap<string, number>
}
