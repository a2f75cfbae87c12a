import type { SecretData } from '../../kube/secret-data.ts'
import type { Security } from '../zookeeper/security.ts'

/** `host` is undefined where it is the node's on which the pod runs. */
export type BrokerAddress = { id: number; host: string | undefined; port: number }

/** What rendering must know of listeners beside the spec. */
export type ListenerFacts = {
  /** What clients outside are told, by listener; brokers whose address is not known yet are not in it. */
  addresses: ReadonlyMap<string, readonly BrokerAddress[]>
  /** What clients outside connect to first, HOST:PORT,... by listener. */
  bootstrap: ReadonlyMap<string, string>
  /** The authorities by which the brokers are known, PEM, by listener; none: everybody knows them. */
  authorities: Map<string, readonly string[]>
  /** What brokers cannot start without and is not there yet. */
  waitsFor: string[]
}

/** What rendering must know of ZooKeeper beside the spec. */
export type ZooKeeperFacts = {
  security: Security
  /** The data of the Secret with the logins; undefined: nobody logs in. */
  login?: SecretData
  /** Whether brokers show ZooKeeper a certificate. */
  hasTlsKey?: boolean
  /** Of an ensemble: how many servers run, and which of them are members. */
  ensemble?: { replicas: number; members: readonly number[] }
}

/** Where the operator's own pods are, for rules that let them in. */
export type OperatorPods = { namespace: string; labels: Record<string, string> }

/** Brokers that a StatefulSet runs and the spec does not have as they are. */
export type RemovedGroup = { name: string; firstId: number; replicas: number }

/** The listener that the old brokers and ours have in common. */
export type SharedListener = { name: string; port: number; securityProtocol: string }
/** `isInterBroker`: brokers talk by it. Afterwards it is only there for those that still do. */
export type Shared = { listener: SharedListener; isInterBroker: boolean }

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
