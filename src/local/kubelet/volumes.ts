import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import type { Container, KeyToPath, Pod, Volume, VolumeMount, VolumeSource } from '../objects.ts'
import { ContainerConfigError, expand, fieldValue, resourceValue, type Sources } from './environment.ts'
import { PathMap } from './paths.ts'

/** What the kubelet asks others for, beside ConfigMaps and Secrets. */
export type VolumeSources = Sources & {
  /** The directory of a bound claim; undefined while it is not bound. */
  claimDirectory(claim: string): string | undefined
  /** A token for the pod's service account. */
  token(audience: string | undefined): string | undefined
  capacity: { cpu: number; memory: number }
}

export type MountOptions = {
  disk: Disk
  /** The pod's own directory: volumes live under it. */
  podDirectory: string
  pod: Pod
  container: Container
  sources: VolumeSources
  environment: ReadonlyMap<string, string>
}

type Files = Map<string, Buffer>

const pick = (values: ReadonlyMap<string, Buffer>, items: KeyToPath[] | undefined, what: string, optional = false): Files => {
  if (!items) return new Map(values)
  const files: Files = new Map()
  for (const { key, path } of items) {
    const bytes = values.get(key)
    if (bytes) files.set(path, bytes)
    else if (!optional) throw new ContainerConfigError(`${what} has no key ${key}`)
  }
  return files
}

type Target = Pick<MountOptions, 'pod' | 'container' | 'sources'>

const objectFiles = ({ configMap, secret }: VolumeSource, sources: Sources): Files => {
  const { items, optional } = (configMap ?? secret)!
  const name = configMap?.name ?? secret?.secretName ?? secret?.name ?? ''
  const values = configMap ? sources.configMap(name) : sources.secret(name)
  const what = `${configMap ? 'configmap' : 'secret'} "${name}"`
  if (!values && !optional) throw new ContainerConfigError(`${what} not found`, 'ContainerCreating')
  return pick(values ?? new Map(), items, what, optional)
}

const downwardFiles = ({ items = [] }: NonNullable<VolumeSource['downwardAPI']>, { pod, container, sources }: Target): Files => {
  const valueOf = ({ fieldRef, resourceFieldRef }: (typeof items)[number]): string => {
    if (fieldRef) return fieldValue(pod, fieldRef)
    return resourceFieldRef ? resourceValue(container, resourceFieldRef, sources.capacity) : ''
  }
  return new Map(items.map((item) => [item.path, Buffer.from(valueOf(item))]))
}

const sourceFiles = (source: VolumeSource, target: Target): Files => {
  if (source.configMap ?? source.secret) return objectFiles(source, target.sources)
  if (source.downwardAPI) return downwardFiles(source.downwardAPI, target)
  const { serviceAccountToken } = source
  if (!serviceAccountToken) return new Map()
  const token = target.sources.token(serviceAccountToken.audience)
  if (token === undefined) throw new ContainerConfigError('the service account has no token yet', 'ContainerCreating')
  return new Map([[serviceAccountToken.path, Buffer.from(token)]])
}

const isFiles = (volume: Volume): boolean => Boolean(volume.configMap ?? volume.secret ?? volume.downwardAPI ?? volume.projected)

/** Paths inside a volume come from the API: none may lead out of it. */
const inside = (directory: string, path: string): string => {
  if (path.startsWith('/') || path.split('/').includes('..')) throw new ContainerConfigError(`path ${path} leads out of its volume`)
  return join(directory, path)
}

const writeFile = (disk: Disk, path: string, bytes: Buffer): void => {
  if (disk.stat(path)?.sizeBytes === bytes.length && disk.readFile(path).equals(bytes)) return
  disk.makeDirectory(join(path, '..'))
  const file = disk.open(`${path}.tmp`, 'create')
  try {
    file.truncateSync(0)
    file.writeSync([bytes], 0)
  } finally {
    file.close()
  }
  disk.rename(`${path}.tmp`, path)
}

/** Directories are per container: the rewritten paths in the files differ where containers mount one volume at different places. */
const directoryOf = (volume: Volume, { podDirectory, container, sources }: MountOptions): string => {
  if (isFiles(volume)) return join(podDirectory, 'volumes', container.name, volume.name)
  if (volume.emptyDir) return join(podDirectory, 'volumes', volume.name)
  const claim = volume.persistentVolumeClaim
  if (!claim) {
    const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'none'
    throw new ContainerConfigError(
      `volume ${volume.name}: the local mode has no volumes of kind ${kind}; use configMap, secret, emptyDir, projected, downwardAPI or persistentVolumeClaim`,
    )
  }
  const directory = sources.claimDirectory(claim.claimName)
  if (directory === undefined)
    throw new ContainerConfigError(`persistentvolumeclaim "${claim.claimName}" is not bound yet`, 'ContainerCreating')
  return directory
}

const mountPoint = (directory: string, mount: VolumeMount, environment: ReadonlyMap<string, string>): string => {
  const subPath = mount.subPathExpr === undefined ? mount.subPath : expand(mount.subPathExpr, environment)
  return subPath ? inside(directory, subPath) : directory
}

const filesOf = (volume: Volume, target: Target): { bytes: Files; rewritten: Files } => {
  const sources = volume.projected?.sources ?? [volume]
  const bytes: Files = new Map()
  const rewritten: Files = new Map()
  for (const source of sources) {
    for (const [path, content] of sourceFiles(source, target)) (source.configMap ? rewritten : bytes).set(path, content)
  }
  return { bytes, rewritten }
}

/**
 * Makes the container's volumes as directories, writes the files of those that have files, and says where each mount path is now.
 * Files of ConfigMaps get their mount paths rewritten; Secrets and tokens are never touched. Throws ContainerConfigError.
 */
export const mountVolumes = (options: MountOptions): PathMap => {
  const { disk, pod, container, environment } = options
  const mounts = container.volumeMounts ?? []
  const volumes = new Map((pod.spec.volumes ?? []).map((volume) => [volume.name, volume]))
  const volumeOf = (mount: VolumeMount): Volume => {
    const volume = volumes.get(mount.name)
    if (!volume) throw new ContainerConfigError(`volumeMounts: the pod has no volume ${mount.name}`)
    return volume
  }
  const paths = new PathMap(mounts.map((mount) => [mount.mountPath, mountPoint(directoryOf(volumeOf(mount), options), mount, environment)]))
  for (const volume of new Set(mounts.map(volumeOf))) {
    const directory = directoryOf(volume, options)
    disk.makeDirectory(directory)
    if (!isFiles(volume)) continue
    const { bytes, rewritten } = filesOf(volume, options)
    for (const [path, content] of bytes) writeFile(disk, inside(directory, path), content)
    for (const [path, content] of rewritten) writeFile(disk, inside(directory, path), Buffer.from(paths.rewrite(content.toString('utf8'))))
  }
  for (const mount of mounts) {
    const at = mountPoint(directoryOf(volumeOf(mount), options), mount, environment)
    if (!isFiles(volumeOf(mount))) disk.makeDirectory(at)
  }
  return paths
}
