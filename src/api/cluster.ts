// Generated from crds/clusters.yaml by `npm run gen`. Do not edit.
import type { Condition, ObjectMeta } from './meta.ts'

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
  /** The ZooKeeper of this Cluster: its own, or one that is there already (external). */
  zookeeper: {
    /** The number of servers: 1, 3, 5 or 7. More than one need image. */
    replicas: number
    /** An image of Apache ZooKeeper 3.9 or later, e.g. zookeeper:3.9. Absent: one server of the Cluster's own image, for tests and small clusters. */
    image?: string
    /** How brokers log in, and whether znodes are theirs alone. Absent: DigestMD5 for a new Cluster; one that runs stays as it is. */
    authentication?: {
      /** DigestMD5: SASL with generated passwords, zookeeper.set.acl is true, and what was open is closed once every broker logs in. None: whoever reaches ZooKeeper can change the cluster. */
      type: 'DigestMD5' | 'None'
    }
    /** Whether servers, brokers and operator talk by TLS, with certificates of the operator's. Absent, they do not. Only a new Cluster can choose. */
    tls?: {
      enabled: boolean
    }
    /** Whether servers of an ensemble answer Prometheus, on port 9404, by Apache's PrometheusMetricsProvider, which must be in the image. Absent, they do not. Another value replaces the servers, one at a time. */
    metrics?: {
      enabled: boolean
    }
    /** A ZooKeeper that is there already. The operator changes nothing about it. */
    external?: {
      /** Kafka's zookeeper.connect: HOST:PORT,HOST:PORT/chroot. */
      connect: string
      /** The login of brokers and operator (SASL DIGEST-MD5). */
      authentication?: {
        /** A Secret of this namespace with the keys username and password. */
        secretRef: {
          name: string
        }
      }
      /** Servers are reached by TLS, at their secureClientPort. */
      tls?: {
        /** A Secret of this namespace with the key ca.crt, and tls.crt and tls.key where the servers ask for a certificate. */
        secretRef: {
          name: string
        }
      }
      /** Kafka's zookeeper.set.acl: only this login may change what brokers make. Absent means false. All brokers of the cluster must log in before. */
      setAcl?: boolean
    }
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
      schedulerName?: string
      runtimeClassName?: string
      /** How long a pod may take to stop. A broker hands its leaders over and closes its logs within ten seconds less. Absent: 60 for brokers, 30 for ZooKeeper. */
      terminationGracePeriodSeconds?: number
      /** Of the pod, where user and group are to be others than 10001; an empty one leaves them to the image or to the platform, as OpenShift wants it. Containers have no rights in any case, and root is refused. */
      securityContext?: {
        runAsUser?: number
        runAsGroup?: number
        fsGroup?: number
        fsGroupChangePolicy?: 'OnRootMismatch' | 'Always'
        supplementalGroups?: number[]
        seLinuxOptions?: {
          level?: string
          role?: string
          type?: string
          user?: string
        }
      }
      dnsPolicy?: 'ClusterFirst' | 'Default' | 'None'
      /** As in a pod. */
      dnsConfig?: {
        nameservers?: string[]
        searches?: string[]
        options?: {
          name: string
          value?: string
        }[]
      }
      /** As in a pod. */
      hostAliases?: {
        ip: string
        hostnames: string[]
      }[]
      /** As in a pod. A group's zone is required besides. */
      affinity?: unknown
      /** As in a pod. Absent, pods are spread over nodes where that can be; an empty list asks for nothing. One without a labelSelector counts the pods of the group. */
      topologySpreadConstraints?: unknown[]
      imagePullSecrets?: {
        name: string
      }[]
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
      schedulerName?: string
      runtimeClassName?: string
      /** How long a pod may take to stop. A broker hands its leaders over and closes its logs within ten seconds less. Absent: 60 for brokers, 30 for ZooKeeper. */
      terminationGracePeriodSeconds?: number
      /** Of the pod, where user and group are to be others than 10001; an empty one leaves them to the image or to the platform, as OpenShift wants it. Containers have no rights in any case, and root is refused. */
      securityContext?: {
        runAsUser?: number
        runAsGroup?: number
        fsGroup?: number
        fsGroupChangePolicy?: 'OnRootMismatch' | 'Always'
        supplementalGroups?: number[]
        seLinuxOptions?: {
          level?: string
          role?: string
          type?: string
          user?: string
        }
      }
      dnsPolicy?: 'ClusterFirst' | 'Default' | 'None'
      /** As in a pod. */
      dnsConfig?: {
        nameservers?: string[]
        searches?: string[]
        options?: {
          name: string
          value?: string
        }[]
      }
      /** As in a pod. */
      hostAliases?: {
        ip: string
        hostnames: string[]
      }[]
      /** As in a pod. A group's zone is required besides. */
      affinity?: unknown
      /** As in a pod. Absent, pods are spread over nodes where that can be; an empty list asks for nothing. One without a labelSelector counts the pods of the group. */
      topologySpreadConstraints?: unknown[]
      imagePullSecrets?: {
        name: string
      }[]
      tolerations?: {
        key?: string
        operator?: 'Exists' | 'Equal'
        value?: string
        effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute'
        tolerationSeconds?: number
      }[]
    }
  }[]
  /** OnScaleUp: partitions move to brokers that are added from then on, as slowly as replication-throttle says. Absent: only new partitions go there. */
  rebalance?: 'OnScaleUp'
  /** Kafka's own keys of server.properties. log.retention.hours is 72 where nothing is said. */
  config?: Record<string, number | string>
  /** Present: brokers of another cluster on the same external ZooKeeper hold places of this Cluster's brokers, by their ids, and are taken over one by one; status says which to stop next. */
  migration?: {
    /** The listener by which those brokers talk to one another, and clients to them. The brokers of this Cluster have it too, and advertise the addresses of their pods on it. */
    listener: {
      /** As in inter.broker.listener.name; PLAINTEXT where they set none. */
      name: string
      /** Of this Cluster's brokers. */
      port: number
      /** As in listener.security.protocol.map. */
      securityProtocol: 'PLAINTEXT'
    }
    /** Replicate: a broker begins with an empty volume and is filled by the others; it is not started where nobody else has a partition. HandOver: its volume holds the log directory of the old broker. Absent means Replicate. */
    data?: 'Replicate' | 'HandOver'
  }
  /** Where clients connect. Absent: one listener, internal, on port 9092 with SCRAM-SHA-512. */
  listeners?: {
    name: string
    port: number
    /** Internal: for clients in the Kubernetes cluster. NodePort, LoadBalancer: for others too, with a Service per broker. Absent means Internal. */
    type?: 'Internal' | 'NodePort' | 'LoadBalancer'
    /** Whether connections are encrypted. Absent, they are not. */
    tls?: {
      enabled: boolean
      /** A Secret in the namespace of the Cluster with tls.crt, tls.key and, where its authority is not publicly known, ca.crt; cert-manager makes such ones. Absent: the operator makes certificates and renews them. */
      secretRef?: {
        name: string
      }
    }
    /** Absent means SCRAM-SHA-512. */
    authentication?: {
      /** TLS: clients show a certificate, as Users with authentication.type TLS have it. Absent means SCRAM. */
      type?: 'SCRAM' | 'TLS'
      mechanisms?: ('SCRAM-SHA-256' | 'SCRAM-SHA-512')[]
    }
    /** Who may connect, where the operator makes network policies: ipBlock, namespaceSelector and podSelector, as in `from` of a NetworkPolicy. Absent: everybody. */
    networkPolicyPeers?: unknown[]
    /** What all Services of the listener have, beside what bootstrap and brokers say of single ones. As in a Service. */
    service?: {
      /** Which load balancer is to be made; cannot be changed. */
      loadBalancerClass?: string
      /** Whom the load balancers let in, e.g. 10.0.0.0/8. Absent: everybody. */
      loadBalancerSourceRanges?: string[]
      /** False: no node ports beside the load balancers, where these need none. Absent means true. */
      allocateLoadBalancerNodePorts?: boolean
      /** Local: clients keep their addresses, and only nodes with brokers answer. Absent means Cluster. */
      externalTrafficPolicy?: 'Cluster' | 'Local'
      /** Absent means SingleStack. */
      ipFamilyPolicy?: 'SingleStack' | 'PreferDualStack' | 'RequireDualStack'
    }
    /** The Service through which clients find the brokers, where it is more than the type says. */
    bootstrap?: {
      /** The name or address that clients use. Absent: that of the load balancer, or of the nodes. */
      host?: string
      /** Absent, Kubernetes chooses one. */
      nodePort?: number
      /** Of the Service. */
      annotations?: Record<string, string>
    }
    /** The Services of single brokers, where they are more than the type says. */
    brokers?: {
      /** The broker's id. */
      id: number
      /** The name or address that clients use. Absent: that of the load balancer, or of the nodes. */
      host?: string
      /** The port that clients are told. Absent: that of the Service. */
      port?: number
      /** Absent, Kubernetes chooses one. */
      nodePort?: number
      /** Of the Service. */
      annotations?: Record<string, string>
    }[]
  }[]
  /** How brokers and the operator talk to brokers, on port 9091, always with SCRAM. */
  interBroker?: {
    /** Whether it is encrypted, with certificates of the operator's. Absent, it is not. Only a new Cluster can choose. */
    tls?: {
      enabled: boolean
    }
  }
  /** Of the certificates, authorities included, that the operator makes. */
  certificates?: {
    /** How long they are valid. Absent means 365. */
    validityDays?: number
    /** How long before their end they are renewed. Absent means 30. */
    renewalDays?: number
  }
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
    type?: string
    bootstrapServers?: string
    /** What clients outside are told of the single brokers. */
    brokers?: {
      id: number
      host?: string
      port?: number
    }[]
    /** The authorities, in PEM, by one of which the brokers are known. */
    certificates?: string[]
  }[]
  brokers?: {
    id: number
    pod?: string
    ready?: boolean
  }[]
  conditions?: Condition[]
}

/** A Kafka-compatible cluster of brokers with its ZooKeeper. */
export type Cluster = { apiVersion: string; kind: string; metadata: ObjectMeta; spec: ClusterSpec; status?: ClusterStatus }

export const clusters: { apiVersion: string; kind: string; plural: string; namespaced: boolean; type?: Cluster } = {
  apiVersion: 'sofakafka.io/v1beta1',
  kind: 'Cluster',
  plural: 'clusters',
  namespaced: true,
}
