import type { WallClock } from '../../base/clock.ts'
import type { Kube, KubeObject, Resource } from '../../kube/types.ts'
import {
  claims,
  configMaps,
  persistentVolumes,
  secrets,
  type ConfigMap,
  type Container,
  type Pod,
  type Secret,
  type VolumeSource,
} from '../objects.ts'
import type { VolumeSources } from './volumes.ts'

type Values = ReadonlyMap<string, Buffer>
type Token = { token: string; renewAtMs: number }

const DEFAULT_TOKEN_SECONDS = 3607
/** Kubernetes replaces a token when this share of its life is over. */
const TOKEN_LIFE_SHARE = 0.8

const configMapValues = ({ data = {}, binaryData = {} }: ConfigMap): Values =>
  new Map([
    ...Object.entries(data).map(([key, value]) => [key, Buffer.from(value)] as const),
    ...Object.entries(binaryData).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const),
  ])
const secretValues = ({ data = {} }: Secret): Values =>
  new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')]))

const volumeSources = (pod: Pod, mounted: ReadonlySet<string>): VolumeSource[] =>
  (pod.spec.volumes ?? []).filter(({ name }) => mounted.has(name)).flatMap((volume) => volume.projected?.sources ?? [volume])

const defined = (names: (string | undefined)[]): string[] => [...new Set(names.filter((name) => name !== undefined))]

/** Reads from the API what one container of a pod needs, afresh at each start. */
export class PodSources {
  readonly #kube: Kube
  readonly #clock: WallClock
  readonly #tokens = new Map<string, Token>()

  constructor(options: { kube: Kube; clock: WallClock }) {
    this.#kube = options.kube
    this.#clock = options.clock
  }

  async of(pod: Pod, container: Container): Promise<Omit<VolumeSources, 'capacity'>> {
    const mounted = new Set((container.volumeMounts ?? []).map(({ name }) => name))
    const sources = volumeSources(pod, mounted)
    const { env = [], envFrom = [] } = container
    const maps = defined([
      ...sources.map(({ configMap }) => configMap?.name),
      ...env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name),
      ...envFrom.map(({ configMapRef }) => configMapRef?.name),
    ])
    const keys = defined([
      ...sources.map(({ secret }) => secret?.secretName ?? secret?.name),
      ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
      ...envFrom.map(({ secretRef }) => secretRef?.name),
    ])
    const bound = defined(
      (pod.spec.volumes ?? []).filter(({ name }) => mounted.has(name)).map((volume) => volume.persistentVolumeClaim?.claimName),
    )
    const audiences = [
      ...new Set(
        sources.filter((source) => source.serviceAccountToken).map(({ serviceAccountToken }) => serviceAccountToken!.audience ?? ''),
      ),
    ]
    const namespace = pod.metadata.namespace ?? 'default'
    const [mapValues, secretsValues, directories, tokens] = await Promise.all([
      this.#all(configMaps, namespace, maps, configMapValues),
      this.#all(secrets, namespace, keys, secretValues),
      Promise.all(bound.map(async (claim) => [claim, await this.#claimDirectory(namespace, claim)] as const)),
      Promise.all(audiences.map(async (audience) => [audience, await this.#token(pod, audience)] as const)),
    ])
    return {
      configMap: (name) => mapValues.get(name),
      secret: (name) => secretsValues.get(name),
      claimDirectory: (name) => new Map(directories).get(name),
      token: (audience) => new Map(tokens).get(audience ?? ''),
    }
  }

  /** The pod is gone: so are its tokens. */
  forget(pod: Pod): void {
    for (const key of this.#tokens.keys()) if (key.startsWith(`${pod.metadata.uid} `)) this.#tokens.delete(key)
  }

  async #all<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string,
    names: string[],
    read: (object: T) => Values,
  ): Promise<Map<string, Values>> {
    const found = await Promise.all(names.map((name) => this.#kube.get(resource, { namespace, name })))
    return new Map(found.filter((object) => object !== undefined).map((object) => [object.metadata.name, read(object)]))
  }

  async #claimDirectory(namespace: string, name: string): Promise<string | undefined> {
    const claim = await this.#kube.get(claims, { namespace, name })
    if (claim?.status?.phase !== 'Bound' || !claim.spec.volumeName) return undefined
    const volume = await this.#kube.get(persistentVolumes, { namespace: '', name: claim.spec.volumeName })
    return volume?.spec.local?.path
  }

  async #token(pod: Pod, audience: string): Promise<string> {
    const key = `${pod.metadata.uid} ${audience}`
    const known = this.#tokens.get(key)
    if (known && known.renewAtMs > this.#clock.nowMs()) return known.token
    const { namespace, name, uid } = pod.metadata
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${pod.spec.serviceAccountName ?? 'default'}/token`
    const answer = (await this.#kube.raw('POST', path, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        expirationSeconds: DEFAULT_TOKEN_SECONDS,
        ...(audience ? { audiences: [audience] } : {}),
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    })) as { status: { token: string; expirationTimestamp: string } }
    const nowMs = this.#clock.nowMs()
    const lifeMs = Date.parse(answer.status.expirationTimestamp) - nowMs
    this.#tokens.set(key, { token: answer.status.token, renewAtMs: nowMs + lifeMs * TOKEN_LIFE_SHARE })
    return answer.status.token
  }
}
