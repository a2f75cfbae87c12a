/** Since the start, by listener; the names are those of Kafka's socket-server-metrics. */
export type AuthenticationCounts = { successful: number; failed: number; reauthenticated: number; expired: number }

/** Counts who got in and who did not. */
export class Authentications {
  readonly #byListener = new Map<string, AuthenticationCounts>()

  count(listener: string, what: keyof AuthenticationCounts): void {
    this.of(listener)[what]++
  }

  of(listener: string): AuthenticationCounts {
    const known = this.#byListener.get(listener)
    if (known) return known
    const counts = { successful: 0, failed: 0, reauthenticated: 0, expired: 0 }
    this.#byListener.set(listener, counts)
    return counts
  }

  figures(): readonly (AuthenticationCounts & { listener: string })[] {
    return [...this.#byListener].map(([listener, counts]) => ({ listener, ...counts }))
  }
}
