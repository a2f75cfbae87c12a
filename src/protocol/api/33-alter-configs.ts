import { api, array, bool, int16, int32, int8, string, struct } from '../schema.ts'

/** Replaces the whole configuration of topics and brokers. */
export const alterConfigs = api({
  key: 33,
  name: 'AlterConfigs',
  versions: '0-1',
  flexible: 'none',
  request: struct({
    resources: array(
      struct({
        resourceType: int8(),
        resourceName: string(),
        configs: array(struct({ name: string(), value: string({ nullable: '0+' }) })),
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
