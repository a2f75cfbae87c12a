/**
 * An answer of the API server that is not a success.
 * `status`: the HTTP code; 0 when there was no answer (connection refused or broken, time-out). `reason`: Kubernetes' own word, e.g. NotFound, AlreadyExists,
 * Conflict, Invalid, Expired; 'Unreachable' for status 0.
 */
export class KubeError extends Error {
  readonly status: number
  readonly reason: string
  readonly retryAfterMs: number | undefined

  constructor(status: number, reason: string, message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, { cause: options.cause })
    this.name = 'KubeError'
    this.status = status
    this.reason = reason
    this.retryAfterMs = options.retryAfterMs
  }
}

export const isKubeError = (error: unknown, ...statuses: number[]): error is KubeError =>
  error instanceof KubeError && (statuses.length === 0 || statuses.includes(error.status))
