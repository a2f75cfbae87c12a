import { api, array, int16, int32, string, struct } from '../schema.ts'

/** Deletes offsets that a group has stored (KIP-496). */
export const offsetDelete = api({
  key: 47,
  name: 'OffsetDelete',
  versions: '0',
  flexible: 'none',
  request: struct({ groupId: string(), topics: array(struct({ name: string(), partitions: array(struct({ partitionIndex: int32() })) })) }),
  response: struct({
    errorCode: int16(),
    throttleTimeMs: int32({ ignorable: true }),
    topics: array(struct({ name: string(), partitions: array(struct({ partitionIndex: int32(), errorCode: int16() })) })),
  }),
})
