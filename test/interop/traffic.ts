import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { removeDirectory, temporaryDirectory } from '../support/apache.ts'
import { classpath, startJava } from '../support/java.ts'

export type Stored = { partition: number; offset: number; value: string }
/** `committed`: what the group's commits were answered, in order; `found`: where the group stood whenever the member was given a partition. */
export type Account = {
  acked: Stored[]
  polled: Stored[]
  committed: { partition: number; offset: number }[]
  found: { partition: number; offset: number }[]
  /** Sends that failed for good, and anything else that clients complained of. */
  failures: string[]
  /** Of the member's thread, what it noted in its order. */
  lines: string[]
}

const JAVA_CLIENTS = 'kafka-clients-2.6.3'

/** Gives the program; it is built once per clone and change. */
const buildFranzGo = (): string => {
  const program = join(process.cwd(), 'node_modules', '.cache', 'go', 'franz-go-client')
  execFileSync('go', ['build', '-buildvcs=false', '-o', program, '.'], { cwd: join('test', 'interop', 'clients', 'go') })
  return program
}

const piped = (program: string, args: string[]): ChildProcessWithoutNullStreams => spawn(program, args, { stdio: 'pipe' })

const parse = (text: string): Account => {
  const account: Account = { acked: [], polled: [], committed: [], found: [], failures: [], lines: [] }
  for (const line of text.split('\n').filter(Boolean)) {
    const [what, partition, offset, value] = line.split(' ')
    const at = { partition: Number(partition), offset: Number(offset) }
    if (what !== 'acked') account.lines.push(line)
    if (what === 'acked' || what === 'polled') account[what].push({ ...at, value: value! })
    else if (what === 'committed' || what === 'found') account[what].push(at)
    else if (what !== 'uncommitted') account.failures.push(line)
  }
  return account
}

/** An idempotent producer and a group's member that run until they are told to end; the account is what they noted. */
export class Traffic {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #directory = temporaryDirectory('traffic')
  readonly #answers: AsyncIterator<string>
  readonly #exited: Promise<unknown>
  #errors = ''

  private constructor(start: (file: string) => ChildProcessWithoutNullStreams) {
    this.#child = start(this.#file)
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
    this.#exited = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.stdin.on('error', () => {})
    this.#child.stderr.on('data', (chunk: Buffer) => (this.#errors = (this.#errors + chunk.toString('utf8')).slice(-20_000)))
  }

  /** Builds what `java` and `franzGo` start: that keeps the process busy for so long that a session would end meanwhile. */
  static prepare(hasGo: boolean): void {
    classpath(JAVA_CLIENTS)
    if (hasGo) buildFranzGo()
  }

  /** Apache's clients of 2.6.3. */
  static java(bootstrap: string, topic: string, partitions: number, pauseMs = 10): Traffic {
    const log = ['-Dlog4j.configuration=file:test/support/java/log4j.properties', '-Xmx200m']
    return new Traffic((file) =>
      startJava(
        JAVA_CLIENTS,
        'test/support/java/Traffic.java',
        [bootstrap, topic, `${topic}-group`, String(partitions), String(pauseMs), file],
        log,
      ),
    )
  }

  /** franz-go with its defaults, which are idempotent. `begin` starts the program in another way, or with TRAFFIC_LOGIN in its environment. */
  static franzGo(bootstrap: string, topic: string, partitions: number, pauseMs = 10, begin = piped): Traffic {
    const args = ['traffic', bootstrap, topic, `${topic}-group`, String(partitions), String(pauseMs)]
    return new Traffic((file) => begin(buildFranzGo(), [...args, file]))
  }

  get #file(): string {
    return join(this.#directory, 'account')
  }

  /** How many records were acknowledged, and how many polled, until now. */
  async counts(): Promise<{ acked: number; polled: number }> {
    this.#child.stdin.write('?')
    const { value, done } = await this.#answers.next()
    if (done) throw new Error(`the clients ended\n${this.#errors}`)
    const [acked, polled] = value.split(' ').map(Number)
    return { acked: acked!, polled: polled! }
  }

  /** The last lines of the account as it is written until now. */
  notes(): string {
    return `${readFileSync(this.#file, 'utf8').split('\n').slice(-20).join('\n')}\n${this.#errors}`
  }

  /** Lets everything that was sent be acknowledged and polled, 30 s at most, and ends. */
  async end(): Promise<Account> {
    this.#child.stdin.end()
    await this.#exited
    const account = parse(readFileSync(this.#file, 'utf8'))
    removeDirectory(this.#directory)
    return account
  }

  kill(): void {
    this.#child.kill('SIGKILL')
    removeDirectory(this.#directory)
  }
}

/** Records that are stored twice, or not where the producer was told. */
const misstored = ({ acked }: Account, stored: readonly Stored[], at: ReadonlyMap<string, string>): string[] => {
  const times = new Map<string, number>()
  for (const { value } of stored) times.set(value, (times.get(value) ?? 0) + 1)
  return [
    ...[...times].filter(([, count]) => count > 1).map(([value, count]) => `${value} is stored ${count} times`),
    ...acked
      .filter(({ partition, offset, value }) => at.get(`${partition} ${offset}`) !== value)
      .map(({ partition, offset, value }) => `${value} was acknowledged at ${partition} ${offset}, where it is not stored`),
  ]
}

/** Records that the group was not given, or that it was given where they are not stored. */
const misread = ({ acked, polled }: Account, at: ReadonlyMap<string, string>): string[] => {
  const values = new Set(polled.map(({ value }) => value))
  return [
    ...acked.filter(({ value }) => !values.has(value)).map(({ value }) => `${value} was not polled`),
    ...polled
      .filter(({ partition, offset, value }) => at.get(`${partition} ${offset}`) !== value)
      .map(({ partition, offset, value }) => `${value} was polled at ${partition} ${offset}, where it is not stored`),
  ]
}

/** Where the group began before what it had committed. */
const wentBack = ({ lines }: Account): string[] => {
  const committed = new Map<number, number>()
  const found: string[] = []
  for (const line of lines) {
    const [what, partition, offset] = line.split(' ')
    const before = committed.get(Number(partition)) ?? 0
    if (what === 'found' && Number(offset) < before)
      found.push(`partition ${partition}: ${before} was committed, and the group begins at ${offset}`)
    if (what === 'committed') committed.set(Number(partition), Math.max(before, Number(offset)))
  }
  return found
}

/** Everything that contradicts "each acknowledged record is stored once, where it was said, and the group saw it; commits never go back". */
export const complaints = (account: Account, stored: readonly Stored[]): string[] => {
  const at = new Map(stored.map(({ partition, offset, value }) => [`${partition} ${offset}`, value]))
  return [...account.failures, ...misstored(account, stored, at), ...misread(account, at), ...wentBack(account)]
}
