import { randomBytes } from 'node:crypto'
import type { Cluster } from '../../api/index.ts'
import { formatProperties } from '../../base/properties.ts'
import { ownerReference, type Secret } from '../../kube/resources.ts'
import { BROKER_USER, credentialsSecret, labelsOf, namespaceOf, OPERATOR_USER } from '../names.ts'
import { LOGIN_FILE } from './mounts.ts'

const PASSWORD_BYTES = 32
const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')

/** The two passwords of the operator and of the brokers among themselves: 43 characters of A-Z a-z 0-9 - _. */
export const newCredentials = (): NonNullable<Secret['data']> => {
  const [operator, broker] = [randomBytes(PASSWORD_BYTES).toString('base64url'), randomBytes(PASSWORD_BYTES).toString('base64url')]
  return {
    [OPERATOR_USER]: base64(operator),
    [BROKER_USER]: base64(broker),
    [LOGIN_FILE]: base64(formatProperties([['password', broker]])),
  }
}

/** Goes with the Cluster only when deletionPolicy is Delete; else a Cluster of the same name finds it again. */
export const credentials = (cluster: Cluster, data: NonNullable<Secret['data']>): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name: credentialsSecret(cluster),
    namespace: namespaceOf(cluster),
    labels: labelsOf(cluster, 'kafka'),
    ...(cluster.spec.deletionPolicy === 'Delete' ? { ownerReferences: [ownerReference(cluster)] } : {}),
  },
  type: 'Opaque',
  data,
})
