import { api, array, bool, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Changes single keys of the configuration of topics and brokers (KIP-339).
 * - v1 flexible
 */
export const incrementalAlterConfigs = api({
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: '0-1',
  flexible: '1+',
  request: struct({
    resources: array(
      struct({
        resourceType: int8(),
        resourceName: string(),
        configs: array(struct({ name: string(), configOperation: int8(), value: string({ nullable: '0+' }) })),
      }),
    ),
    validateOnly: bool(),
  }),
  response: struct({
    throttleTimeMs: int32(),
    responses: array(
      struct({ errorCode: int16(), errorMessage: string({ nullable: '0+' }), resourceType: int8(), resourceName: string() }),
    ),
  }),
})
