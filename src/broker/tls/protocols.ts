import { getCiphers, type SecureVersion } from 'node:tls'
import { ConfigError, parseList } from '../config/parse.ts'
import type { SslKeys } from './ssl-keys.ts'

/** By age. */
const VERSIONS: readonly SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']
const PROTOCOLS = ['TLS', ...VERSIONS]
/** Java's key exchanges in front of WITH, by what OpenSSL writes for them. */
const EXCHANGES: Readonly<Record<string, string>> = {
  RSA: '',
  DHE_RSA: 'DHE-RSA-',
  ECDHE_RSA: 'ECDHE-RSA-',
  ECDHE_ECDSA: 'ECDHE-ECDSA-',
}

export type TlsProtocols = { minVersion: SecureVersion; maxVersion: SecureVersion; ciphers?: string }

/** OpenSSL's name of a cipher suite from Java's (IANA's) or its own; undefined where it has none. */
export const cipherOf = (suite: string): string | undefined => {
  const known = new Set(getCiphers())
  if (known.has(suite.toLowerCase())) return suite
  const [, exchange = '', cipher = ''] = /^TLS_(\w+?)_WITH_(\w+)$/.exec(suite) ?? []
  if (!Object.hasOwn(EXCHANGES, exchange)) return undefined
  const name = cipher
    .replace(/^AES_(\d+)_/, 'AES$1_')
    .replace('_CBC_', '_')
    .replace(/^(CHACHA20_POLY1305)_SHA256$/, '$1')
    .replaceAll('_', '-')
  const found = EXCHANGES[exchange]! + name
  return known.has(found.toLowerCase()) ? found : undefined
}

/** A version and all newer ones: ZooKeeper 3.9 speaks nothing older than TLSv1.3 by default, where Kafka 2.6 names TLSv1.2. */
const from = (protocol: string): readonly string[] =>
  VERSIONS.slice(VERSIONS.indexOf(protocol === 'TLS' ? 'TLSv1.2' : (protocol as SecureVersion)))

/** Which versions and ciphers one side offers. Throws ConfigError for what OpenSSL cannot do. */
export const protocolsFrom = (keys: SslKeys): TlsProtocols => {
  const protocol = keys.get('ssl.protocol') ?? 'TLS'
  const protocolKey = keys.name('ssl.protocol')
  if (!PROTOCOLS.includes(protocol))
    throw new ConfigError(protocolKey, `${protocolKey}=${protocol} is not served: use ${PROTOCOLS.join(', ')}`)
  const enabledKey = keys.name('ssl.enabled.protocols')
  const text = keys.get('ssl.enabled.protocols')
  const enabled = text === null ? from(protocol) : parseList(text)
  const places = enabled.map((name) => VERSIONS.indexOf(name as SecureVersion)).sort((a, b) => a - b)
  const [first = -1] = places
  const last = places.at(-1)!
  if (first < 0) throw new ConfigError(enabledKey, `${enabledKey}=${text} is not served: name some of ${VERSIONS.join(', ')}`)
  if (last - first + 1 !== new Set(places).size)
    throw new ConfigError(
      enabledKey,
      `${enabledKey}=${text} leaves out a version between two others, which is not served: name that one too`,
    )
  const suites = keys.get('ssl.cipher.suites')
  return { minVersion: VERSIONS[first]!, maxVersion: VERSIONS[last]!, ...(suites === null ? {} : { ciphers: ciphersOf(keys, suites) }) }
}

const ciphersOf = (keys: SslKeys, suites: string): string => {
  const key = keys.name('ssl.cipher.suites')
  const found = parseList(suites).map((suite) => {
    const cipher = cipherOf(suite)
    if (cipher === undefined)
      throw new ConfigError(key, `${key}: there is no cipher suite ${suite} here: write names such as TLS_AES_256_GCM_SHA384`)
    return cipher
  })
  return found.join(':')
}
