import type { ConfigMap, Container, PodSpec, Service, StatefulSet } from '../../../src/local/objects.ts'

export const NAMESPACE = 'default'
const labels = { app: 'web' }

/** A StatefulSet of the fixture program, which serves on 8080. */
export const statefulSet = (
  spec: Partial<StatefulSet['spec']> = {},
  container: Partial<Container> = {},
  pod: Partial<PodSpec> = {},
): StatefulSet => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web', namespace: NAMESPACE },
  spec: {
    replicas: 2,
    serviceName: 'web',
    podManagementPolicy: 'Parallel',
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        terminationGracePeriodSeconds: 2,
        containers: [
          {
            name: 'kafka',
            image: 'r/sofakafka:1',
            args: ['broker', '--listen', '8080'],
            ports: [{ name: 'http', containerPort: 8080 }],
            readinessProbe: { httpGet: { path: '/readyz', port: 'http' } },
            ...container,
          },
        ],
        ...pod,
      },
    },
    ...spec,
  },
})

export const headless: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: NAMESPACE },
  spec: { clusterIP: 'None', publishNotReadyAddresses: true, selector: labels, ports: [{ name: 'http', port: 8080, targetPort: 'http' }] },
}

export const service: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'entrance', namespace: NAMESPACE },
  spec: { selector: labels, ports: [{ name: 'http', port: 8000, targetPort: 'http' }] },
}

export const configMap: ConfigMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'conf', namespace: NAMESPACE },
  data: { 'server.properties': 'log.dirs=/data/logs\n' },
}
