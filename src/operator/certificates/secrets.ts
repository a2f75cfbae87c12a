import type { Cluster } from '../../api/index.ts'
import type { Secret } from '../../kube/resources.ts'
import { encoded, textOf } from '../../kube/secret-data.ts'
import { certificatesIn } from '../../security/certificates.ts'
import { clusterSecret } from '../cluster-secret.ts'
import { type AuthorityName, authoritySecret, CLUSTER_LABEL, MANAGER } from '../names.ts'
import { trustOf, type Authority } from './authority.ts'

/** The value of the Cluster's annotation for which an authority was renewed last. */
const RENEWED_FOR = 'sofakafka.io/renewed-for'

export const authorityKeySecret = (cluster: string, name: AuthorityName): string => `${authoritySecret(cluster, name)}-key`

export const isOurs = (secret: Secret, cluster: Cluster): boolean => {
  const { labels } = secret.metadata
  return labels?.['app.kubernetes.io/managed-by'] === MANAGER && labels[CLUSTER_LABEL] === cluster.metadata.name
}

/** With texts, which it encodes. */
export const secretOf = (cluster: Cluster, name: string, texts: Record<string, string>, annotations?: Record<string, string>): Secret =>
  clusterSecret(cluster, { name, component: 'kafka', data: encoded(texts), ...(annotations ? { annotations } : {}) })

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
