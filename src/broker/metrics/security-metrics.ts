import type { Exposition } from '../../base/exposition.ts'
import type { AuthenticationCounts } from '../login/authentications.ts'
import type { Watched } from '../ports.ts'

/** Kafka's own names in socket-server-metrics. */
const AUTHENTICATIONS: Record<keyof AuthenticationCounts, readonly [name: string, help: string]> = {
  successful: ['successful_authentication_total', 'Connections that logged in, by SASL or by TLS.'],
  failed: ['failed_authentication_total', 'Connections that failed to log in, or in their TLS handshake.'],
  reauthenticated: ['successful_reauthentication_total', 'Logins that were repeated on an open connection.'],
  expired: ['expired_connections_killed_count', 'Connections that went on after their login had expired.'],
}

/** Who got in, and how long the certificates last. */
export const writeSecurity = (to: Exposition, watched: Pick<Watched, 'authentications' | 'tls'>): void => {
  const counts = watched.authentications()
  for (const [key, [name, help]] of Object.entries(AUTHENTICATIONS) as [keyof AuthenticationCounts, readonly [string, string]][]) {
    const samples = counts.map((of) => ({ labels: { listener: of.listener }, value: of[key] }))
    to.add(`kafka_server_socket_server_metrics_${name}`, 'counter', help, samples)
  }
  const tls = watched.tls()
  const per = (value: (figures: (typeof tls)[number]) => number) =>
    tls.map((figures) => ({ labels: { listener: figures.listener }, value: value(figures) }))
  to.add(
    'sofakafka_tls_certificate_not_after_seconds',
    'gauge',
    'When the certificate in use ends, in seconds since 1970.',
    per(({ notAfterMs }) => notAfterMs / 1000),
  )
  to.add(
    'sofakafka_tls_reload_failed',
    'gauge',
    '1 while the files of a TLS listener cannot be used.',
    per(({ isStale }) => Number(isStale)),
  )
  to.add(
    'sofakafka_tls_reloads_total',
    'counter',
    'Changes of a TLS listener that took effect.',
    per(({ reloads }) => reloads),
  )
}
