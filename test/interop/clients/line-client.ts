import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type JarSet, startJava } from '../../support/java.ts'
import type { Access, Codec, ForeignClient, Login, Mechanism } from './client.ts'
import { type Line, parseLine } from './records.ts'

/** A small program around a client, in a process of its own for many calls: a line in is a command, lines out are its answer. Calls run one after the other. */
export class LineClient {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #answers: AsyncIterator<string>
  #errors = ''
  #tail: Promise<unknown> = Promise.resolve()

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    // A program that ended says so by the end of its output.
    child.stdin.on('error', () => {})
    child.stderr.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString('utf8')).slice(-20_000)
    })
  }

  /** The lines that the command printed; rejects with what the client said. */
  run(command: string, args: (string | number)[], properties: Record<string, string>): Promise<string[]> {
    const ran = this.#tail.then(async () => {
      const pairs = Object.entries(properties).map(([name, value]) => `${name}=${value}`)
      this.#child.stdin.write(`${[command, ...args, ...pairs].join('\t')}\n`)
      const lines: string[] = []
      for (;;) {
        const { value, done } = await this.#answers.next()
        if (done) throw new Error(`the program ended while it ran ${command}\n${this.#errors}`)
        if (value === 'ok') return lines
        if (value.startsWith('error\t')) throw new Error(value.slice('error\t'.length))
        lines.push(value)
      }
    })
    this.#tail = ran.catch(() => {})
    return ran
  }

  async records(command: 'read' | 'group', args: (string | number)[], properties: Record<string, string>): Promise<Line[]> {
    return (await this.run(command, args, properties)).map(parseLine)
  }

  stop(): void {
    this.#child.kill('SIGKILL')
  }
}

const JAAS_MODULES: Record<Mechanism, string> = {
  PLAIN: 'org.apache.kafka.common.security.plain.PlainLoginModule',
  'SCRAM-SHA-256': 'org.apache.kafka.common.security.scram.ScramLoginModule',
  'SCRAM-SHA-512': 'org.apache.kafka.common.security.scram.ScramLoginModule',
}
const STRINGS = 'org.apache.kafka.common.serialization.String'
const SERIALIZERS = { 'key.serializer': `${STRINGS}Serializer`, 'value.serializer': `${STRINGS}Serializer` }
const CONSUMER = {
  'key.deserializer': `${STRINGS}Deserializer`,
  'value.deserializer': `${STRINGS}Deserializer`,
  'auto.offset.reset': 'earliest',
  'enable.auto.commit': 'false',
}

const javaLogin = ({ mechanism, username, password }: Login): Record<string, string> => ({
  'security.protocol': 'SASL_PLAINTEXT',
  'sasl.mechanism': mechanism,
  'sasl.jaas.config': `${JAAS_MODULES[mechanism]} required username="${username}" password="${password}";`,
})
/** Clients of 0.10.0 know no sasl.jaas.config; their driver makes the JAAS configuration of the process from these two. */
const oldJavaLogin = ({ mechanism, username, password }: Login): Record<string, string> => ({
  'security.protocol': 'SASL_PLAINTEXT',
  'sasl.mechanism': mechanism,
  'test.username': username,
  'test.password': password,
})

type JavaVersion = '0.10.0.1' | '0.11.0.3' | '1.1.1' | '2.6.3' | '3.9.2' | '4.4.0'
const isAtLeast = (version: JavaVersion, wanted: string): boolean => version.localeCompare(wanted, 'en', { numeric: true }) >= 0

/** Apache's Java producer, consumer and admin client of one version; one JVM. */
export const javaClient = (version: JavaVersion): ForeignClient => {
  const isOld = version === '0.10.0.1'
  // The first clients ask Kerberos for its realm, whatever the mechanism, by classes that Java 17 does not show.
  const jvm = isAtLeast(version, '2.0') ? [] : ['--add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED']
  const set: JarSet = `kafka-clients-${version}`
  const program = new LineClient(startJava(set, `test/support/java/${isOld ? 'Client010' : 'Client'}.java`, [], jvm))
  const common = ({ bootstrap, login }: Access) => ({
    'bootstrap.servers': bootstrap,
    ...(login && (isOld ? oldJavaLogin(login) : javaLogin(login))),
  })
  const idempotence = (isIdempotent: boolean | undefined): Record<string, string> =>
    isIdempotent === undefined || isOld ? {} : { 'enable.idempotence': String(isIdempotent) }
  const codecs: Codec[] = ['none', 'gzip', 'snappy', 'lz4', ...(isAtLeast(version, '2.1') ? (['zstd'] as const) : [])]
  return {
    name: `Apache Kafka's Java client ${version}`,
    codecs,
    mechanisms: isOld ? ['PLAIN'] : ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
    hasHeaders: !isOld,
    setsTimestamps: true,
    produce: async (access, topic, { count, baseMs, codec, isIdempotent, hasHeaders }) => {
      const properties = { ...common(access), ...SERIALIZERS, 'max.block.ms': isOld ? '3000' : '10000', ...idempotence(isIdempotent) }
      const more = { ...(codec && { 'compression.type': codec }), ...(hasHeaders === false && { 'test.no.headers': 'true' }) }
      await program.run('produce', [topic, count, baseMs], { ...properties, ...more })
    },
    read: (access, topic, count) => program.records('read', [topic, count], { ...common(access), ...CONSUMER }),
    readAsGroup: (access, topic, group, count) =>
      program.records('group', [topic, count], { ...common(access), ...CONSUMER, 'group.id': group }),
    ...(!isOld && {
      offsetsAt: async (access: Access, topic: string, timestampMs: number) =>
        (await program.run('times', [topic, timestampMs], { ...common(access), ...CONSUMER })).map((line) => {
          const [partition, offset, beginning, end] = line.split('\t').map(Number)
          return { partition: partition!, offset: offset!, beginning: beginning!, end: end! }
        }),
      topics: {
        create: (access: Access, topic: string, partitions: number) =>
          program.run('create', [topic, partitions], common(access)).then(() => {}),
        delete: (access: Access, topic: string) => program.run('delete', [topic], common(access)).then(() => {}),
        list: (access: Access) => program.run('list', [], common(access)),
      },
    }),
    stop: () => program.stop(),
  }
}
