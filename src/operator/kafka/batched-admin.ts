import type { MonotonicClock } from '../../base/clock.ts'
import type { Admin, ConfigChange, ConfigValue, NewPassword, NewTopic, Outcomes, Refusal, TopicDescription } from '../../client/admin.ts'
import type { ScramCredential, ScramMechanism } from '../../security/scram.ts'
import { Batch } from './batch.ts'

type Answers<V> = Map<string, V>

/** Each request that changes topics keeps Kafka's controller busy for a while, whatever is in it: a burst is waited for longer. */
const WRITES = { quietMs: 25, maxDelayMs: 300 }

/** Joins calls about single topics, which reconciles make at the same time, into calls about many. */
export class BatchedAdmin implements Pick<Admin, keyof Admin> {
  readonly #admin: Admin
  readonly #describe: Batch<string, TopicDescription | undefined>
  readonly #configs: Batch<string, Map<string, ConfigValue> | Refusal | undefined>
  readonly #create: Batch<NewTopic, Refusal | undefined>
  readonly #grow: Batch<{ name: string; partitions: number }, Refusal | undefined>
  readonly #alter: Batch<ConfigChange, Refusal | undefined>
  readonly #passwords: Batch<NewPassword, ScramCredential | Refusal | undefined>

  constructor(admin: Admin, clock: MonotonicClock) {
    this.#admin = admin
    const byName = <I, V>(nameOf: (input: I) => string, call: (inputs: I[]) => Promise<Answers<V>>) => ({
      clock,
      send: async (inputs: I[]) => {
        const answers = await call(inputs)
        return inputs.map((input) => answers.get(nameOf(input)))
      },
    })
    this.#describe = new Batch(
      byName(
        (name: string) => name,
        (names) => admin.describeTopics(names),
      ),
    )
    this.#configs = new Batch(
      byName(
        (name: string) => name,
        (names) => admin.describeTopicConfigs(names),
      ),
    )
    this.#create = new Batch({
      ...WRITES,
      ...byName(
        ({ name }: NewTopic) => name,
        (topics) => admin.createTopics(topics),
      ),
    })
    this.#grow = new Batch({
      ...WRITES,
      ...byName(
        ({ name }: { name: string; partitions: number }) => name,
        (topics) => admin.createPartitions(topics),
      ),
    })
    this.#alter = new Batch({
      ...WRITES,
      ...byName(
        ({ topic }: ConfigChange) => topic,
        (changes) => admin.alterTopicConfigs(changes),
      ),
    })
    this.#passwords = new Batch({
      ...WRITES,
      ...byName(
        ({ user }: NewPassword) => user,
        (passwords) => admin.setScramPasswords(passwords),
      ),
    })
  }

  describeTopics(names: readonly string[]): Promise<Map<string, TopicDescription>> {
    return gather(names, (name) => name, this.#describe)
  }

  describeTopicConfigs(names: readonly string[]): ReturnType<Admin['describeTopicConfigs']> {
    return gather(names, (name) => name, this.#configs)
  }

  createTopics(topics: readonly NewTopic[]): Promise<Outcomes> {
    return gather(topics, ({ name }) => name, this.#create)
  }

  createPartitions(topics: readonly { name: string; partitions: number }[]): Promise<Outcomes> {
    return gather(topics, ({ name }) => name, this.#grow)
  }

  alterTopicConfigs(changes: readonly ConfigChange[]): Promise<Outcomes> {
    return gather(changes, ({ topic }) => topic, this.#alter)
  }

  deleteTopics(names: readonly string[]): Promise<Outcomes> {
    return this.#admin.deleteTopics(names)
  }

  async setScramPassword(user: string, mechanism: ScramMechanism, password: string): Promise<ScramCredential> {
    const set = await this.#passwords.ask({ user, mechanism, password })
    if (set === undefined || set instanceof Error) throw set ?? new Error(`nothing was said of ${user}`)
    return set
  }

  setScramPasswords(passwords: readonly NewPassword[]): Promise<Map<string, ScramCredential | Refusal>> {
    return gather(passwords, ({ user }) => user, this.#passwords)
  }

  deleteScramUser(user: string, mechanism: ScramMechanism): Promise<void> {
    return this.#admin.deleteScramUser(user, mechanism)
  }
}

const gather = async <I, V>(
  inputs: readonly I[],
  nameOf: (input: I) => string,
  batch: Batch<I, V | undefined>,
): Promise<Map<string, V>> => {
  const answers = new Map<string, V>()
  await Promise.all(
    inputs.map(async (input) => {
      const answer = await batch.ask(input)
      if (answer !== undefined) answers.set(nameOf(input), answer)
    }),
  )
  return answers
}
