import { api, array, bool, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Reads the configuration of topics and brokers.
 * Encoded by hand in Kafka 2.6.
 * - v1 sources and synonyms (KIP-226); adds includeSynonyms, configSource and synonyms; drops isDefault
 * - v3 types and documentation (KIP-569); adds includeDocumentation, configType and documentation
 */
export const describeConfigs = api({
  key: 32,
  name: 'DescribeConfigs',
  versions: '0-3',
  flexible: 'none',
  request: struct({
    resources: array(struct({ resourceType: int8(), resourceName: string(), configurationKeys: array(string(), { nullable: '0+' }) })),
    includeSynonyms: bool({ versions: '1+' }),
    includeDocumentation: bool({ versions: '3+' }),
  }),
  response: struct({
    throttleTimeMs: int32(),
    results: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ nullable: '0+' }),
        resourceType: int8(),
        resourceName: string(),
        configs: array(
          struct({
            name: string(),
            value: string({ nullable: '0+' }),
            readOnly: bool(),
            isDefault: bool({ versions: '0', ignorable: true }),
            configSource: int8({ versions: '1+', default: -1, ignorable: true }),
            isSensitive: bool(),
            synonyms: array(struct({ name: string(), value: string({ nullable: '0+' }), source: int8() }), {
              versions: '1+',
              ignorable: true,
            }),
            configType: int8({ versions: '3+', ignorable: true }),
            documentation: string({ versions: '3+', nullable: '0+', ignorable: true }),
          }),
        ),
      }),
    ),
  }),
})
