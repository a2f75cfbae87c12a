import type { GroupRecord, StoredGroup, StoredOffset } from './group-records.ts'
import { PartitionMap } from '../../base/partition-map.ts'

/** An offset, and where in __consumer_offsets it stands. */
export type CommittedOffset = StoredOffset & { recordOffset: number }

/**
 * What the log says of a group. It changes only by `apply`, at run time when a record is replicated and on the next leader when it replays the log, so both
 * come to the same.
 */
export class GroupImage {
  readonly offsets = new PartitionMap<CommittedOffset>()
  #stored: StoredGroup | undefined

  /** Its last generation that has an assignment or was left empty; undefined for a group that only stores offsets. */
  get stored(): StoredGroup | undefined {
    return this.#stored
  }

  get isEmpty(): boolean {
    return this.#stored === undefined && this.offsets.size === 0
  }

  apply(record: GroupRecord, recordOffset: number): void {
    if (record.type === 'group') this.#stored = record.value ?? undefined
    else if (record.value === null) this.offsets.delete(record.topic, record.partition)
    else this.offsets.set(record.topic, record.partition, { ...record.value, recordOffset })
  }
}
