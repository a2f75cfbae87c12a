import type { DiskFault } from './fault-disk.ts'

/** What a server process is told when it starts. */
export type ServerOptions =
  | {
      program: 'broker'
      /** The text of server.properties. */
      properties: string
      /** Holds the log directories; `attic` is beside it. */
      root: string
      attic: string
      /** Names below `root`. */
      logDirs: readonly string[]
      /** Port that a connection asks for -> port of the link that it takes. */
      routes: Record<string, number>
    }
  | { program: 'zookeeper'; configPath: string }

/** What a broker process is told while it runs. It answers `serves` once, when it does. */
export type Order =
  | { kind: 'disk-fault'; directory: number; fault: DiskFault }
  | { kind: 'heal' }
  | { kind: 'clock-jump'; byMs: number }
  /** Leaves on the disk what was synced, and dies. */
  | { kind: 'power-loss' }
