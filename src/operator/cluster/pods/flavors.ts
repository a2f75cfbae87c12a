import type { Cluster } from '../../../api/index.ts'

/** Brokers that are alike. */
export type Group = Cluster['spec']['brokers'][number]

/** What a flavor stands for. */
const FLAVORS = {
  '4C8G': { cpu: '4', memory: '8Gi', size: '500Gi' },
  '16C60G': { cpu: '16', memory: '60Gi', size: '2Ti' },
} as const

/** Requests and limits of a group's brokers. */
export const resourcesOf = (group: Group): Group['resources'] => {
  if (!group.flavor) return group.resources
  const { cpu, memory } = FLAVORS[group.flavor]
  return { requests: { cpu, memory, ...group.resources?.requests }, limits: { cpu, memory, ...group.resources?.limits } }
}

/** The volume of a group's brokers. */
export const storageOf = (group: Group): NonNullable<Group['storage']> => group.storage ?? { size: FLAVORS[group.flavor ?? '4C8G'].size }
