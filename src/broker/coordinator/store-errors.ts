import { type ErrorName, KafkaError } from '../../protocol/errors.ts'

const COMMON: Partial<Record<ErrorName, ErrorName>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'COORDINATOR_NOT_AVAILABLE',
  NOT_ENOUGH_REPLICAS: 'COORDINATOR_NOT_AVAILABLE',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'COORDINATOR_NOT_AVAILABLE',
  NOT_LEADER_OR_FOLLOWER: 'NOT_COORDINATOR',
  KAFKA_STORAGE_ERROR: 'NOT_COORDINATOR',
}
const OF_GROUPS: typeof COMMON = {
  ...COMMON,
  REQUEST_TIMED_OUT: 'REBALANCE_IN_PROGRESS',
  MESSAGE_TOO_LARGE: 'UNKNOWN_SERVER_ERROR',
  RECORD_LIST_TOO_LARGE: 'UNKNOWN_SERVER_ERROR',
}
const OF_OFFSETS: typeof COMMON = {
  ...COMMON,
  MESSAGE_TOO_LARGE: 'INVALID_COMMIT_OFFSET_SIZE',
  RECORD_LIST_TOO_LARGE: 'INVALID_COMMIT_OFFSET_SIZE',
}

const mapped = (table: typeof COMMON, thrown: unknown): ErrorName =>
  thrown instanceof KafkaError ? (table[thrown.error] ?? thrown.error) : 'UNKNOWN_SERVER_ERROR'

/** What members hear when their group could not be stored. Source: GroupMetadataManager.storeGroup of 2.6.3. */
export const groupStoreError = (thrown: unknown): ErrorName => mapped(OF_GROUPS, thrown)
/** What clients hear when their offsets could not be. Source: GroupMetadataManager.storeOffsets of 2.6.3. */
export const offsetStoreError = (thrown: unknown): ErrorName => mapped(OF_OFFSETS, thrown)
