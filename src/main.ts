#!/usr/bin/env -S node --initial-old-space-size=256
/** Reads arguments and environment, builds every object, starts the one program that was asked for and stops it. The only reader of process.env. */
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { monotonicClock, wallClock } from './base/clock.ts'
import type { Logger } from './base/logger.ts'
import type { Io, Session } from './cli/program.ts'

/** Wrong arguments: the text says what to write instead; exit 2. */
class UsageError extends Error {}

/** With a debugger attached process.exit() waits for it to go away, without an end, and takes no signal any more. */
const end = (code: number): never => {
  const inspector = process.features.inspector ? process.getBuiltinModule('node:inspector') : undefined
  if (inspector?.url() !== undefined) inspector.close()
  process.exit(code)
}

type Running = { stopped: Promise<number>; stop(): Promise<void> }
type Program = {
  /** A stop that takes longer is given up: exit 1. The broker has a shorter deadline of its own (sofakafka.shutdown.timeout.ms). */
  stopWithinMs: number
  help(): Promise<string>
  start(args: string[], signal: AbortSignal): Promise<Running>
}

const clocks = { monotonic: monotonicClock, wall: wallClock }
const MAX_LOCAL_LOG_BYTES = 10 * 1024 * 1024

/** Packages are loaded by the programs that need them: a version or a wrong argument needs none. */
const logger = async (component: string): Promise<Logger> => {
  const { createLogger } = await import('./base/logger.ts')
  return createLogger(component, process.env['LOG_LEVEL'] ?? 'info')
}

const parse = <T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> => {
  try {
    return parseArgs(config)
  } catch (error) {
    throw new UsageError((error as Error).message.replace(/\. To specify a positional argument.*/s, ''))
  }
}

const oneFile = (positionals: string[], what: string): string => {
  const [path, ...more] = positionals
  if (path === undefined || more.length > 0) throw new UsageError(`write the path of one ${what} file after the program's name`)
  return path
}

const version = (): string => {
  const path = ['../package.json', '../../package.json'].map((each) => fileURLToPath(new URL(each, import.meta.url))).find(existsSync)
  return path ? (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version : 'unknown'
}

const startBroker = async (args: string[]): Promise<Running> => {
  const { values, positionals } = parse({ args, allowPositionals: true, options: { override: { type: 'string', multiple: true } } })
  const path = oneFile(positionals, 'server.properties')
  if (!existsSync(path)) throw new UsageError(`${path}: there is no such file`)
  const [{ runBroker }, { connectCluster }, { Metrics }, { nodeDisk }, log] = await Promise.all([
    import('./broker/program.ts'),
    import('./broker/cluster/connection.ts'),
    import('./broker/metrics/broker-metrics.ts'),
    import('./base/node-disk.ts'),
    logger('broker'),
  ])
  const broker = await runBroker({
    properties: readFileSync(path, 'utf8'),
    overrides: values.override ?? [],
    clocks,
    disk: nodeDisk,
    logger: log,
    connectCluster,
    metrics: new Metrics({ clock: monotonicClock, disk: nodeDisk }),
  })
  return { stopped: broker.stopped, stop: async () => void (await broker.stop()) }
}

const startOperator = async (args: string[]): Promise<Running> => {
  const [{ operatorOptions }, { runOperator }, log] = await Promise.all([
    import('./operator/arguments.ts'),
    import('./operator/program.ts'),
    logger('operator'),
  ])
  return runOperator(await operatorOptions({ args, env: process.env, clocks, logger: log }))
}

const startZooKeeper = async (args: string[]): Promise<Running> => {
  const { positionals } = parse({ args, allowPositionals: true, options: {} })
  const configPath = oneFile(positionals, 'zoo.cfg')
  const [{ runZooKeeper }, { nodeDisk }, log] = await Promise.all([
    import('./embedded-zookeeper/program.ts'),
    import('./base/node-disk.ts'),
    logger('zookeeper'),
  ])
  return runZooKeeper({ configPath, disk: nodeDisk, clocks, logger: log })
}

const LOCAL_OPTIONS = {
  file: { type: 'string', short: 'f', multiple: true },
  'data-dir': { type: 'string', default: '.sofakafka' },
  port: { type: 'string', default: '6443' },
  'shared-address': { type: 'boolean', default: false },
  output: { type: 'string', short: 'o', default: 'text' },
  'no-color': { type: 'boolean', default: false },
} as const

/** Only this user may read it, from the first byte on. */
const writePrivate = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(`${path}.tmp`, text, { mode: 0o600 })
  chmodSync(`${path}.tmp`, 0o600)
  renameSync(`${path}.tmp`, path)
}

const screenOptions = (format: 'text' | 'json', noColor: boolean) => {
  const isTerminal = process.stderr.isTTY && process.env['TERM'] !== 'dumb'
  return {
    out: (text: string) => void process.stdout.write(text),
    err: (text: string) => void process.stderr.write(text),
    isLive: isTerminal,
    hasColour: isTerminal && !noColor && (process.env['NO_COLOR'] ?? '') === '',
    format,
    nowMs: () => monotonicClock.nowMs(),
  }
}

/** Variables that pods' processes get from here; everything else of this environment stays out of them. */
const podEnvironment = (): Record<string, string> => {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ', 'NODE_COMPILE_CACHE', 'LOG_LEVEL']
  return Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
}

const localLogger = async (dataDir: string): Promise<Logger> => {
  const [{ createLogger }, { pino }] = await Promise.all([import('./base/logger.ts'), import('pino')])
  const path = join(dataDir, 'local.log')
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_LOCAL_LOG_BYTES) renameSync(path, `${path}.1`)
  return createLogger('local', process.env['LOG_LEVEL'] ?? 'info', pino.destination({ dest: path, sync: true }))
}

const startLocal = async (args: string[], signal: AbortSignal): Promise<Running> => {
  const { values } = parse({ args, options: LOCAL_OPTIONS })
  const port = Number(values.port)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new UsageError(`--port ${values.port}: write a number from 1 to 65535`)
  if (values.output !== 'text' && values.output !== 'json') throw new UsageError(`-o ${values.output}: write -o json, or leave it out`)
  const dataDir = resolve(values['data-dir'])
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const [{ runLocal, QUICKSTART }, { Screen }, { nodeDisk }, log] = await Promise.all([
    import('./local/program.ts'),
    import('./local/screen.ts'),
    import('./base/node-disk.ts'),
    localLogger(dataDir),
  ])
  return runLocal({
    dataDir,
    files: values.file ?? [QUICKSTART],
    port,
    sharedAddress: values['shared-address'],
    screen: new Screen(screenOptions(values.output, values['no-color'])),
    main: fileURLToPath(import.meta.url),
    environment: podEnvironment(),
    version: version(),
    writePrivate,
    randomToken: () => randomBytes(32).toString('hex'),
    disk: nodeDisk,
    clocks,
    logger: log,
    signal,
  })
}

/** kubectl finds its plugins, and who completes their arguments, by the names of executables. */
const COMPLETER = 'kubectl_complete-sofakafka'
const calledAs = (): string => (basename(process.argv[1] ?? '').startsWith('kubectl') ? 'kubectl sofakafka' : 'sofakafka')

const terminal = (): Io => ({
  out: (data) => {
    if (process.stdout.write(data)) return Promise.resolve()
    return new Promise((resolve) => process.stdout.once('drain', () => resolve()))
  },
  err: (text) => void process.stderr.write(text),
  input: process.stdin,
  isInteractive: process.stdin.isTTY && process.stderr.isTTY,
  hasColour: process.stdout.isTTY && process.env['TERM'] !== 'dumb' && (process.env['NO_COLOR'] ?? '') === '',
  save: (path, bytes) => writeFileSync(path, bytes, { mode: 0o600, flag: 'wx' }),
})

const surroundings = (): Session['surroundings'] => {
  const { KUBECONFIG, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443', SOFAKAFKA_SERVICE_ACCOUNT_DIR } = process.env
  const directory = SOFAKAFKA_SERVICE_ACCOUNT_DIR ?? '/var/run/secrets/kubernetes.io/serviceaccount'
  return { kubeconfig: KUBECONFIG, home: homedir(), serviceAccount: host ? { directory, host, port } : undefined }
}

/** A command of the command line ends by itself. Ctrl-C asks it to; one that does not listen ends soon after. */
const runCommand = async (args: string[]): Promise<number> => {
  const { runCli } = await import('./cli/program.ts')
  const stopping = new AbortController()
  const onSignal = (): void => {
    if (stopping.signal.aborted) end(130)
    stopping.abort(new Error('stopped by a signal'))
    setTimeout(() => end(130), 2000).unref()
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  // Whoever reads the output, head for example, may have enough of it.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'EPIPE' ? 0 : 1))
  const code = await runCli(args, {
    io: terminal(),
    surroundings: surroundings(),
    clocks,
    version: version(),
    calledAs: calledAs(),
    programs: calledAs() === 'sofakafka' ? Object.keys(PROGRAMS) : [],
    signal: stopping.signal,
  })
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
  return code
}

const usages = () => import('./cli/programs.ts')

const PROGRAMS: Record<string, Program> = {
  broker: { stopWithinMs: 120_000, help: async () => (await usages()).BROKER_USAGE, start: startBroker },
  operator: { stopWithinMs: 25_000, help: async () => (await import('./operator/arguments.ts')).OPERATOR_USAGE, start: startOperator },
  zookeeper: { stopWithinMs: 25_000, help: async () => (await usages()).ZOOKEEPER_USAGE, start: startZooKeeper },
  local: { stopWithinMs: 10_000, help: async () => (await usages()).LOCAL_USAGE, start: startLocal },
}
const programOf = (name = ''): Program | undefined => (Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined)

/** From the first SIGTERM or SIGINT on the program has its time to stop; a second one, or the end of that time, ends it at once. */
const runUntilStopped = async (program: Program, args: string[]): Promise<number> => {
  const stopping = new AbortController()
  let running: Running | undefined
  const onSignal = (): void => {
    if (stopping.signal.aborted) end(1)
    stopping.abort(new Error('stopped by a signal'))
    setTimeout(() => end(1), program.stopWithinMs).unref()
    running?.stop().catch((error: unknown) => fail('stop failed', error))
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  try {
    running = await program.start(args, stopping.signal)
  } catch (error) {
    if (stopping.signal.aborted) return 1
    throw error
  }
  if (stopping.signal.aborted) await running.stop()
  return running.stopped
}

const fail = (what: string, error: unknown): never => {
  const cause = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`${JSON.stringify({ level: 60, time: wallClock.nowMs(), msg: what, err: cause })}\n`)
  return end(1)
}

const showHelp = async (): Promise<number> => {
  const [{ overview }, { PROGRAMS_USAGE }] = await Promise.all([import('./cli/program.ts'), usages()])
  const programs = calledAs() === 'sofakafka' ? `${PROGRAMS_USAGE}\n\n` : ''
  process.stdout.write(`${programs}${overview(calledAs())}`)
  return 0
}

const HELP = ['help', '--help', '-h']
const VERSION = ['version', '--version']

/** `sofakafka broker --help` and `sofakafka help broker` are one; the rest are the program's own arguments. */
const runProgram = async (program: Program, args: string[], isAboutIt: boolean): Promise<number> => {
  if (isAboutIt || args.some((arg) => arg === '--help' || arg === '-h')) process.stdout.write(`${await program.help()}\n`)
  else if (args.length === 1 && args[0] === '--version') process.stdout.write(`${version()}\n`)
  else return runUntilStopped(program, args)
  return 0
}

const main = async ([name = 'help', ...args]: string[]): Promise<number> => {
  if (basename(process.argv[1] ?? '') === COMPLETER) return runCommand(['__complete', ...process.argv.slice(2)])
  const isHelp = HELP.includes(name)
  const program = programOf(isHelp ? args[0] : name)
  if (program) return runProgram(program, args, isHelp)
  if (VERSION.includes(name)) return (process.stdout.write(`${version()}\n`), 0)
  return isHelp && args.length === 0 ? showHelp() : runCommand([name, ...args])
}

process.on('uncaughtException', (error) => fail('uncaught error', error))
process.on('unhandledRejection', (error) => fail('unhandled rejection', error))

main(process.argv.slice(2)).then(
  (code) => end(code),
  (error: unknown) => {
    // Programs have a class of that name of their own: this file loads none before it is asked for.
    const isUsage = error instanceof Error && error.constructor.name === 'UsageError'
    process.stderr.write(`sofakafka: ${error instanceof Error ? error.message : String(error)}\n`)
    if (!isUsage && process.env['LOG_LEVEL'] === 'debug' && error instanceof Error) process.stderr.write(`${error.stack}\n`)
    if (isUsage) process.stderr.write(`\`sofakafka help ${process.argv[2]}\` shows what it takes\n`)
    end(isUsage ? 2 : 1)
  },
)
