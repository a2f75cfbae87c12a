import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** SASL DIGEST-MD5 (RFC 2831), qop auth only, with the fixed names that ZooKeeper's client and server use. */
const PROTOCOL = 'zookeeper'
const SERVER_NAME = 'zk-sasl-md5'
const DIGEST_URI = `${PROTOCOL}/${SERVER_NAME}`
const NONCE_COUNT = '00000001'

const md5 = (...parts: (string | Buffer)[]): Buffer => {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** RFC 2831 hashes user names, realms and passwords in ISO 8859-1 where that can spell them; the JDK does this when charset=utf-8 was agreed. */
const encode = (text: string): Buffer =>
  Buffer.from(text, [...Buffer.from(text, 'utf16le')].every((byte, at) => at % 2 === 0 || byte === 0) ? 'latin1' : 'utf8')

/** `key=value, key="value"` pairs; throws on anything else. Keys in lower case; the first of two equal ones wins. */
export const parseDirectives = (text: string): Map<string, string> => {
  const directives = new Map<string, string>()
  const pattern = /\s*,?\s*([^\s=,"]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s,"]*))\s*(?=,|$)/gsy
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex
    const match = pattern.exec(text)
    if (!match) throw new Error(`a DIGEST-MD5 message that cannot be read at ${at}`)
    const [, key = '', quoted, plain = ''] = match
    if (!directives.has(key.toLowerCase()))
      directives.set(key.toLowerCase(), quoted === undefined ? plain : quoted.replace(/\\(.)/gs, '$1'))
  }
  return directives
}

const quote = (text: string): string => `"${text.replace(/(["\\])/g, '\\$1')}"`

type Terms = { username: string; realm: string; nonce: string; cnonce: string; nonceCount: string; digestUri: string; authzid?: string }

/** `verb`: AUTHENTICATE for the client's response, empty for the server's proof. */
const digest = (terms: Terms, password: string, verb: 'AUTHENTICATE' | ''): string => {
  const secret = md5(encode(terms.username), ':', encode(terms.realm), ':', encode(password))
  const authzid = terms.authzid === undefined ? '' : `:${terms.authzid}`
  const a1 = md5(secret, `:${terms.nonce}:${terms.cnonce}${authzid}`).toString('hex')
  const a2 = md5(`${verb}:${terms.digestUri}`).toString('hex')
  return md5(`${a1}:${terms.nonce}:${terms.nonceCount}:${terms.cnonce}:auth:${a2}`).toString('hex')
}

const equal = (left: string, right: string): boolean => {
  const [a, b] = [Buffer.from(left), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}

export type DigestMd5Response = { text: string; proof: string }

/** The client's answer to the challenge, and the proof that it expects back. */
export const digestMd5Response = (
  challenge: string,
  login: { username: string; password: string },
  nonce: () => Buffer = () => randomBytes(24),
): DigestMd5Response => {
  const offered = parseDirectives(challenge)
  const terms: Terms = {
    username: login.username,
    realm: offered.get('realm') ?? '',
    nonce: offered.get('nonce') ?? '',
    cnonce: nonce().toString('base64'),
    nonceCount: NONCE_COUNT,
    digestUri: DIGEST_URI,
  }
  const text = [
    'charset=utf-8',
    `username=${quote(terms.username)}`,
    `realm=${quote(terms.realm)}`,
    `nonce=${quote(terms.nonce)}`,
    `nc=${NONCE_COUNT}`,
    `cnonce=${quote(terms.cnonce)}`,
    `digest-uri=${quote(DIGEST_URI)}`,
    'maxbuf=65536',
    `response=${digest(terms, login.password, 'AUTHENTICATE')}`,
    'qop=auth',
  ].join(',')
  return { text, proof: digest(terms, login.password, '') }
}

export const isDigestMd5Proof = (answer: string, response: DigestMd5Response): boolean =>
  equal(parseDirectives(answer).get('rspauth') ?? '', response.proof)

/** The server's side of one login. */
export class DigestMd5Server {
  readonly #passwordOf: (username: string) => string | undefined
  readonly #nonce: string

  constructor(passwordOf: (username: string) => string | undefined, nonce: () => Buffer = () => randomBytes(24)) {
    this.#passwordOf = passwordOf
    this.#nonce = nonce().toString('base64')
  }

  challenge(): string {
    return `realm="${SERVER_NAME}",nonce="${this.#nonce}",charset=utf-8,algorithm=md5-sess`
  }

  /** The user that proved to know the password and the proof for the client, or undefined. Throws on a text that is no response. */
  verify(text: string): { username: string; proof: string } | undefined {
    const said = parseDirectives(text)
    const username = said.get('username') ?? ''
    const authzid = said.get('authzid')
    const terms: Terms = {
      username,
      realm: said.get('realm') ?? '',
      nonce: this.#nonce,
      cnonce: said.get('cnonce') ?? '',
      nonceCount: said.get('nc') ?? '',
      digestUri: said.get('digest-uri') ?? '',
      ...(authzid === undefined ? {} : { authzid }),
    }
    const password = this.#passwordOf(username)
    const isMeant = said.get('nonce') === this.#nonce && terms.nonceCount === NONCE_COUNT && terms.digestUri === DIGEST_URI
    if (password === undefined || !isMeant || (authzid !== undefined && authzid !== username)) return undefined
    if (!equal(said.get('response') ?? '', digest(terms, password, 'AUTHENTICATE'))) return undefined
    return { username, proof: `rspauth=${digest(terms, password, '')}` }
  }
}
