import { parseArgs } from 'node:util'
import type { MonotonicClock, WallClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { connectionOfServiceAccount, type KubeConnection } from '../kube/connection.ts'
import { connectionOfKubeconfig } from '../kube/kubeconfig.ts'
import type { OperatorOptions } from './program.ts'

const SERVICE_ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount'

export const OPERATOR_USAGE = `sofakafka operator [--image IMAGE] [--advertise pod-dns|pod-ip] [--namespace A,B] [--kubeconfig FILE] [--http-port N] [--network-policies] [--no-leader-election]
  --image IMAGE            image of new Clusters (default: SOFAKAFKA_IMAGE)
  --advertise pod-dns      brokers tell clients the names of their pods; pod-ip: their addresses
  --network-policies       makes them for Clusters; they let in the operator as its Helm chart installs it
  --namespace A,B          watches these namespaces only (default: WATCH_NAMESPACE, else all)
  --kubeconfig FILE        default: the service account of the pod, else KUBECONFIG
  --http-port N            port of /metrics, /healthz and /readyz (default 8080, 0 for any)
  --no-leader-election     for a single operator`

/** Of the operator's pods, as the Helm chart makes them. */
const OPERATOR_LABELS = { 'app.kubernetes.io/name': 'sofakafka-operator' }

/** A wrong argument; the message says what to write. */
export class UsageError extends Error {}

type Environment = Record<string, string | undefined>

/** What `sofakafka operator` was told: `args` are those after the word operator. Throws UsageError. */
export const operatorOptions = async (input: {
  args: readonly string[]
  env: Environment
  clocks: { monotonic: MonotonicClock; wall: WallClock }
  logger: Logger
}): Promise<OperatorOptions> => {
  const { env } = input
  const flags = parse(input.args)
  const advertise = flags.advertise ?? 'pod-dns'
  if (advertise !== 'pod-dns' && advertise !== 'pod-ip') throw new UsageError(`--advertise ${advertise}: write pod-dns or pod-ip`)
  const httpPort = Number(flags['http-port'] ?? 8080)
  if (!Number.isInteger(httpPort) || httpPort < 0 || httpPort > 65_535) throw new UsageError('--http-port wants a number from 0 to 65535')
  const image = flags.image ?? env['SOFAKAFKA_IMAGE']
  if (!image) throw new UsageError('say which image Clusters run: --image IMAGE, or SOFAKAFKA_IMAGE in the environment')
  const connection = await connectionFrom(flags.kubeconfig, env)
  const namespace = env['POD_NAMESPACE'] ?? connection.namespace
  return {
    connection,
    image,
    advertise,
    httpHost: env['POD_IP'] ?? '0.0.0.0',
    httpPort,
    hasLeaderElection: !flags['no-leader-election'],
    watched: namespacesOf(flags.namespace ?? env['WATCH_NAMESPACE'] ?? ''),
    namespace,
    operatorPods: operatorPods(flags['network-policies'], namespace),
    identity: env['POD_NAME'] ?? 'sofakafka-operator',
    clocks: input.clocks,
    logger: input.logger,
  }
}

const operatorPods = (makesPolicies: boolean | undefined, namespace: string): OperatorOptions['operatorPods'] =>
  makesPolicies ? { namespace, labels: OPERATOR_LABELS } : undefined

/** As Kubernetes' own: DNS labels. */
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

const namespacesOf = (text: string): string[] => {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  const wrong = names.find((name) => !NAMESPACE.test(name))
  if (wrong !== undefined)
    throw new UsageError(`--namespace ${text}: ${wrong} is no name of a namespace; write names with commas between, e.g. kafka,team-a`)
  return [...new Set(names)]
}

const parse = (args: readonly string[]) => {
  try {
    const string = { type: 'string' } as const
    const options = {
      image: string,
      advertise: string,
      namespace: string,
      kubeconfig: string,
      'http-port': string,
      'no-leader-election': { type: 'boolean' },
      'network-policies': { type: 'boolean' },
    } as const
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${OPERATOR_USAGE}`, { cause: error })
  }
}

const connectionFrom = async (kubeconfig: string | undefined, env: Environment): Promise<KubeConnection> => {
  const host = env['KUBERNETES_SERVICE_HOST']
  const port = env['KUBERNETES_SERVICE_PORT']
  if (kubeconfig) return connectionOfKubeconfig(kubeconfig)
  if (host && port) return connectionOfServiceAccount(env['SOFAKAFKA_SERVICE_ACCOUNT_DIR'] ?? SERVICE_ACCOUNT_DIRECTORY, host, port)
  if (env['KUBECONFIG']) return connectionOfKubeconfig(env['KUBECONFIG'])
  throw new UsageError('no Kubernetes is known: run in a pod, give --kubeconfig FILE, or set KUBECONFIG')
}
