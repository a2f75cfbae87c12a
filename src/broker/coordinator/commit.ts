import type { Logger } from '../../base/logger.ts'
import { type ErrorName, KafkaError } from '../../protocol/errors.ts'
import type { GroupCoordinator } from './coordinator.ts'
import type { Group } from './group.ts'
import type { OffsetRecord, StoredOffset } from './group-records.ts'
import type { Speaker } from './messages.ts'
import { offsetStoreError } from './store-errors.ts'

export type Commit = {
  groupId: string
  speaker: Speaker
  offsets: readonly { topic: string; partition: number; value: StoredOffset }[]
  /** In characters. */
  maxMetadataLength: number
}

/** A client without generation may commit for a group that nobody knows yet. */
const groupFor = (groups: GroupCoordinator, { groupId, speaker }: Commit): Group => {
  const group = groups.find(groupId)
  if (group) return group
  if (speaker.generationId >= 0) throw new KafkaError('ILLEGAL_GENERATION')
  return groups.findOrCreate(groupId)
}

/** What became of each offset, in their order; resolves when they are replicated and show. */
export const commitOffsets = async (groups: GroupCoordinator, commit: Commit, logger: Logger): Promise<ErrorName[]> => {
  const { offsets, groupId, speaker, maxMetadataLength } = commit
  let group: Group
  try {
    group = groupFor(groups, commit)
    group.membership.checkCommit(speaker)
  } catch (thrown) {
    if (!(thrown instanceof KafkaError)) throw thrown
    return offsets.map(() => thrown.error)
  }
  const isTooLong = ({ value }: { value: StoredOffset }): boolean => value.metadata.length > maxMetadataLength
  const records: OffsetRecord[] = offsets.filter((one) => !isTooLong(one)).map((one) => ({ type: 'offset', group: groupId, ...one }))
  const error = records.length === 0 ? 'NONE' : await stored(group, speaker, records, logger)
  return offsets.map((one) => (isTooLong(one) ? 'OFFSET_METADATA_TOO_LARGE' : error))
}

const stored = async (group: Group, speaker: Speaker, records: readonly OffsetRecord[], logger: Logger): Promise<ErrorName> => {
  try {
    await group.commit(speaker, records)
    return 'NONE'
  } catch (err) {
    if (!(err instanceof KafkaError)) logger.error({ err, group: group.id }, 'offsets could not be stored')
    return offsetStoreError(err)
  }
}
