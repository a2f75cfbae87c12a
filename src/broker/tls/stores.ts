import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import { authoritiesOf, type KeyPair, keyPairOf, PemError } from '../../security/pem.ts'
import { ConfigError } from '../config/parse.ts'
import type { SslKey, SslKeys } from './ssl-keys.ts'

type Store = 'ssl.keystore' | 'ssl.truststore'

/** What a directory is taken for: a mounted Secret of the type kubernetes.io/tls, with the authority beside it. */
const SECRET_FILES = { 'ssl.keystore': ['tls.key', 'tls.crt'], 'ssl.truststore': ['ca.crt'] } as const
/** The first bytes of a Java key store (JKS, JCEKS), and of a sequence in DER, as PKCS #12 begins with. */
const JAVA_STORES = ['feedfeed', 'cececece']
const DER_SEQUENCE = 0x30

const converted = (path: string): string => {
  const pkcs12 = `openssl pkcs12 -in store.p12 -nodes -out ${path}.pem`
  return `keytool -importkeystore -srckeystore ${path} -destkeystore store.p12 -deststoretype PKCS12 && ${pkcs12}`
}

const read = (disk: Disk, path: string, key: string): Buffer => {
  try {
    return disk.readFile(path)
  } catch (cause) {
    throw new ConfigError(key, `${key}=${path}: the file cannot be read: ${(cause as Error).message}`)
  }
}

/** The PEM text of a store. ConfigError for every other form, with the way to PEM. */
const pemText = (keys: SslKeys, store: Store, path: string, disk: Disk): string => {
  const location = keys.name(`${store}.location`)
  const typeKey = keys.name(`${store}.type`)
  const bytes = read(disk, path, location)
  const type = keys.get(`${store}.type`)?.toUpperCase()
  if (JAVA_STORES.includes(bytes.subarray(0, 4).toString('hex'))) {
    throw new ConfigError(
      location,
      `${location}=${path} is a Java key store (JKS), which only Java reads; turn it into PEM by ${converted(path)} and write ${typeKey}=PEM and ${location}=${path}.pem`,
    )
  }
  if (bytes[0] === DER_SEQUENCE) {
    throw new ConfigError(
      location,
      `${location}=${path} is a PKCS #12 store, which is not served; turn it into PEM by openssl pkcs12 -in ${path} -nodes -out ${path}.pem and write ${typeKey}=PEM and ${location}=${path}.pem`,
    )
  }
  if (type !== undefined && type !== 'PEM')
    throw new ConfigError(typeKey, `${typeKey}=${type}, but ${location}=${path} is none: PEM is served, write ${typeKey}=PEM`)
  return bytes.toString('latin1')
}

const filesOf = (store: Store, path: string, disk: Disk): readonly string[] =>
  disk.stat(path)?.isDirectory ? SECRET_FILES[store].map((file) => join(path, file)) : [path]

/** What `make` says of the text in words that name the key and, where there is one, the file. */
const inWords = <T>(keys: SslKeys, key: SslKey, path: string | undefined, make: () => T): T => {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof PemError)) throw error
    const name = keys.name(key)
    throw new ConfigError(name, `${name}${path === undefined ? '' : `=${path}`} ${error.message}`)
  }
}

/** The own key and certificate of one side; undefined where none is named. Throws ConfigError. */
export const keyPairFrom = (keys: SslKeys, disk: Disk): KeyPair | undefined => {
  const password = keys.get('ssl.key.password')
  const key = keys.get('ssl.keystore.key')
  if (key !== null) {
    const chain = keys.get('ssl.keystore.certificate.chain') ?? ''
    return inWords(keys, 'ssl.keystore.key', undefined, () => keyPairOf(key, chain, password))
  }
  const path = keys.get('ssl.keystore.location')
  if (path === null) return undefined
  const [first, ...more] = filesOf('ssl.keystore', path, disk).map((file) => pemText(keys, 'ssl.keystore', file, disk))
  return inWords(keys, 'ssl.keystore.location', path, () => keyPairOf(first!, more[0] ?? first!, password))
}

/** Whom one side trusts, each PEM; undefined where nobody is named. Throws ConfigError. */
export const authoritiesFrom = (keys: SslKeys, disk: Disk): string[] | undefined => {
  const certificates = keys.get('ssl.truststore.certificates')
  if (certificates !== null) return inWords(keys, 'ssl.truststore.certificates', undefined, () => authoritiesOf(certificates))
  const path = keys.get('ssl.truststore.location')
  if (path === null) return undefined
  const texts = filesOf('ssl.truststore', path, disk).map((file) => pemText(keys, 'ssl.truststore', file, disk))
  return inWords(keys, 'ssl.truststore.location', path, () => authoritiesOf(texts.join('\n')))
}
