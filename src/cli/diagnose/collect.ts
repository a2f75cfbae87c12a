import { acls, type Cluster, CLUSTER_LABEL, clusters, isOfBrokers, topics, users } from '../../api/index.ts'
import {
  configMaps,
  events,
  nodes,
  persistentVolumeClaims,
  podDisruptionBudgets,
  type Pod,
  pods,
  resourceOf,
  secrets,
  services,
  statefulSets,
  storageClasses,
  type Secret,
} from '../../kube/resources.ts'
import type { KubeObject, Resource } from '../../kube/types.ts'
import type { Call } from '../command.ts'
import { describeFailure } from '../failure.ts'
import { type KubeAccess, listEverywhere } from '../kube-access.ts'
import { logPath } from '../logs.ts'
import { type Connect, podsOf } from '../pods.ts'
import type { Session } from '../session.ts'
import { observe } from '../status/observe.ts'
import { report } from '../status/report.ts'
import { statusText } from '../status/text.ts'
import { durationMs } from '../times.ts'
import { metricsOf } from './metrics.ts'
import { outlineOf, Redaction } from './redact.ts'
import type { BundleFile } from './tar.ts'

const OPERATOR = 'app.kubernetes.io/name=sofakafka-operator'
const LOG_BYTES = 5 * 1024 * 1024
const METRICS_WITHIN_MS = 10_000
const DAY = '24h'

/** Kinds by file; of a Cluster those with its label. */
const LABELLED: readonly (readonly [string, Resource])[] = [
  ['pods', pods],
  ['statefulsets', statefulSets],
  ['services', services],
  ['persistentvolumeclaims', persistentVolumeClaims],
  ['poddisruptionbudgets', podDisruptionBudgets],
  ['configmaps', configMaps],
  ['networkpolicies', resourceOf('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies')],
  ['serviceaccounts', resourceOf('v1', 'ServiceAccount', 'serviceaccounts')],
]

/** Gathers the files of a bundle; what cannot be had is a line in problems.txt, and the rest goes on. */
export class Collector {
  readonly #access: KubeAccess
  readonly #cluster: Cluster
  readonly #call: Call
  readonly #session: Session
  readonly #files: BundleFile[] = []
  readonly #problems: string[] = []
  #redaction = new Redaction([])

  constructor(access: KubeAccess, cluster: Cluster, call: Call, session: Session) {
    this.#access = access
    this.#cluster = cluster
    this.#call = call
    this.#session = session
  }

  async collect(): Promise<BundleFile[]> {
    // First, so that everything after it can be cleaned.
    await this.#try('secrets', () => this.#secrets())
    await this.#try('status', () => this.#status())
    await this.#try('versions', async () => this.#add('versions.json', JSON.stringify(await this.#versions(), undefined, 2)))
    for (const [name, resource] of [
      ['topics', topics],
      ['users', users],
      ['acls', acls],
    ] as const)
      await this.#try(name, () => this.#custom(name, resource as Resource))
    await this.#objects('resources/cluster', [this.#cluster])
    for (const [name, resource] of LABELLED) await this.#try(name, () => this.#labelled(name, resource))
    await this.#try('events', async () =>
      this.#objects('kubernetes/events', (await this.#access.kube.list(events, { namespace: this.#namespace })).items),
    )
    for (const [name, resource] of [
      ['nodes', nodes],
      ['storageclasses', storageClasses],
    ] as const)
      await this.#try(name, async () => this.#objects(`kubernetes/${name}`, (await this.#access.kube.list(resource)).items))
    await this.#pods()
    if (this.#problems.length > 0) this.#add('problems.txt', `${this.#problems.join('\n')}\n`)
    return this.#files
  }

  get problems(): readonly string[] {
    return this.#problems
  }

  get #namespace(): string {
    return this.#cluster.metadata.namespace ?? 'default'
  }

  async #try(what: string, work: () => Promise<void> | void): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#problems.push(this.#redaction.text(`${what}: ${describeFailure(error).text}`))
    }
  }

  /** Everything goes through here: nothing reaches the bundle as it was. */
  #add(path: string, text: string): void {
    this.#files.push({ path, bytes: Buffer.from(this.#redaction.text(text), 'utf8') })
  }

  async #objects(path: string, objects: readonly KubeObject[]): Promise<void> {
    const { stringify } = await import('yaml')
    const documents = objects.map((object) => stringify(this.#redaction.object(object), { lineWidth: 0, aliasDuplicateObjects: false }))
    this.#add(`${path}.yaml`, documents.length === 0 ? '# none\n' : documents.join('---\n'))
  }

  async #secrets(): Promise<void> {
    const { items } = await this.#access.kube.list(secrets, { namespace: this.#namespace })
    // Users of other namespaces have their Secrets there.
    const elsewhere = await this.#userSecrets()
    this.#redaction = new Redaction([...items, ...elsewhere])
    const { stringify } = await import('yaml')
    const own = [...items, ...elsewhere].filter(({ metadata }) =>
      Object.keys(metadata.labels ?? {}).some((label) => label.startsWith('sofakafka.io/')),
    )
    this.#add('kubernetes/secrets.yaml', own.map((secret) => stringify(outlineOf(secret))).join('---\n'))
  }

  async #userSecrets(): Promise<Secret[]> {
    const { items } = await listEverywhere({ ...this.#access, namespace: this.#namespace }, users)
    const found = await Promise.all(
      items
        .filter(({ metadata, spec }) => spec.clusterRef.namespace === this.#namespace && metadata.namespace !== this.#namespace)
        .map(({ metadata, status }) =>
          this.#access.kube.get(secrets, { namespace: metadata.namespace ?? 'default', name: status?.secretName ?? metadata.name }),
        ),
    )
    return found.filter((secret) => secret !== undefined)
  }

  async #custom(name: string, resource: Resource): Promise<void> {
    const { items, isWhole } = await listEverywhere({ ...this.#access, namespace: this.#namespace }, resource)
    if (!isWhole) this.#problems.push(`${name}: only those of ${this.#namespace}; others may not be seen`)
    await this.#objects(`resources/${name}`, items)
  }

  async #labelled(name: string, resource: Resource): Promise<void> {
    const selector = { namespace: this.#namespace, labelSelector: `${CLUSTER_LABEL}=${this.#cluster.metadata.name}` }
    await this.#objects(`kubernetes/${name}`, (await this.#access.kube.list(resource, selector)).items)
  }

  async #status(): Promise<void> {
    const shown = report(await observe(this.#call, this.#session, this.#access, this.#cluster), this.#session.calledAs)
    this.#add('status.json', JSON.stringify(shown, undefined, 2))
    this.#add('status.txt', statusText(shown, { nowMs: this.#session.clocks.wall.nowMs(), isWide: true, hasColour: false }))
  }

  async #versions(): Promise<unknown> {
    const kubernetes = await this.#access.kube.raw('GET', '/version').catch(() => undefined)
    return { tool: this.#session.version, kubernetes, cluster: `${clusters.apiVersion} ${this.#namespace}/${this.#cluster.metadata.name}` }
  }

  async #pods(): Promise<void> {
    const sinceMs = durationMs(this.#call.text('since') ?? DAY, 'since')
    const own = await podsOf(this.#access, this.#cluster)
    const operators = await this.#operators()
    for (const pod of [...own, ...operators]) {
      const name = pod.metadata.name
      await this.#try(`log of ${name}`, async () => this.#add(`logs/${name}.log`, await this.#log(pod, { sinceMs })))
      const restarts = pod.status?.containerStatuses?.some(({ restartCount }) => restartCount > 0)
      if (restarts)
        await this.#try(`earlier log of ${name}`, async () =>
          this.#add(`logs/${name}.previous.log`, await this.#log(pod, { previous: true })),
        )
    }
    const how = (this.#call.text('connect') ?? 'auto') as Connect
    for (const pod of own.filter(isOfBrokers))
      await this.#try(`metrics of ${pod.metadata.name}`, async () => {
        const late = new AbortController()
        const timer = this.#session.clocks.monotonic.schedule(METRICS_WITHIN_MS, () =>
          late.abort(new Error(`no answer within ${METRICS_WITHIN_MS} ms`)),
        )
        const text = await metricsOf(this.#access, how, pod, AbortSignal.any([this.#session.signal, late.signal])).finally(() =>
          timer.cancel(),
        )
        this.#add(`metrics/${pod.metadata.name}.prom`, text)
      })
  }

  #log(pod: Pod, options: Parameters<typeof logPath>[1]): Promise<string> {
    return this.#access.kube.text(`${logPath(pod, { ...options, timestamps: true })}&limitBytes=${LOG_BYTES}`)
  }

  async #operators(): Promise<Pod[]> {
    try {
      return (await this.#access.kube.list(pods, { labelSelector: OPERATOR })).items
    } catch (error) {
      this.#problems.push(`the operator's log: ${describeFailure(error).text}`)
      return []
    }
  }
}
