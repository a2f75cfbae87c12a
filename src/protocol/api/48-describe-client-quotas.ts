import { api, array, bool, float64, int16, int32, int8, string, struct } from '../schema.ts'

/** Lists client quotas (KIP-546). */
export const describeClientQuotas = api({
  key: 48,
  name: 'DescribeClientQuotas',
  versions: '0',
  flexible: 'none',
  request: struct({
    components: array(struct({ entityType: string(), matchType: int8(), match: string({ nullable: '0+' }) })),
    strict: bool(),
  }),
  response: struct({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    entries: array(
      struct({
        entity: array(struct({ entityType: string(), entityName: string({ nullable: '0+' }) })),
        values: array(struct({ key: string(), value: float64() })),
      }),
      { nullable: '0+' },
    ),
  }),
})
