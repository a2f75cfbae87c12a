import { type LeaderAndIsr, NO_LEADER } from '../metadata/znodes/partition-state.ts'

/** How a leader is looked for. */
export type ElectionStrategy =
  /** The leader is gone. `allowsUnclean`: for every partition, whatever its topic's unclean.leader.election.enable says. */
  | { type: 'offline'; allowsUnclean: boolean }
  /** The first of the replicas that stay after a reassignment. */
  | { type: 'reassign' }
  /** The first replica, or nobody. */
  | { type: 'preferred' }
  /** Away from brokers that are about to stop. */
  | { type: 'controlled-shutdown' }
  /** Brokers were away and are back, and no controller has seen it. */
  | { type: 'missed-bounce'; bounced: (known: object, brokerId: number) => boolean }

export type Electorate = {
  /** As assigned, the preferred leader first. */
  replicas: readonly number[]
  /** Those of them that a reassignment takes away. */
  removing: readonly number[]
  isr: readonly number[]
  /** Alive with a working log directory, and not about to stop. */
  isOnline: (brokerId: number) => boolean
  isShuttingDown: (brokerId: number) => boolean
}
export type Elected = { leader: number; isr: readonly number[] }

const firstInSync = ({ replicas, isr }: Electorate, isEligible: (id: number) => boolean): number | undefined =>
  replicas.find((id) => isr.includes(id) && isEligible(id))

/** The first online in-sync replica with the online rest of the set; else, if `isUncleanAllowed`, the first online replica, alone in sync: records may be lost. */
const electOffline = (electorate: Electorate, isUncleanAllowed: boolean): Elected | undefined => {
  const { replicas, isr, isOnline } = electorate
  const leader = firstInSync(electorate, isOnline)
  if (leader !== undefined) return { leader, isr: isr.filter(isOnline) }
  const unclean = isUncleanAllowed ? replicas.find(isOnline) : undefined
  return unclean === undefined ? undefined : { leader: unclean, isr: [unclean] }
}

const electForReassignment = (electorate: Electorate): Elected | undefined => {
  const leader = firstInSync(electorate, (id) => electorate.isOnline(id) && !electorate.removing.includes(id))
  return leader === undefined ? undefined : { leader, isr: electorate.isr }
}

export const electPreferred = ({ replicas, isr, isOnline }: Electorate): Elected | undefined => {
  const [leader] = replicas
  return leader !== undefined && isOnline(leader) && isr.includes(leader) ? { leader, isr } : undefined
}

const electForShutdown = (electorate: Electorate): Elected | undefined => {
  const leader = firstInSync(electorate, electorate.isOnline)
  return leader === undefined ? undefined : { leader, isr: electorate.isr.filter((id) => !electorate.isShuttingDown(id)) }
}

/**
 * A broker that was away may have lost what it had not flushed, of the present epoch too: those that were there all the time go before it, and it leaves the in-sync
 * set. Where nobody was there all the time the set stays, and the leader with it; the next epoch keeps its new records apart from those that it has forgotten.
 */
export const electAfterBounce = (electorate: Electorate, leader: number, isBounced: (brokerId: number) => boolean): Elected | undefined => {
  const { replicas, isr, isOnline } = electorate
  const online = isr.filter(isOnline)
  const steady = online.filter((id) => !isBounced(id))
  const rest = steady.length > 0 ? steady : online
  const next = rest.includes(leader) ? leader : replicas.find((id) => rest.includes(id))
  return next === undefined ? undefined : { leader: next, isr: rest }
}

/** undefined: nobody can lead by this strategy, and nothing is to be changed. */
export const elect = (
  strategy: Exclude<ElectionStrategy, { type: 'missed-bounce' }>,
  electorate: Electorate,
  isUncleanAllowed = false,
): Elected | undefined => {
  switch (strategy.type) {
    case 'offline':
      return electOffline(electorate, strategy.allowsUnclean || isUncleanAllowed)
    case 'reassign':
      return electForReassignment(electorate)
    case 'preferred':
      return electPreferred(electorate)
    case 'controlled-shutdown':
      return electForShutdown(electorate)
  }
}

/**
 * A partition when some of its replicas are gone: they leave the in-sync set, unless nobody would be left in it, since only its members have every acknowledged
 * record. undefined: nothing changes.
 */
export const withoutReplicas = (current: LeaderAndIsr, gone: (brokerId: number) => boolean): Elected | undefined => {
  const rest = current.isr.filter((id) => !gone(id))
  const isr = rest.length > 0 ? rest : current.isr
  const leader = gone(current.leader) ? NO_LEADER : current.leader
  return leader === current.leader && isr.length === current.isr.length ? undefined : { leader, isr }
}
