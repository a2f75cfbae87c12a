import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addressesOf, parseTable } from '../../src/local/kubelet/name-table.ts'
import type { Kubelet } from '../../src/local/kubelet/kubelet.ts'
import { startKubelet } from '../local/support/machine.ts'
import { KUBE_LAB_PORTS, type KubeLab, startKubeLab } from '../support/control-plane.ts'
import { eventually, freePorts } from '../support/net.ts'
import { helm, Kubectl, QUICKSTART, type Substrate } from './substrate.ts'

/** One operator, since the tests change its arguments; addresses, since this process resolves no names of pods. */
const VALUES = ['--set', 'image.tag=e2e,replicas=1,advertise=pod-ip']
const STOP_GRACE_MS = 1_500
/** Of every volume: as much as the largest claim of the quickstart wants. */
const VOLUME_SIZE = '10Gi'
/** One ZooKeeper and three brokers. */
const VOLUMES = 4

/** A directory of this machine as a volume: a bare control plane has no provisioner, and binds claims without a class to volumes without one. */
const volume = (directory: string, index: number) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name: `directory-${index}` },
  spec: {
    capacity: { storage: VOLUME_SIZE },
    accessModes: ['ReadWriteOnce'],
    persistentVolumeReclaimPolicy: 'Retain',
    local: { path: join(directory, 'volumes', String(index)) },
    nodeAffinity: {
      required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['local'] }] }] },
    },
  },
})

/** The API server, controllers and scheduler of Kubernetes; our kubelet is their node. The charts install the operator, which has the rights that they give it. */
export class ControlPlane implements Substrate {
  readonly directory: string
  readonly kubeconfig: string
  readonly #lab: KubeLab
  #kubelet: Kubelet | undefined

  private constructor(directory: string, lab: KubeLab) {
    this.directory = directory
    this.kubeconfig = lab.kubeconfig
    this.#lab = lab
  }

  static async start(): Promise<ControlPlane> {
    const directory = mkdtempSync(join(tmpdir(), 'sofakafka-e2e-'))
    const port = await freePorts(KUBE_LAB_PORTS)
    const plane = new ControlPlane(directory, await startKubeLab(port))
    try {
      await Promise.all([plane.#join(port), plane.#install()])
    } catch (error) {
      await plane.stop()
      throw error
    }
    return plane
  }

  async #join(port: number): Promise<void> {
    const cache = process.env['NODE_COMPILE_CACHE']
    this.#kubelet = await startKubelet({
      kube: this.#lab.client(),
      dataDir: this.directory,
      port,
      main: join(process.cwd(), 'src', 'main.ts'),
      environment: cache ? { NODE_COMPILE_CACHE: cache } : {},
    })
  }

  async #install(): Promise<void> {
    const kubectl = new Kubectl(this)
    const volumes = Array.from({ length: VOLUMES }, (_unused, index) => volume(this.directory, index))
    for (const { spec } of volumes) mkdirSync(spec.local.path, { recursive: true })
    await kubectl.ok(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: volumes }))
    await helm(this, ['install', 'sofakafka-crds', join('charts', 'sofakafka-crds')])
    // A definition that is so new that it has no conditions yet is an error for some kubectl.
    await eventually(() => kubectl.ok(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']), { everyMs: 500 })
    await helm(this, ['install', 'sofakafka', join('charts', 'sofakafka'), '-n', 'sofakafka-system', '--create-namespace', ...VALUES])
    await kubectl.ok(['apply', '-f', QUICKSTART])
  }

  /** Addresses of a name as a pod of the default namespace resolves it. */
  resolve(name: string): string[] {
    return addressesOf(parseTable(readFileSync(join(this.directory, 'kubelet', 'names.json'), 'utf8')), name, 'default') ?? []
  }

  async stop(): Promise<void> {
    await this.#kubelet?.stop(STOP_GRACE_MS)
    await this.#lab.stop()
    rmSync(this.directory, { recursive: true, force: true })
  }
}
