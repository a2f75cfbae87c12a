import { METRICS_PORT } from '../../api/index.ts'
import * as http from 'node:http'
import type { Pod } from '../../kube/resources.ts'
import type { KubeAccess } from '../kube-access.ts'
import { type Connect, connectPod } from '../pods.ts'

const MAX_BYTES = 20 * 1024 * 1024

/** What a pod's /metrics says. Rejects where it does not answer before the signal aborts. */
export const metricsOf = (access: KubeAccess, how: Connect, pod: Pod, signal: AbortSignal): Promise<string> =>
  new Promise((resolve, reject) => {
    const request = http.get(
      { path: '/metrics', signal, createConnection: () => connectPod(access, how, pod, METRICS_PORT) },
      (response) => {
        const chunks: Buffer[] = []
        let sizeBytes = 0
        response.on('data', (chunk: Buffer) => {
          sizeBytes += chunk.length
          if (sizeBytes > MAX_BYTES) request.destroy(new Error(`more than ${MAX_BYTES} bytes of metrics`))
          chunks.push(chunk)
        })
        response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
        response.on('error', reject)
      },
    )
    request.on('error', reject)
  })
