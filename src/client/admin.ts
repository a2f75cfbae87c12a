import { randomBytes } from 'node:crypto'
import { createTopics } from '../protocol/api/19-create-topics.ts'
import { deleteTopics } from '../protocol/api/20-delete-topics.ts'
import { describeConfigs } from '../protocol/api/32-describe-configs.ts'
import { createPartitions } from '../protocol/api/37-create-partitions.ts'
import { incrementalAlterConfigs } from '../protocol/api/44-incremental-alter-configs.ts'
import { alterUserScramCredentials } from '../protocol/api/51-alter-user-scram-credentials.ts'
import { type Answered, errorName, failureOf, KafkaError } from '../protocol/errors.ts'
import {
  credentialOfSaltedPassword,
  MIN_ITERATIONS,
  saltPassword,
  SCRAM_MECHANISMS,
  type ScramCredential,
  type ScramMechanism,
} from '../security/scram.ts'
import type { ClusterClient } from './cluster-client.ts'
import { alteration, type KeyChange, TOPIC_RESOURCE } from './config-resource.ts'

/** `replicationFactor` is the first partition's; `isUniform`: all have it. Replicas that join or leave count. */
export type TopicDescription = { name: string; partitions: number; replicationFactor: number; isUniform: boolean }
/** Absent numbers are the broker's defaults. */
export type NewTopic = { name: string; partitions?: number; replicationFactor?: number; config?: Record<string, string> }
/** What the cluster said when it did not do what it was asked. */
export type Refusal = KafkaError
/** One answer per name: undefined where it went well. */
export type Outcomes = Map<string, Refusal | undefined>
export type ConfigChange = { topic: string; changes: KeyChange[] }
export type NewPassword = { user: string; mechanism: ScramMechanism; password: string }
export type ConfigValue = { value: string | null; isTopicOverride: boolean }

/** The source of a value that the topic itself has: DescribeConfigsResponse.ConfigSource of kafka-clients. */
const DYNAMIC_TOPIC_CONFIG = 1
const TIMEOUT_MS = 30_000

/** An error that is about the broker and not about one of the things asked for; the client then asks the new controller. */
const commonError = (codes: readonly number[]): KafkaError | undefined =>
  codes.length > 0 && codes.every((code) => errorName(code) === 'NOT_CONTROLLER') ? new KafkaError('NOT_CONTROLLER') : undefined

const outcomesOf = (results: readonly (Answered & { name: string })[]): Outcomes =>
  new Map(results.map((result) => [result.name, failureOf(result)]))

/** Topics, their configuration and SCRAM users of a cluster, many at a time. Calls reject when the cluster cannot be reached; what is wrong with one thing is its outcome. */
export class Admin {
  readonly #client: ClusterClient

  constructor(client: ClusterClient) {
    this.#client = client
  }

  /** As the controller knows them: another broker may not have been told yet of what was just made. Names without a topic are not in the map. */
  async describeTopics(names: readonly string[]): Promise<Map<string, TopicDescription>> {
    const { topics } = await this.#client.topicsOfController(names)
    const found = new Map<string, TopicDescription>()
    for (const { name, errorCode, partitions } of topics) {
      if (errorName(errorCode) === 'UNKNOWN_TOPIC_OR_PARTITION') continue
      const error = failureOf({ errorCode })
      if (error && partitions.length === 0) throw error
      const replicationFactor = partitions[0]?.replicaNodes.length ?? 0
      const isUniform = partitions.every(({ replicaNodes }) => replicaNodes.length === replicationFactor)
      found.set(name, { name, partitions: partitions.length, replicationFactor, isUniform })
    }
    return found
  }

  async createTopics(topics: readonly NewTopic[]): Promise<Outcomes> {
    const request = {
      topics: topics.map(({ name, partitions, replicationFactor, config }) => ({
        name,
        numPartitions: partitions ?? -1,
        replicationFactor: replicationFactor ?? -1,
        configs: Object.entries(config ?? {}).map(([name, value]) => ({ name, value })),
      })),
      timeoutMs: TIMEOUT_MS,
    }
    const answer = await this.#client.controller(createTopics, request, ({ topics }) => commonError(topics.map((topic) => topic.errorCode)))
    return outcomesOf(answer.topics)
  }

  async deleteTopics(names: readonly string[]): Promise<Outcomes> {
    const request = { topicNames: [...names], timeoutMs: TIMEOUT_MS }
    const answer = await this.#client.controller(deleteTopics, request, ({ responses }) =>
      commonError(responses.map((one) => one.errorCode)),
    )
    return outcomesOf(answer.responses)
  }

  /** `partitions` is the new number, not the difference. */
  async createPartitions(topics: readonly { name: string; partitions: number }[]): Promise<Outcomes> {
    const request = {
      topics: topics.map(({ name, partitions }) => ({ name, count: partitions, assignments: null })),
      timeoutMs: TIMEOUT_MS,
    }
    const answer = await this.#client.controller(createPartitions, request, ({ results }) =>
      commonError(results.map((one) => one.errorCode)),
    )
    return outcomesOf(answer.results)
  }

  /** Topic -> key -> value. Topics that could not be described have their error instead. */
  async describeTopicConfigs(names: readonly string[]): Promise<Map<string, Map<string, ConfigValue> | KafkaError>> {
    const resources = names.map((resourceName) => ({ resourceType: TOPIC_RESOURCE, resourceName, configurationKeys: null }))
    const { results } = await this.#client.anyBroker(describeConfigs, { resources })
    return new Map(
      results.map((result) => {
        const isTopicOverride = (source: number) => source === DYNAMIC_TOPIC_CONFIG
        const values = new Map(
          result.configs.map((one) => [one.name, { value: one.value, isTopicOverride: isTopicOverride(one.configSource) }]),
        )
        return [result.resourceName, failureOf(result) ?? values]
      }),
    )
  }

  async alterTopicConfigs(changes: readonly ConfigChange[]): Promise<Outcomes> {
    const resources = changes.map(({ topic, changes: keys }) => alteration(TOPIC_RESOURCE, topic, keys))
    const { responses } = await this.#client.anyBroker(incrementalAlterConfigs, { resources })
    return outcomesOf(responses.map((response) => ({ ...response, name: response.resourceName })))
  }

  /** Sets the password of one mechanism; the password itself does not leave this process. Gives what the brokers check logins against from now on. */
  async setScramPassword(user: string, mechanism: ScramMechanism, password: string): Promise<ScramCredential> {
    const set = (await this.setScramPasswords([{ user, mechanism, password }])).get(user)
    if (set === undefined || set instanceof KafkaError) throw set ?? new KafkaError('UNKNOWN_SERVER_ERROR', `nothing was said of ${user}`)
    return set
  }

  /** Of many users in one request; each user at most once. */
  async setScramPasswords(passwords: readonly NewPassword[]): Promise<Map<string, ScramCredential | Refusal>> {
    const credentials = new Map<string, ScramCredential>()
    const upsertion = async ({ user, mechanism, password }: NewPassword) => {
      const salt = randomBytes(24)
      const saltedPassword = await saltPassword(mechanism, password, salt, MIN_ITERATIONS)
      credentials.set(user, credentialOfSaltedPassword(mechanism, saltedPassword, salt, MIN_ITERATIONS))
      return { name: user, mechanism: SCRAM_MECHANISMS[mechanism].type, iterations: MIN_ITERATIONS, salt, saltedPassword }
    }
    const upsertions = await Promise.all(passwords.map(upsertion))
    const { results } = await this.#client.controller(alterUserScramCredentials, { deletions: [], upsertions }, (answer) =>
      commonError(answer.results.map((one) => one.errorCode)),
    )
    return new Map(results.map((result) => [result.user, failureOf(result) ?? credentials.get(result.user)!]))
  }

  /** One that is not there is no error. */
  async deleteScramUser(user: string, mechanism: ScramMechanism): Promise<void> {
    try {
      await this.#alterScram({ deletions: [{ name: user, mechanism: SCRAM_MECHANISMS[mechanism].type }], upsertions: [] })
    } catch (error) {
      if (!(error instanceof KafkaError && error.error === 'RESOURCE_NOT_FOUND')) throw error
    }
  }

  async #alterScram(request: {
    deletions: { name: string; mechanism: number }[]
    upsertions: { name: string; mechanism: number; iterations: number; salt: Buffer; saltedPassword: Buffer }[]
  }): Promise<void> {
    await this.#client.controller(alterUserScramCredentials, request, ({ results }) => results.map(failureOf).find(Boolean))
  }
}
