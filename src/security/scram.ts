import { createHash, createHmac, pbkdf2 as pbkdf2Callback, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const pbkdf2 = promisify(pbkdf2Callback)

/** The mechanisms with their hash, and their type in the SCRAM user APIs (KIP-554). */
export const SCRAM_MECHANISMS = {
  'SCRAM-SHA-256': { hash: 'sha256', type: 1, keyBytes: 32 },
  'SCRAM-SHA-512': { hash: 'sha512', type: 2, keyBytes: 64 },
} as const
export type ScramMechanism = keyof typeof SCRAM_MECHANISMS
export const isScramMechanism = (name: string): name is ScramMechanism => Object.hasOwn(SCRAM_MECHANISMS, name)
export const scramMechanismOfType = (type: number): ScramMechanism | undefined =>
  (Object.keys(SCRAM_MECHANISMS) as ScramMechanism[]).find((name) => SCRAM_MECHANISMS[name].type === type)

/** Kafka accepts no fewer iterations (ScramMechanism.java) and, since KIP-554, no more than 16384. */
export const MIN_ITERATIONS = 4096
export const MAX_ITERATIONS = 16_384

/** What a server keeps of a password (RFC 5802); it does not reveal it. */
export type ScramCredential = { salt: Buffer; storedKey: Buffer; serverKey: Buffer; iterations: number }

/** A login that fails; what is wrong is not told to the client. */
export class ScramError extends Error {}

const hmac = (mechanism: ScramMechanism, key: Buffer, text: string | Buffer): Buffer =>
  createHmac(SCRAM_MECHANISMS[mechanism].hash, key).update(text).digest()
const digest = (mechanism: ScramMechanism, bytes: Buffer): Buffer => createHash(SCRAM_MECHANISMS[mechanism].hash).update(bytes).digest()
const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((byte, index) => byte ^ b[index]!))

export const saltPassword = (mechanism: ScramMechanism, password: string, salt: Buffer, iterations: number): Promise<Buffer> =>
  pbkdf2(Buffer.from(password, 'utf8'), salt, iterations, SCRAM_MECHANISMS[mechanism].keyBytes, SCRAM_MECHANISMS[mechanism].hash)

/** The form in which AlterUserScramCredentials brings a password. */
export const credentialOfSaltedPassword = (
  mechanism: ScramMechanism,
  saltedPassword: Buffer,
  salt: Buffer,
  iterations: number,
): ScramCredential => ({
  salt,
  iterations,
  storedKey: digest(mechanism, hmac(mechanism, saltedPassword, 'Client Key')),
  serverKey: hmac(mechanism, saltedPassword, 'Server Key'),
})

export const credentialOfPassword = async (
  mechanism: ScramMechanism,
  password: string,
  options: { salt?: Buffer; iterations?: number } = {},
): Promise<ScramCredential> => {
  const salt = options.salt ?? randomBytes(24)
  const iterations = options.iterations ?? MIN_ITERATIONS
  return credentialOfSaltedPassword(mechanism, await saltPassword(mechanism, password, salt, iterations), salt, iterations)
}

/** Whether `password` is the one that the credential was made of. */
export const verifyPassword = async (mechanism: ScramMechanism, password: string, credential: ScramCredential): Promise<boolean> => {
  const made = await credentialOfPassword(mechanism, password, credential)
  return made.storedKey.length === credential.storedKey.length && timingSafeEqual(made.storedKey, credential.storedKey)
}

/** Kafka's text in /config/users (ScramCredentialUtils.java): base64 fields joined by commas. */
export const formatCredential = (credential: ScramCredential): string =>
  `salt=${credential.salt.toString('base64')},stored_key=${credential.storedKey.toString('base64')},` +
  `server_key=${credential.serverKey.toString('base64')},iterations=${credential.iterations}`

/** undefined when the text is not a credential. */
export const parseCredential = (text: string): ScramCredential | undefined => {
  const fields = new Map(text.split(',').map((field) => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)]))
  const iterations = Number(fields.get('iterations'))
  const [salt, storedKey, serverKey] = ['salt', 'stored_key', 'server_key'].map((name) => Buffer.from(fields.get(name) ?? '', 'base64'))
  if (fields.size !== 4 || !Number.isInteger(iterations) || !storedKey?.length || !serverKey?.length) return undefined
  return { salt: salt!, storedKey, serverKey, iterations }
}

const attributesOf = (message: string): Map<string, string> =>
  new Map(
    message.split(',').map((part) => {
      if (!/^[A-Za-z]=/.test(part)) throw new ScramError('not a SCRAM attribute')
      return [part[0]!, part.slice(2)]
    }),
  )
const decodeName = (text: string): string => {
  if (/=(?!2C|3D)/.test(text)) throw new ScramError('a user name with a bare =')
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=')
}
const encodeName = (name: string): string => name.replaceAll('=', '=3D').replaceAll(',', '=2C')
const nonce = (): string => randomBytes(24).toString('base64url')

type ClientFirst = { username: string; nonce: string; bare: string; header: string }

const parseClientFirst = (text: string): ClientFirst => {
  const match = /^(n,(?:a=([^,]*))?,)(n=([^,]*),r=([!-+\--~]+)(,.*)?)$/.exec(text)
  if (!match) throw new ScramError('not a SCRAM client-first message')
  const [, header = '', authorizationId = '', bare = '', name = '', clientNonce = '', extensions = ''] = match
  const username = decodeName(name)
  if (authorizationId !== '' && decodeName(authorizationId) !== username) {
    throw new ScramError('Authentication failed: Client requested an authorization id that is different from username')
  }
  if (/,tokenauth=true/i.test(extensions)) throw new ScramError('delegation tokens are not served')
  return { username, nonce: clientNonce, bare, header }
}

/**
 * The server's side of one login: two tokens come in, two go out; then `username` is the client's.
 * Every failure throws ScramError, and the exchange is over.
 */
export class ScramServerExchange {
  readonly #mechanism: ScramMechanism
  readonly #credentialOf: (username: string) => ScramCredential | undefined
  readonly #serverNonce: string
  #first: (ClientFirst & { credential: ScramCredential; serverFirst: string }) | undefined
  #isComplete = false

  constructor(mechanism: ScramMechanism, credentialOf: (username: string) => ScramCredential | undefined, serverNonce = nonce()) {
    this.#mechanism = mechanism
    this.#credentialOf = credentialOf
    this.#serverNonce = serverNonce
  }

  get isComplete(): boolean {
    return this.#isComplete
  }

  /** Throws before the login is complete. */
  get username(): string {
    if (!this.#isComplete) throw new ScramError('the login is not complete')
    return this.#first!.username
  }

  evaluate(token: Buffer): Buffer {
    if (this.#isComplete) throw new ScramError('the login is complete already')
    const text = token.toString('utf8')
    return Buffer.from(this.#first ? this.#final(text) : this.#firstAnswer(text))
  }

  #firstAnswer(text: string): string {
    const first = parseClientFirst(text)
    const credential = this.#credentialOf(first.username)
    if (!credential) throw new ScramError('Credentials could not be obtained')
    if (credential.iterations < MIN_ITERATIONS)
      throw new ScramError(`iterations ${credential.iterations} are below the minimum of ${MIN_ITERATIONS}`)
    const serverFirst = `r=${first.nonce}${this.#serverNonce},s=${credential.salt.toString('base64')},i=${credential.iterations}`
    this.#first = { ...first, credential, serverFirst }
    return serverFirst
  }

  #final(text: string): string {
    const { nonce: clientNonce, bare, header, credential, serverFirst } = this.#first!
    const proofAt = text.lastIndexOf(',p=')
    const attributes = attributesOf(text)
    const proof = Buffer.from(attributes.get('p') ?? '', 'base64')
    // Not equality: librdkafka before 2.2 repeats its own nonce in front, and Kafka (ScramSaslServer.java) looks at the end only. The proof covers the whole text.
    if (proofAt < 0 || !attributes.get('r')?.endsWith(clientNonce + this.#serverNonce))
      throw new ScramError('Invalid client nonce in the final client message.')
    if (Buffer.from(attributes.get('c') ?? '', 'base64').toString() !== header) throw new ScramError('wrong channel binding')
    const message = `${bare},${serverFirst},${text.slice(0, proofAt)}`
    const signature = hmac(this.#mechanism, credential.storedKey, message)
    if (proof.length !== signature.length) throw new ScramError('Invalid client credentials')
    const storedKey = digest(this.#mechanism, xor(proof, signature))
    if (!timingSafeEqual(storedKey, credential.storedKey)) throw new ScramError('Invalid client credentials')
    this.#isComplete = true
    return `v=${hmac(this.#mechanism, credential.serverKey, message).toString('base64')}`
  }
}

/** The client's side: `first()`, then `final(serverFirst)`, then `verify(serverFinal)`. Throws ScramError when the server cannot be believed. */
export class ScramClientExchange {
  readonly #mechanism: ScramMechanism
  readonly #password: string
  readonly #bare: string
  readonly #nonce: string
  #serverSignature: Buffer | undefined

  constructor(mechanism: ScramMechanism, username: string, password: string, clientNonce = nonce()) {
    this.#mechanism = mechanism
    this.#password = password
    this.#nonce = clientNonce
    this.#bare = `n=${encodeName(username)},r=${clientNonce}`
  }

  first(): Buffer {
    return Buffer.from(`n,,${this.#bare}`)
  }

  async final(serverFirst: Buffer): Promise<Buffer> {
    const text = serverFirst.toString('utf8')
    const attributes = attributesOf(text)
    const both = attributes.get('r') ?? ''
    const iterations = Number(attributes.get('i'))
    if (!both.startsWith(this.#nonce) || both.length === this.#nonce.length)
      throw new ScramError('the server\u2019s nonce does not continue ours')
    if (!Number.isInteger(iterations) || iterations < MIN_ITERATIONS || iterations > 10_000_000)
      throw new ScramError(`the server asks for ${iterations} iterations`)
    const salted = await saltPassword(this.#mechanism, this.#password, Buffer.from(attributes.get('s') ?? '', 'base64'), iterations)
    const withoutProof = `c=${Buffer.from('n,,').toString('base64')},r=${both}`
    const message = `${this.#bare},${text},${withoutProof}`
    const clientKey = hmac(this.#mechanism, salted, 'Client Key')
    const proof = xor(clientKey, hmac(this.#mechanism, digest(this.#mechanism, clientKey), message))
    this.#serverSignature = hmac(this.#mechanism, hmac(this.#mechanism, salted, 'Server Key'), message)
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`)
  }

  verify(serverFinal: Buffer): void {
    const signature = Buffer.from(attributesOf(serverFinal.toString('utf8')).get('v') ?? '', 'base64')
    if (!this.#serverSignature || signature.length !== this.#serverSignature.length || !timingSafeEqual(signature, this.#serverSignature)) {
      throw new ScramError('the server did not prove that it knows the password')
    }
  }
}
