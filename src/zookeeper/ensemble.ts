import type { JuteReader } from './jute.ts'
import { dataAndStat } from './protocol.ts'

/** Where the ensemble keeps its own members. */
export const CONFIG_PATH = '/zookeeper/config'

/** One line of a dynamic configuration: server.ID=HOST:PEER_PORT:ELECTION_PORT:ROLE;CLIENT_PORT. */
export type EnsembleMember = { id: number; role: 'participant' | 'observer'; line: string }
/** `version` is what a reconfiguration may demand to be the present one. Empty members: a standalone server. */
export type EnsembleConfig = { version: bigint; members: readonly EnsembleMember[] }

/** `joining`: lines; `leaving`: ids; `fromVersion` absent: whatever the version is. */
export type Reconfiguration = { joining?: readonly string[]; leaving?: readonly number[]; fromVersion?: bigint }

/** Reads a dynamic configuration: server.N lines and version=HEX. Other lines are left aside. */
export const parseEnsembleConfig = (text: string): EnsembleConfig => {
  const lines = text.split('\n').map((line) => line.trim())
  const members = lines.flatMap((line): EnsembleMember[] => {
    const [, id, rest = ''] = /^server\.(\d+)\s*=\s*(\S+)/.exec(line) ?? []
    if (id === undefined) return []
    return [{ id: Number(id), role: /:observer(;|$)/.test(rest) ? 'observer' : 'participant', line: `server.${id}=${rest}` }]
  })
  const version = lines.map((line) => /^version=([0-9a-f]+)$/i.exec(line)?.[1]).find((found) => found !== undefined)
  return { version: BigInt(`0x${version ?? '0'}`), members: members.sort((a, b) => a.id - b.id) }
}

/** The answer to a read of the members, and to a change of them. */
export const configOf = (from: JuteReader): EnsembleConfig => parseEnsembleConfig(dataAndStat.read(from).data?.toString('utf8') ?? '')
