import { decodeJson, encodeJson, integer, integers } from './json.ts'
import { topicZnode } from './topic.ts'

/** `leader` is -1 while there is none. */
export type LeaderAndIsr = { leader: number; leaderEpoch: number; isr: readonly number[]; controllerEpoch: number }

export const NO_LEADER = -1

/** Written by the controller, and by leaders when the in-sync set changes; always with the version that was read. */
export const partitionStateZnode = {
  path: (topic: string, partition: number): string => `${topicZnode.partitionPath(topic, partition)}/state`,
  encode: ({ leader, leaderEpoch, isr, controllerEpoch }: LeaderAndIsr): Buffer =>
    encodeJson({ controller_epoch: controllerEpoch, leader, version: 1, leader_epoch: leaderEpoch, isr }),
  decode: (topic: string, partition: number, data: Buffer): LeaderAndIsr => {
    const path = partitionStateZnode.path(topic, partition)
    const json = decodeJson(path, data)
    return {
      leader: integer(path, json, 'leader'),
      leaderEpoch: integer(path, json, 'leader_epoch'),
      isr: integers(path, json, 'isr'),
      controllerEpoch: integer(path, json, 'controller_epoch'),
    }
  },
}
