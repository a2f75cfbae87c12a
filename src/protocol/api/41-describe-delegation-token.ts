import { api, array, bytes, int16, int32, int64, string, struct } from '../schema.ts'

/**
 * Lists delegation tokens.
 * - v2 flexible
 */
export const describeDelegationToken = api({
  key: 41,
  name: 'DescribeDelegationToken',
  versions: '0-2',
  flexible: '2+',
  request: struct({ owners: array(struct({ principalType: string(), principalName: string() }), { nullable: '0+' }) }),
  response: struct({
    errorCode: int16(),
    tokens: array(
      struct({
        principalType: string(),
        principalName: string(),
        issueTimestamp: int64(),
        expiryTimestamp: int64(),
        maxTimestamp: int64(),
        tokenId: string(),
        hmac: bytes(),
        renewers: array(struct({ principalType: string(), principalName: string() })),
      }),
    ),
    throttleTimeMs: int32(),
  }),
})
