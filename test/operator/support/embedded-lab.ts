import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monotonicClock, wallClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { nodeDisk } from '../../../src/base/node-disk.ts'
import { KubeClient } from '../../../src/kube/client.ts'
import { connectionOfKubeconfig } from '../../../src/kube/kubeconfig.ts'
import { startControllers } from '../../../src/local/controllers/index.ts'
import { start } from '../../local/apiserver/start.ts'
import type { KubeLab } from '../../support/control-plane.ts'

/** The API server of the local mode alone, in this process: it is there at once, and nothing makes pods or collects garbage. */
export const startEmbeddedLab = async (): Promise<KubeLab> => {
  const directory = mkdtempSync(join(tmpdir(), 'sofakafka-api-'))
  const server = await start(directory)
  const connection = await connectionOfKubeconfig(server.kubeconfigPath)
  const clients: KubeClient[] = []
  return {
    kubeconfig: server.kubeconfigPath,
    connection,
    client: (options = {}) => {
      const common = { connection, clock: monotonicClock, fieldManager: 'sofakafka-operator', appliedAnnotation: 'sofakafka.io/applied' }
      const client = new KubeClient({ ...common, ...options })
      clients.push(client)
      return client
    },
    stop: async () => {
      for (const client of clients) client.close()
      await server.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** With the controllers of the local mode: StatefulSets get pods and claims, claims are bound, what lost its owner goes. Pods are as ready as the test says. */
export const startControlledLab = async (): Promise<KubeLab> => {
  const lab = await startEmbeddedLab()
  const volumes = mkdtempSync(join(tmpdir(), 'sofakafka-volumes-'))
  const kube = lab.client({ fieldManager: 'controllers' })
  const clocks = { monotonic: monotonicClock, wall: wallClock }
  const controllers = await startControllers({ kube, volumes, caCertificate: '', disk: nodeDisk, logger: silentLogger, ...clocks })
  return {
    ...lab,
    stop: async () => {
      await controllers.stop()
      await lab.stop()
      rmSync(volumes, { recursive: true, force: true })
    },
  }
}
