import type { Cluster } from '../../api/index.ts'
import { ownerReference, type Secret } from '../../kube/resources.ts'
import { certificatesIn } from '../../security/certificates.ts'
import { CLUSTER_LABEL, labelsOf, MANAGER, namespaceOf } from '../names.ts'
import { trustOf, type Authority } from './authority.ts'

export type AuthorityName = 'cluster-ca' | 'clients-ca'
/** The value of the Cluster's annotation for which an authority was renewed last. */
const RENEWED_FOR = 'sofakafka.io/renewed-for'

export const authoritySecret = (cluster: string, name: AuthorityName): string => `${cluster}-${name}`
export const authorityKeySecret = (cluster: string, name: AuthorityName): string => `${authoritySecret(cluster, name)}-key`

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')
export const textOf = (secret: Secret | undefined, key: string): string | undefined => {
  const data = secret?.data?.[key]
  return data === undefined ? undefined : Buffer.from(data, 'base64').toString('utf8')
}

export const isOurs = (secret: Secret, cluster: Cluster): boolean => {
  const { labels } = secret.metadata
  return labels?.['app.kubernetes.io/managed-by'] === MANAGER && labels[CLUSTER_LABEL] === cluster.metadata.name
}

/** A Secret of the operator's that outlives its Cluster unless deletionPolicy is Delete. */
export const secretOf = (cluster: Cluster, name: string, texts: Record<string, string>, annotations?: Record<string, string>): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name,
    namespace: namespaceOf(cluster),
    labels: labelsOf(cluster, 'kafka'),
    ...(annotations ? { annotations } : {}),
    ...(cluster.spec.deletionPolicy === 'Delete' ? { ownerReferences: [ownerReference(cluster)] } : {}),
  },
  type: 'Opaque',
  data: Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, base64(text)])),
})

const pair = (secret: Secret, prefix: 'ca' | 'next') => {
  const [certificatePem, keyPem] = [textOf(secret, `${prefix}.crt`), textOf(secret, `${prefix}.key`)]
  return certificatePem !== undefined && keyPem !== undefined ? { certificatePem, keyPem } : undefined
}

/** The authority that the Secret with the keys holds; undefined where it holds none. */
export const readAuthority = (keys: Secret | undefined): { authority: Authority; renewedFor: string | undefined } | undefined => {
  const active = keys && pair(keys, 'ca')
  if (!active) return undefined
  const authority = { active, next: pair(keys, 'next'), old: certificatesIn(textOf(keys, 'old.crt') ?? '') }
  return { authority, renewedFor: keys.metadata.annotations?.[RENEWED_FOR] }
}

/** Two Secrets: one with the keys for the operator alone, one with what everybody may read. */
export const authoritySecrets = (
  cluster: Cluster,
  name: AuthorityName,
  { active, next, old }: Authority,
  renewedFor: string | undefined,
): [keys: Secret, certificates: Secret] => {
  const keys = {
    'ca.crt': active.certificatePem,
    'ca.key': active.keyPem,
    ...(next ? { 'next.crt': next.certificatePem, 'next.key': next.keyPem } : {}),
    ...(old.length > 0 ? { 'old.crt': old.join('') } : {}),
  }
  const annotations = renewedFor === undefined ? undefined : { [RENEWED_FOR]: renewedFor }
  return [
    secretOf(cluster, authorityKeySecret(cluster.metadata.name, name), keys, annotations),
    secretOf(cluster, authoritySecret(cluster.metadata.name, name), { 'ca.crt': trustOf({ active, next, old }).join('') }),
  ]
}
