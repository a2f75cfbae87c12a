import { keyText, parseKey, type Key } from '../../kube/types.ts'
import type { Sample } from '../../base/exposition.ts'
import type { AuthorityName } from '../names.ts'

/** When a certificate of a Cluster ends. */
export type CertificateEnd = { type: AuthorityName | 'listener' | 'zookeeper'; listener?: string; endsMs: number }

/** The ends of all certificates as they were seen last, for metrics. */
export class CertificateEnds {
  readonly #ends = new Map<string, readonly CertificateEnd[]>()

  set(cluster: Key, ends: readonly CertificateEnd[]): void {
    this.#ends.set(keyText(cluster), ends)
  }

  forget(cluster: Key): void {
    this.#ends.delete(keyText(cluster))
  }

  /** `sofakafka_certificate_expiration_timestamp_seconds`: every certificate. */
  samples(): Sample[] {
    return this.#each(({ type, listener, endsMs }, { namespace, name }) => ({
      labels: { namespace, cluster: name, type, ...(listener === undefined ? {} : { listener }) },
      value: endsMs / 1000,
    }))
  }

  /** Strimzi's `strimzi_certificate_expiration_timestamp_ms`: authorities, with its labels. */
  strimziSamples(): Sample[] {
    return this.#each(({ type, endsMs }, { namespace, name }) => ({
      labels: { cluster: name, resource_namespace: namespace, type },
      value: endsMs,
    })).filter(({ labels }) => String(labels?.['type']).endsWith('-ca'))
  }

  #each(sample: (end: CertificateEnd, cluster: Key) => Sample): Sample[] {
    return [...this.#ends].flatMap(([cluster, ends]) => ends.map((end) => sample(end, parseKey(cluster))))
  }
}
