import { NodeLab } from '../support/node-lab.ts'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { Place } from './load.ts'
import { execute, type Substrate } from './substrate.ts'

/** The image of this source tree. */
export const IMAGE = 'sofakafka:e2e'
/** The same under another name: for Kubernetes and the operator it is another one. */
export const OTHER_IMAGE = 'sofakafka:e2e-other'

/** Real nodes with the operator of this source tree as two pods, and the quickstart, all in namespaces where only restricted pods may run. */
export class Nodes implements Substrate {
  readonly lab: NodeLab

  private constructor(lab: NodeLab) {
    this.lab = lab
  }

  /** `values`: for helm install; `images`: what there is beside IMAGE. */
  static async start(options: { count?: 1 | 2 | 3; values?: string[]; images?: string[] } = {}): Promise<Nodes> {
    const nodes = new Nodes(await NodeLab.start(options.count ?? 1, [IMAGE, ...(options.images ?? [])]))
    try {
      await nodes.#install(options.values ?? [])
    } catch (error) {
      await nodes.stop()
      throw error
    }
    return nodes
  }

  get kubeconfig(): string {
    return this.lab.kubeconfig
  }
  get directory(): string {
    return this.lab.directory
  }

  async #install(values: string[]): Promise<void> {
    const { code, stdout, stderr } = await execute(
      'env',
      [`KUBECONFIG=${this.kubeconfig}`, 'hack/install', IMAGE, 'default', ...values],
      '',
      540_000,
    )
    if (code !== 0) throw new Error(`hack/install ended with ${code}\n${stdout}${stderr}\n${await new Place(this).diagnosis()}`)
  }

  /** Clients resolve names as pods do. */
  spawn(program: string, args: string[], environment: Record<string, string>): ChildProcessWithoutNullStreams {
    return this.lab.spawn(program, args, environment)
  }

  killContainer(pod: string): Promise<void> {
    return this.lab.killContainer(pod)
  }

  async stop(): Promise<void> {
    await this.lab.stop()
  }
}
