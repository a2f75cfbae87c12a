/** ZooKeeper's error codes (KeeperException.Code) under names of our own spelling. */
const CODES = {
  OK: 0,
  SYSTEM_ERROR: -1,
  RUNTIME_INCONSISTENCY: -2,
  DATA_INCONSISTENCY: -3,
  CONNECTION_LOSS: -4,
  MARSHALLING_ERROR: -5,
  UNIMPLEMENTED: -6,
  OPERATION_TIMEOUT: -7,
  BAD_ARGUMENTS: -8,
  UNKNOWN_SESSION: -12,
  NEW_CONFIG_NO_QUORUM: -13,
  RECONFIG_IN_PROGRESS: -14,
  API_ERROR: -100,
  NO_NODE: -101,
  NO_AUTH: -102,
  BAD_VERSION: -103,
  NO_CHILDREN_FOR_EPHEMERALS: -108,
  NODE_EXISTS: -110,
  NOT_EMPTY: -111,
  SESSION_EXPIRED: -112,
  INVALID_CALLBACK: -113,
  INVALID_ACL: -114,
  AUTH_FAILED: -115,
  SESSION_MOVED: -118,
  NOT_READ_ONLY: -119,
  EPHEMERAL_ON_LOCAL_SESSION: -120,
  NO_WATCHER: -121,
  REQUEST_TIMEOUT: -122,
  RECONFIG_DISABLED: -123,
  SESSION_CLOSED_REQUIRE_SASL_AUTH: -124,
  QUOTA_EXCEEDED: -125,
  THROTTLED_OP: -127,
} as const

export type ZooKeeperErrorName = keyof typeof CODES

const NAMES = new Map<number, ZooKeeperErrorName>(Object.entries(CODES).map(([name, code]) => [code, name as ZooKeeperErrorName]))

export const zooKeeperErrorCode = (name: ZooKeeperErrorName): number => CODES[name]
/** A code that this table does not know is a SYSTEM_ERROR. */
export const zooKeeperErrorName = (code: number): ZooKeeperErrorName => NAMES.get(code) ?? 'SYSTEM_ERROR'

const describe = (error: ZooKeeperErrorName, path?: string, reason?: string): string =>
  [`ZooKeeper: ${error}`, path === undefined ? '' : ` for ${path}`, reason === undefined ? '' : `: ${reason}`].join('')

/**
 * What an operation ended with when not with its result. After CONNECTION_LOSS the operation may or may not have been applied: read again before
 * deciding. After SESSION_EXPIRED it was not applied unless it was sent before the expiry.
 */
export class ZooKeeperError extends Error {
  readonly error: ZooKeeperErrorName
  readonly code: number
  readonly path: string | undefined
  /** Of a failed multi: the first operation that was refused. */
  readonly index: number | undefined
  /** Of a failed multi: the answer to each operation; OK for the ones before the refused one (nothing was applied), RUNTIME_INCONSISTENCY after it. */
  readonly results: readonly ZooKeeperErrorName[] | undefined

  constructor(
    error: ZooKeeperErrorName,
    options: { path?: string; index?: number; results?: ZooKeeperErrorName[]; reason?: string; cause?: unknown } = {},
  ) {
    super(describe(error, options.path, options.reason), 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'ZooKeeperError'
    this.error = error
    this.code = CODES[error]
    this.path = options.path
    this.index = options.index
    this.results = options.results
  }
}

/** True when `error` is a ZooKeeperError of one of the names. */
export const isZooKeeperError = (error: unknown, ...names: ZooKeeperErrorName[]): error is ZooKeeperError =>
  error instanceof ZooKeeperError && (names.length === 0 || names.includes(error.error))

/** What the operation gives; undefined where it is refused with one of the names. */
export const unlessRefused = async <T>(
  operation: Promise<T>,
  ...names: [ZooKeeperErrorName, ...ZooKeeperErrorName[]]
): Promise<T | undefined> => {
  try {
    return await operation
  } catch (error) {
    if (isZooKeeperError(error, ...names)) return undefined
    throw error
  }
}
