export const CONSUMER_OFFSETS = '__consumer_offsets'
export const TRANSACTION_STATE = '__transaction_state'

/** Topics that only the broker writes. */
export const isInternalTopic = (topic: string): boolean => topic === CONSUMER_OFFSETS || topic === TRANSACTION_STATE
