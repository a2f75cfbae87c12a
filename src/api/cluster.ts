// Generated from crds/clusters.yaml by `npm run gen`. Do not edit.
import type { ObjectMeta } from './meta.ts'

export type ClusterSpec = {
  /** The image of brokers and ZooKeeper. Absent, it stays what it is; a new Cluster gets the operator's own. A new operator alone restarts nothing. */
  image?: string
  /** What happens to broker volumes, ZooKeeper volumes and generated Secrets when the Cluster is deleted. */
  deletionPolicy: 'Retain' | 'Delete'
  /** Other namespaces whose Topics, Users and Acls may refer to this Cluster. Absent, only those of its own namespace may. */
  allowedNamespaces?: {
    name: string
    /** What the names of its topics, groups, transactional ids and users begin with. */
    prefixes: string[]
  }[]
  /** The ZooKeeper of this Cluster. */
  zookeeper: {
    /** The number of servers. */
    replicas: number
    /** The volume of each pod. */
    storage: {
      /** For example 500Gi. */
      size: string
      /** Absent, the default class of the Kubernetes cluster. */
      storageClassName?: string
    }
    /** Requests and limits of the container, as in a pod. */
    resources?: {
      requests?: Record<string, number | string>
      limits?: Record<string, number | string>
    }
    /** What else the pods get. */
    template?: {
      labels?: Record<string, string>
      annotations?: Record<string, string>
      nodeSelector?: Record<string, string>
      priorityClassName?: string
      tolerations?: {
        key?: string
        operator?: 'Exists' | 'Equal'
        value?: string
        effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute'
        tolerationSeconds?: number
      }[]
    }
  }
  /** Groups of equal brokers. A broker's id is firstId plus its number in the group; its pod is CLUSTER-GROUP-ID. */
  brokers: {
    /** kafka, or a name that ends with -kafka, by which dashboards select the pods. */
    name: string
    /** The number of brokers. */
    replicas: number
    /** The id of the first broker; absent means 0. */
    firstId?: number
    /** The zone (topology.kubernetes.io/zone) of the nodes, and broker.rack. */
    zone?: string
    /** Requests, limits and a volume: 4 CPUs, 8 GiB and 500Gi, or 16 CPUs, 60 GiB and 2Ti. resources and storage override it. */
    flavor?: '4C8G' | '16C60G'
    /** The volume of each pod. */
    storage?: {
      /** For example 500Gi. */
      size: string
      /** Absent, the default class of the Kubernetes cluster. */
      storageClassName?: string
    }
    /** Requests and limits of the container, as in a pod. */
    resources?: {
      requests?: Record<string, number | string>
      limits?: Record<string, number | string>
    }
    /** What else the pods get. */
    template?: {
      labels?: Record<string, string>
      annotations?: Record<string, string>
      nodeSelector?: Record<string, string>
      priorityClassName?: string
      tolerations?: {
        key?: string
        operator?: 'Exists' | 'Equal'
        value?: string
        effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute'
        tolerationSeconds?: number
      }[]
    }
  }[]
  /** Kafka's own keys of server.properties. log.retention.hours is 72 where nothing is said. */
  config?: Record<string, number | string>
  /** Where clients connect. Absent: one listener, internal, on port 9092 with SCRAM-SHA-512. */
  listeners?: {
    name: string
    port: number
    /** Internal: for clients in the Kubernetes cluster. Absent means Internal. */
    type?: 'Internal'
    /** Absent means SCRAM-SHA-512. */
    authentication?: {
      mechanisms: ('SCRAM-SHA-256' | 'SCRAM-SHA-512')[]
    }
  }[]
  /** Present: ACLs are checked, and who has none may do nothing. Absent: whoever logs in may do everything. */
  authorization?: {
    /** Principals that may do everything. The operator and the brokers are always among them. */
    superUsers?: string[]
  }
}

export type ClusterStatus = {
  observedGeneration?: number
  /** What Kafka calls cluster.id. */
  clusterId?: string
  image?: string
  /** Ready and wanted brokers, e.g. 2/3. */
  readyBrokers?: string
  listeners?: {
    name: string
    bootstrapServers?: string
  }[]
  brokers?: {
    id: number
    pod?: string
    ready?: boolean
  }[]
  conditions?: {
    type: string
    status: 'True' | 'False' | 'Unknown'
    observedGeneration?: number
    lastTransitionTime: string
    reason: string
    message: string
  }[]
}

/** A Kafka-compatible cluster of brokers with its ZooKeeper. */
export type Cluster = { apiVersion: string; kind: string; metadata: ObjectMeta; spec: ClusterSpec; status?: ClusterStatus }

export const clusters: { apiVersion: string; kind: string; plural: string; namespaced: boolean; type?: Cluster } = {
  apiVersion: 'sofakafka.io/v1beta1',
  kind: 'Cluster',
  plural: 'clusters',
  namespaced: true,
}
