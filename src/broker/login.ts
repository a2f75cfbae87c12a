import { KafkaError } from '../protocol/errors.ts'
import { checkPlain, PlainError } from '../security/plain.ts'
import { ANONYMOUS, type Principal, user } from '../security/principal.ts'
import { isScramMechanism, ScramError, type ScramMechanism, ScramServerExchange } from '../security/scram.ts'
import type { Credentials } from './ports.ts'

/** What a SASL listener offers. */
export type LoginOptions = { listener: string; mechanisms: readonly string[]; credentials: Credentials }

/** One mechanism's side of the server: tokens in, tokens out, until there is a user name. */
interface Exchange {
  evaluate(token: Buffer): Buffer
  readonly username: string | undefined
}

const plainExchange = (users: ReadonlyMap<string, string>): Exchange => {
  let username: string | undefined
  return {
    evaluate: (token) => {
      username = checkPlain(users, token)
      return Buffer.alloc(0)
    },
    get username() {
      return username
    },
  }
}

const scramExchange = (mechanism: ScramMechanism, credentials: Credentials): Exchange => {
  const exchange = new ScramServerExchange(mechanism, (name) => credentials.scram(mechanism, name))
  return {
    evaluate: (token) => exchange.evaluate(token),
    get username() {
      return exchange.isComplete ? exchange.username : undefined
    },
  }
}

/** The mechanisms that a listener may offer; others in sasl.enabled.mechanisms are left out of the handshake. */
export const isServedMechanism = (name: string): boolean => name === 'PLAIN' || isScramMechanism(name)

/**
 * Who a connection is: nobody until its SASL exchange is complete, ANONYMOUS where the listener asks for none. The only owner of that state.
 * Handshake v0 is followed by bare tokens without Kafka's headers (`expectsBareToken`), v1 by SaslAuthenticate requests.
 */
export class Login {
  readonly #options: LoginOptions | undefined
  #principal: Principal | undefined
  #mechanism: string | undefined
  #exchange: Exchange | undefined
  #expectsBareToken = false

  /** Without options the listener needs no login. */
  constructor(options?: LoginOptions) {
    this.#options = options
    if (!options) this.#principal = ANONYMOUS
  }

  get isComplete(): boolean {
    return this.#principal !== undefined
  }

  get expectsBareToken(): boolean {
    return this.#expectsBareToken
  }

  get principal(): Principal {
    return this.#principal ?? ANONYMOUS
  }

  get mechanisms(): readonly string[] {
    return this.#options?.mechanisms ?? []
  }

  /** KafkaError: ILLEGAL_SASL_STATE when it is not the time, UNSUPPORTED_SASL_MECHANISM. */
  choose(mechanism: string, handshakeVersion: number): void {
    const options = this.#options
    if (!options || this.isComplete || this.#exchange) throw new KafkaError('ILLEGAL_SASL_STATE')
    if (!options.mechanisms.includes(mechanism)) throw new KafkaError('UNSUPPORTED_SASL_MECHANISM')
    this.#mechanism = mechanism
    this.#exchange = isScramMechanism(mechanism)
      ? scramExchange(mechanism, options.credentials)
      : plainExchange(options.credentials.plainUsers(options.listener))
    this.#expectsBareToken = handshakeVersion === 0
  }

  /** The answer to a token. KafkaError: ILLEGAL_SASL_STATE, or SASL_AUTHENTICATION_FAILED with the message that Kafka gives. */
  authenticate(token: Buffer): Buffer {
    if (this.isComplete) throw new KafkaError('ILLEGAL_SASL_STATE', 'SaslAuthenticate request received after successful authentication')
    if (!this.#exchange) throw new KafkaError('ILLEGAL_SASL_STATE')
    try {
      const answer = this.#exchange.evaluate(token)
      if (this.#exchange.username !== undefined) {
        this.#principal = user(this.#exchange.username)
        this.#exchange = undefined
        this.#expectsBareToken = false
      }
      return answer
    } catch (cause) {
      throw new KafkaError('SASL_AUTHENTICATION_FAILED', this.#explain(cause), { cause })
    }
  }

  #explain(cause: unknown): string {
    if (cause instanceof PlainError) return cause.message
    if (cause instanceof ScramError)
      return `Authentication failed during authentication due to invalid credentials with SASL mechanism ${this.#mechanism}`
    throw cause
  }
}
