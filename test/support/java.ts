import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** The sets of jars under test/support/java, resolved by Maven from its own cache or Maven Central. */
export type JarSet =
  | 'kafka-2.6.3'
  | 'kafka-clients-0.10.0.1'
  | 'kafka-clients-0.11.0.3'
  | 'kafka-clients-1.1.1'
  | 'kafka-clients-2.6.3'
  | 'kafka-clients-2.7.2'
  | 'kafka-clients-3.9.2'
  | 'kafka-clients-4.4.0'
  | 'zookeeper-3.5.9'
  | 'zookeeper-3.9'

const CACHE = join('node_modules', '.cache', 'java')

const pomOf = (set: JarSet): string => join('test', 'support', 'java', set, 'pom.xml')
const classpathFile = (set: JarSet): string => join(CACHE, `${set}.classpath`)
/** Maven need not run for it. */
export const isResolved = (set: JarSet): boolean =>
  existsSync(classpathFile(set)) &&
  statSync(classpathFile(set)).mtimeMs > statSync(pomOf(set)).mtimeMs &&
  readFileSync(classpathFile(set), 'utf8')
    .split(':')
    .every((jar) => existsSync(jar))

/** Where the archive of the classes of Apache Kafka 2.6.3 is. */
export const ARCHIVE = join(CACHE, 'kafka-2.6.3.jsa')
/** It is there and of the present jars. */
export const hasArchive = (): boolean =>
  existsSync(ARCHIVE) &&
  existsSync(classpathFile('kafka-2.6.3')) &&
  statSync(ARCHIVE).mtimeMs > statSync(classpathFile('kafka-2.6.3')).mtimeMs
/** A JVM with the archive starts in half the time. One that cannot use it says so on stderr, and starts as ever. */
const archiveFlags = (set: JarSet): string[] =>
  set === 'kafka-2.6.3' && hasArchive() ? [`-XX:SharedArchiveFile=${ARCHIVE}`, '-Xlog:disable', '-Xlog:all=warning:stderr:level,tags'] : []

/** The class path of a set; Maven runs once per set and change of its pom. */
export const classpath = (set: JarSet): string => {
  const file = classpathFile(set)
  if (!isResolved(set)) {
    mkdirSync(CACHE, { recursive: true })
    const temporary = join(process.cwd(), `${file}.${process.pid}`)
    execFileSync('mvn', ['-q', '-B', '-f', pomOf(set), 'dependency:build-classpath', `-Dmdep.outputFile=${temporary}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    renameSync(temporary, file)
  }
  return readFileSync(file, 'utf8').trim()
}

/** The one jar of a set whose file name starts with `artifact`-digit, e.g. 'kafka-clients'. */
export const jar = (set: JarSet, artifact: string): string => {
  const found = classpath(set)
    .split(':')
    .find((path) => new RegExp(`/${artifact}-\\d[^/]*\\.jar$`).test(path))
  if (!found) throw new Error(`no ${artifact} in ${set}`)
  return found
}

/** Small heaps and one compiler thread: these processes live for seconds on a machine of two cores. UTF-8 whatever the locale is. */
export const JVM_FLAGS = ['-Dfile.encoding=UTF-8', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']

/** Runs a class (or a single .java source file) to its end and gives its output; throws with stderr on a non-zero exit. */
export const runJava = (
  set: JarSet,
  main: string,
  args: string[] = [],
  options: { input?: string; timeoutMs?: number; jvm?: string[] } = {},
): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = startJava(set, main, args, options.jvm)
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000)
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(timer)
      const text = Buffer.concat(out).toString('utf8')
      if (code === 0) resolve(text)
      else reject(new Error(`${main} ended with ${code}\n${text}\n${Buffer.concat(err).toString('utf8')}`))
    })
    child.stdin.end(options.input ?? '')
  })

/** Starts a class (or a single .java source file) and leaves it running; the caller ends it. */
export const startJava = (set: JarSet, main: string, args: string[] = [], jvm: string[] = []): ChildProcessWithoutNullStreams => {
  const path = classpath(set)
  return spawn('java', [...JVM_FLAGS, ...archiveFlags(set), ...jvm, '-cp', path, main, ...args])
}
