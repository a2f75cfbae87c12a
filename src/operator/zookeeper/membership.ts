/** What is known of an ensemble. Servers are named by their ids, from 1 on; the pod of server N has the ordinal N-1. */
export type EnsembleSeen = {
  wanted: number
  /** Of the StatefulSet; undefined: there is none yet. */
  running: { replicas: number; members: readonly number[] } | undefined
  /** Servers whose volumes say that they were members. */
  volumes: readonly number[]
  /** What the leader says; undefined: nobody leads, or nobody could be asked. */
  members: readonly number[] | undefined
  /** Servers that serve, as members or as those who listen before they join. */
  ready: ReadonlySet<number>
}

export type Change = { add: number } | { remove: number }
/** `members` may believe their volumes when their pods start. `change` is to be made after those have been written down. */
export type Plan = { replicas: number; members: readonly number[]; change?: Change; waiting?: string }

/**
 * One server joins or leaves at a time, and only while all others serve. A server is written down as a member before it is added and until it has been
 * removed: whoever is a member is always known as one, and at most one is known who is not.
 */
export const planOf = ({ wanted, running, volumes, members, ready }: EnsembleSeen): Plan => {
  if (!running) {
    const first = volumes.length > 0 ? volumes : [1]
    return { replicas: Math.max(wanted, ...first), members: first }
  }
  if (!members) return { ...running, waiting: 'no server leads' }
  const missing = (ids: readonly number[]) => ids.filter((id) => !ready.has(id))
  const leaving = Math.max(0, ...members.filter((id) => id > wanted))
  if (leaving > 0) {
    const others = missing(members.filter((id) => id !== leaving))
    const now = { replicas: Math.max(running.replicas, leaving), members }
    return others.length > 0 ? { ...now, waiting: notServing(others, leaving, 'leaves') } : { ...now, change: { remove: leaving } }
  }
  const joining = Array.from({ length: wanted }, (_unused, index) => index + 1).find((id) => !members.includes(id))
  if (joining === undefined) return { replicas: wanted, members }
  const absent = missing([...members, joining])
  if (absent.length > 0) return { replicas: wanted, members, waiting: notServing(absent, joining, 'joins') }
  return { replicas: wanted, members: [...members, joining].sort((a, b) => a - b), change: { add: joining } }
}

const notServing = (ids: readonly number[], id: number, verb: string): string =>
  `server ${id} ${verb} when ${ids.length === 1 ? `server ${ids[0]} serves` : `the servers ${ids.join(', ')} serve`}`
