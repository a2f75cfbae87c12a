import type { MonotonicClock, WallClock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/logger.ts'
import type { Kube } from '../../kube/types.ts'
import { nodes } from '../objects.ts'
import { claimControllers } from './claims.ts'
import { Informers, type Around } from './controller.ts'
import { deploymentController } from './deployment.ts'
import { endpointsController } from './endpoints.ts'
import { GarbageCollector } from './garbage-collector.ts'
import { namespaceController } from './namespaces.ts'
import { replicaSetController } from './replicaset.ts'
import { schedulerController } from './scheduler.ts'
import { statefulSetController } from './statefulset.ts'

export type ControllersOptions = {
  kube: Kube
  /** Volumes of claims are directories in it. */
  volumes: string
  /** PEM of the API server's CA, for the pods. */
  caCertificate: string
  disk: Disk
  monotonic: MonotonicClock
  wall: WallClock
  logger: Logger
}

/** The few controllers of kube-controller-manager and the scheduler that this package's pods need. Resolves when all work. */
export const startControllers = async (options: ControllersOptions): Promise<{ stop(): Promise<void> }> => {
  const { kube, monotonic, wall, logger, disk } = options
  const informers = new Informers({ kube, clock: monotonic, logger })
  const around: Around = { kube, informers, monotonic, wall, logger }
  informers.of(nodes)
  const all = [
    namespaceController(around, options),
    statefulSetController(around),
    deploymentController(around),
    replicaSetController(around),
    endpointsController(around),
    schedulerController(around),
    ...claimControllers(around, { disk, directory: options.volumes }),
  ]
  await informers.start()
  for (const controller of all) controller.start()
  const garbage = new GarbageCollector(around)
  garbage.start()
  return {
    stop: async () => {
      await informers.stop()
      await Promise.all([garbage.stop(), ...all.map((controller) => controller.stop())])
    },
  }
}
