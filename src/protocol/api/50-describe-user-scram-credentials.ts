import { api, array, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Lists the SCRAM credentials of users, without their secrets (KIP-554); from Kafka 2.7.
 * - v0 flexible
 */
export const describeUserScramCredentials = api({
  key: 50,
  name: 'DescribeUserScramCredentials',
  versions: '0',
  flexible: '0+',
  request: struct({ users: array(struct({ name: string() }), { nullable: '0+' }) }),
  response: struct({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    results: array(
      struct({
        user: string(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+' }),
        credentialInfos: array(struct({ mechanism: int8(), iterations: int32() })),
      }),
    ),
  }),
})
