import type { MonotonicClock, WallClock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/logger.ts'

export type ApiServerOptions = {
  disk: Disk
  /** Certificates, tokens and objects live here; made with mode 0700. */
  dataDir: string
  host?: '127.0.0.1'
  /** 0 takes a free one. A port in use rejects with EADDRINUSE. */
  port: number
  clocks: { monotonic: MonotonicClock; wall: WallClock }
  logger: Logger
  /** CustomResourceDefinitions, applied before the server listens. */
  crds?: readonly object[]
  /** Sent as bearer token to the kubelet's log endpoint. */
  kubeletToken?: string
  /** Where cluster IPs of services come from, e.g. '127.7.128.0/17'. */
  serviceCidr?: string
}

/** Who a token speaks for. */
export type Identity = { user: string; groups?: readonly string[]; uid?: string }

export interface ApiServer {
  readonly url: string
  readonly host: string
  readonly port: number
  /** PEM. */
  readonly caCertificate: string
  /** A kubeconfig (YAML) whose only user is in group system:masters; also written to `kubeconfigPath` with mode 0600. */
  adminKubeconfig(): string
  readonly kubeconfigPath: string
  /** An opaque bearer token; survives a restart of the server on the same data directory. */
  issueToken(identity: Identity): string
  /** Ends watches, closes connections, writes what is not yet on disk. */
  stop(): Promise<void>
}
