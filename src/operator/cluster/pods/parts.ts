import type { Container, EnvVar, PodSpec } from '../../../kube/resources.ts'

/** What a broker's pod has for one of its subjects: listeners, ZooKeeper, a migration. */
export type PodParts = {
  args: string[]
  env: EnvVar[]
  ports: NonNullable<Container['ports']>
  volumes: NonNullable<PodSpec['volumes']>
  volumeMounts: NonNullable<Container['volumeMounts']>
}
