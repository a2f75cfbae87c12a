import type { AclAdmin } from '../../../src/client/acl-admin.ts'
import type { Admin, ConfigChange, ConfigValue, NewTopic, Outcomes, TopicDescription } from '../../../src/client/admin.ts'
import { monotonicClock } from '../../../src/base/clock.ts'
import { keyText, type Key } from '../../../src/kube/types.ts'
import {
  Unreachable,
  type Contact,
  type Contacts,
  type OwnerRecord,
  type RecordKind,
  type Records,
} from '../../../src/operator/kafka/contact.ts'
import { BatchedAdmin } from '../../../src/operator/kafka/batched-admin.ts'
import { KafkaError } from '../../../src/protocol/errors.ts'
import { FakeBrokerConfigs } from './fake-broker-configs.ts'
import { FakePartitions } from './fake-partitions.ts'
import { bindingKey, matchesFilter, type AclBinding } from '../../../src/security/acl.ts'
import { credentialOfPassword, type ScramCredential, type ScramMechanism } from '../../../src/security/scram.ts'

type Topic = { partitions: number; config: Map<string, string> }

/** What a Kafka cluster keeps, in memory, with the calls that the operator makes on it. `writes` counts every call that changes something. */
export class FakeKafka {
  readonly topics = new Map<string, Topic>()
  readonly partitions = new FakePartitions((what) => void this.writes.push(what))
  /** What the brokers registered. */
  readonly endpoints = new Map<number, string[]>()
  readonly brokerConfigs = new FakeBrokerConfigs((what) => void this.writes.push(what))
  readonly users = new Map<string, Map<ScramMechanism, ScramCredential>>()
  readonly bindings = new Map<string, AclBinding>()
  readonly recorded = new Map<string, OwnerRecord>()
  writes: string[] = []
  /** How often each call came, whatever was in it. */
  readonly requests = { createTopics: 0 }
  isReachable = true
  refuseTopics: KafkaError | undefined
  /** Which topics are not made, and why. */
  refuse: (topic: NewTopic) => KafkaError | undefined = () => this.refuseTopics

  readonly admin: Pick<Admin, keyof Admin> = {
    describeTopics: async (names) => {
      const found = names.filter((name) => this.topics.has(name))
      return new Map(
        found.map((name): [string, TopicDescription] => {
          const { partitions } = this.topics.get(name)!
          const counts = this.partitions.of(name).map(({ replicas }) => replicas.length)
          return [name, { name, partitions, replicationFactor: counts[0]!, isUniform: new Set(counts).size === 1 }]
        }),
      )
    },
    describeTopicConfigs: async (names) =>
      new Map(
        names.map((name): [string, Map<string, ConfigValue>] => {
          const own = [...(this.topics.get(name)?.config ?? [])].map(([key, value]): [string, ConfigValue] => [
            key,
            { value, isTopicOverride: true },
          ])
          return [name, new Map([['segment.bytes', { value: '1073741824', isTopicOverride: false }], ...own])]
        }),
      ),
    createTopics: async (topics: readonly NewTopic[]) => {
      this.requests.createTopics++
      return this.#each(
        topics,
        ({ name }) => name,
        (topic) => {
          const refusal = this.refuse(topic)
          if (refusal) return refusal
          const { partitions = 1, replicationFactor = 1, config = {} } = topic
          this.topics.set(topic.name, { partitions, config: new Map(Object.entries(config)) })
          this.partitions.make(topic.name, partitions, replicationFactor)
        },
        'create',
      )
    },
    deleteTopics: async (names) => {
      // A pass that has its contact already loses it too.
      if (!this.isReachable) throw new Unreachable('no broker serves')
      return this.#each(
        names,
        (name) => name,
        (name) => {
          this.partitions.forget(name)
          return this.topics.delete(name) ? undefined : new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
        },
        'delete',
      )
    },
    createPartitions: async (topics) =>
      this.#each(
        topics,
        ({ name }) => name,
        ({ name, partitions }) => {
          this.topics.get(name)!.partitions = partitions
          this.partitions.make(name, partitions, this.partitions.of(name)[0]!.replicas.length)
        },
        'grow',
      ),
    alterTopicConfigs: async (changes: readonly ConfigChange[]) =>
      this.#each(
        changes,
        ({ topic }) => topic,
        ({ topic, changes: keys }) => {
          for (const { key, value } of keys) {
            if (value === null) this.topics.get(topic)!.config.delete(key)
            else this.topics.get(topic)!.config.set(key, value)
          }
        },
        'alter',
      ),
    setScramPasswords: async (passwords) => {
      const made = new Map<string, ScramCredential>()
      for (const { user, mechanism, password } of passwords) made.set(user, await this.admin.setScramPassword(user, mechanism, password))
      return made
    },
    setScramPassword: async (user, mechanism, password) => {
      this.writes.push(`scram ${user} ${mechanism}`)
      const credentials = this.users.get(user) ?? new Map<ScramMechanism, ScramCredential>()
      const credential = await credentialOfPassword(mechanism, password)
      this.users.set(user, credentials.set(mechanism, credential))
      return credential
    },
    deleteScramUser: async (user, mechanism) => {
      this.writes.push(`scram delete ${user} ${mechanism}`)
      this.users.get(user)?.delete(mechanism)
      if (this.users.get(user)?.size === 0) this.users.delete(user)
    },
  }

  readonly acls: Pick<AclAdmin, keyof AclAdmin> = {
    describe: async (filter) => [...this.bindings.values()].filter((binding) => matchesFilter(filter, binding)),
    create: async (bindings) => {
      for (const binding of bindings) {
        this.writes.push(`acl ${binding.principal}`)
        this.bindings.set(bindingKey(binding), binding)
      }
    },
    delete: async (bindings) => {
      for (const binding of bindings) {
        this.writes.push(`acl delete ${binding.principal}`)
        this.bindings.delete(bindingKey(binding))
      }
    },
  }

  readonly records = this.recordsOf('')

  /** Those of the operator whose home this is; `recorded` has them all, by HOME KIND/NAME, without a space where HOME is ''. */
  recordsOf(home: string): Records {
    const keyOf = (kind: RecordKind, name: string) => `${home}${home && ' '}${kind}/${name}`
    const namesOf = (kind: RecordKind) =>
      [...this.recorded]
        .map(([key, record]) => ({ key, record, name: /(\w+)\/(.*)$/.exec(key)!.slice(1) }))
        .filter(({ name }) => name[0] === kind)
    return {
      get: async (kind, name) => this.recorded.get(keyOf(kind, name)),
      put: async (kind, name, record) => {
        if (JSON.stringify(this.recorded.get(keyOf(kind, name))) === JSON.stringify(record)) return
        this.writes.push(`record ${keyOf(kind, name)}`)
        this.recorded.set(keyOf(kind, name), record)
      },
      delete: async (kind, name) => {
        if (this.recorded.delete(keyOf(kind, name))) this.writes.push(`record delete ${keyOf(kind, name)}`)
      },
      list: async (kind) => [...new Set(namesOf(kind).map(({ name }) => name[1]!))],
      others: async (kind, name) =>
        namesOf(kind).flatMap((one) => (one.name[1] === name && one.key !== keyOf(kind, name) ? [one.record] : [])),
    }
  }

  readonly contact: Contact = this.contactOf(this.records)

  contactOf(records: Records): Contact {
    return {
      admin: new BatchedAdmin(this.admin as Admin, monotonicClock),
      partitions: this.partitions,
      brokerConfigs: this.brokerConfigs,
      acls: this.acls,
      records,
      scramCredential: async (user, mechanism) => this.users.get(user)?.get(mechanism),
      endpoints: async () => this.endpoints,
      protectZnodes: async () => 0,
      describeCluster: async () => ({ clusterId: 'fake-cluster-id', controllerId: 1, brokers: this.partitions.brokers }),
    }
  }

  #each<I>(inputs: readonly I[], nameOf: (input: I) => string, act: (input: I) => KafkaError | undefined | void, what: string): Outcomes {
    return new Map(
      inputs.map((input) => {
        this.writes.push(`${what} ${nameOf(input)}`)
        return [nameOf(input), act(input) ?? undefined]
      }),
    )
  }
}

/** One fake per Cluster. `unreachableForMs` is what `unreachableMs` says while a fake is not reachable. */
export class FakeContacts implements Contacts {
  readonly kafkas: Map<string, FakeKafka>
  unreachableForMs = 0
  readonly #home: string

  /** Another operator's contacts to the same fakes have another home. */
  constructor(home = '', kafkas = new Map<string, FakeKafka>()) {
    this.#home = home
    this.kafkas = kafkas
  }

  kafka(cluster: Key): FakeKafka {
    const text = keyText(cluster)
    const kafka = this.kafkas.get(text) ?? new FakeKafka()
    this.kafkas.set(text, kafka)
    return kafka
  }

  async get(cluster: Key): Promise<Contact> {
    const kafka = this.kafka(cluster)
    if (!kafka.isReachable) throw new Unreachable('no broker serves')
    return this.#home ? kafka.contactOf(kafka.recordsOf(this.#home)) : kafka.contact
  }

  unreachableMs(cluster: Key): number {
    return this.kafka(cluster).isReachable ? 0 : this.unreachableForMs
  }

  forget(): void {}
  async close(): Promise<void> {}
}
