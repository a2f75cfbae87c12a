import type { MonotonicClock, WallClock } from '../base/clock.ts'

/** The terminal, or what stands in its place. */
export type Io = {
  /** Resolves when more may be written. */
  out(data: string | Uint8Array): Promise<void>
  err(text: string): void
  input: AsyncIterable<Uint8Array>
  /** Whether somebody can be asked. */
  isInteractive: boolean
  hasColour: boolean
  /** Writes a file that only this user may read. Throws where there is one of that name. */
  save(path: string, bytes: Uint8Array): void
}

/** What of the surroundings decides how an API server is found. */
export type Surroundings = {
  /** KUBECONFIG, which may be a list of files. */
  kubeconfig: string | undefined
  home: string
  /** Where a pod has its account, and the API server's address as pods are told it. */
  serviceAccount: { directory: string; host: string; port: string } | undefined
}

export type Session = {
  io: Io
  surroundings: Surroundings
  clocks: { monotonic: MonotonicClock; wall: WallClock }
  version: string
  /** How the user calls this program: `kubectl sofakafka`, or `sofakafka`. */
  calledAs: string
  /** The programs that the executable has beside these commands. */
  programs: readonly string[]
  /** Aborts when the user wants to stop. */
  signal: AbortSignal
}
