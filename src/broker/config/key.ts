/** Kafka's ConfigDef types, in the order of the wire values of DescribeConfigs v3 (DescribeConfigsResponse.ConfigType). */
export type KeyType = 'boolean' | 'string' | 'int' | 'short' | 'long' | 'double' | 'list' | 'class' | 'password'
/** Which requests can change a key without a restart; absent: none (read-only). Source: DynamicBrokerConfig. */
export type Scope = 'per-broker' | 'cluster-wide'
/**
 * What setting the key does here. `honoured`: what Kafka does. `no effect`: accepted, and the broker warns once that nothing follows from it.
 * `refused`: any value but the default stops the start with the sentence in `refusal`.
 */
export type Support = 'honoured' | 'no effect' | 'refused'
/** Throws an error whose message completes "KEY=VALUE ...". */
export type Validator = { describe: string; check(value: unknown): string | undefined }

export type Key<T> = {
  type: KeyType
  /** As it would stand in a properties file; null: Kafka's null; undefined: the key is required. */
  default: string | null | undefined
  support: Support
  documentation: string
  scope?: Scope
  validator?: Validator
  refusal?: string
  /** Values that are served all the same. */
  served?: readonly string[]
  /** Only for inference: what a parsed value is. */
  value?: T
}

type Extra = Pick<Key<unknown>, 'scope' | 'validator' | 'refusal' | 'served'> & { support?: Support }
/** The default decides whether a parsed value can be null. */
type Nullable<T, D> = D extends null ? T | null : T

const key = <T>(type: KeyType, fallback: string | null | undefined, documentation: string, extra: Extra = {}): Key<T> => ({
  type,
  default: fallback,
  support: extra.refusal ? 'refused' : 'honoured',
  documentation,
  ...extra,
})
const build =
  <T>(type: KeyType) =>
  <D extends string | null | undefined>(fallback: D, documentation: string, extra: Extra = {}): Key<Nullable<T, D>> =>
    key(type, fallback, documentation, extra)

export const boolean = build<boolean>('boolean')
export const string = build<string>('string')
export const int = build<number>('int')
export const short = build<number>('short')
/** A value beyond 2^53 is a number too, rounded: such values only mean "no limit". The text is kept exactly for DescribeConfigs. */
export const long = build<number>('long')
export const double = build<number>('double')
export const list = build<string[]>('list')
export const className = build<string>('class')
export const password = build<string>('password')

export const LONG_MAX = '9223372036854775807'
export const INT_MAX = '2147483647'

export const atLeast = (min: number): Validator => ({
  describe: `[${min},...]`,
  check: (value) => (typeof value === 'number' && value < min ? `must be at least ${min}` : undefined),
})
export const between = (min: number, max: number): Validator => ({
  describe: `[${min},...,${max}]`,
  check: (value) => (typeof value === 'number' && (value < min || value > max) ? `must be between ${min} and ${max}` : undefined),
})
/** For a list, every element must be one of `values`. */
export const oneOf = (...values: string[]): Validator => ({
  describe: `[${values.join(', ')}]`,
  check: (value) => {
    const wrong = (Array.isArray(value) ? (value as string[]) : [String(value)]).filter((element) => !values.includes(element))
    return wrong.length > 0 ? `must be one of ${values.join(', ')}, not ${wrong.join(', ')}` : undefined
  },
})
