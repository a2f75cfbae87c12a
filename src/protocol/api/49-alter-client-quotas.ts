import { api, array, bool, float64, int16, int32, string, struct } from '../schema.ts'

/** Changes client quotas (KIP-546). */
export const alterClientQuotas = api({
  key: 49,
  name: 'AlterClientQuotas',
  versions: '0',
  flexible: 'none',
  request: struct({
    entries: array(
      struct({
        entity: array(struct({ entityType: string(), entityName: string({ nullable: '0+' }) })),
        ops: array(struct({ key: string(), value: float64(), remove: bool() })),
      }),
    ),
    validateOnly: bool(),
  }),
  response: struct({
    throttleTimeMs: int32(),
    entries: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ nullable: '0+' }),
        entity: array(struct({ entityType: string(), entityName: string({ nullable: '0+' }) })),
      }),
    ),
  }),
})
