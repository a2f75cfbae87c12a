import type { MonotonicClock } from '../../base/clock.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { checkPlain, PlainError } from '../../security/plain.ts'
import { ANONYMOUS, formatPrincipal, type Principal, user } from '../../security/principal.ts'
import { isScramMechanism, ScramError, type ScramMechanism, ScramServerExchange } from '../../security/scram.ts'
import type { AuthenticationCounts } from './authentications.ts'
import type { Credentials } from './credentials.ts'

/** What a SASL listener offers. */
export type LoginOptions = {
  listener: string
  mechanisms: readonly string[]
  credentials: Credentials
  /** connections.max.reauth.ms of a mechanism; 0: a login stays valid. */
  maxReauthMs(mechanism: string): number
  clock: MonotonicClock
  counts: AuthenticationCounts
}

/** Apache's broker begins no second login sooner after the last one. */
const MIN_REAUTH_INTERVAL_MS = 1000

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
 * Who a connection is: nobody until its SASL exchange is complete; what TLS says, or ANONYMOUS, where the listener asks for none. The only owner of that state.
 * Handshake v0 is followed by bare tokens without Kafka's headers (`expectsBareToken`), v1 by SaslAuthenticate requests.
 * A login is repeated on an open connection (KIP-368), by the same mechanism and for the same principal, where connections.max.reauth.ms is set: there it has to be.
 */
export class Login {
  readonly #options: LoginOptions | undefined
  #principal: Principal | undefined
  #mechanism: string | undefined
  #exchange: Exchange | undefined
  #expectsBareToken = false
  #refusedMechanism: string | undefined
  /** Monotonic ms. */
  #expiresMs = Number.POSITIVE_INFINITY
  #lastReauthMs = Number.NEGATIVE_INFINITY

  /** Without options the listener needs no login, and `principal` is known. */
  constructor(options?: LoginOptions, principal: Principal = ANONYMOUS) {
    this.#options = options
    if (!options) this.#principal = principal
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

  /** A second login has begun and is not complete: nothing else may be asked. */
  get isReauthenticating(): boolean {
    return this.isComplete && this.#exchange !== undefined
  }

  /** The login was not repeated in time: nothing but that may be asked. */
  isExpired(nowMs: number): boolean {
    return nowMs > this.#expiresMs
  }

  /** KafkaError: ILLEGAL_SASL_STATE when it is not the time, UNSUPPORTED_SASL_MECHANISM. */
  choose(mechanism: string, handshakeVersion: number): void {
    const options = this.#options
    if (!options || this.#exchange) throw new KafkaError('ILLEGAL_SASL_STATE')
    if (this.isComplete) this.#beginAgain(options)
    if (!options.mechanisms.includes(mechanism)) throw new KafkaError('UNSUPPORTED_SASL_MECHANISM')
    // Apache's broker answers this handshake as if all were well, and fails the login after it.
    this.#refusedMechanism = this.isComplete && mechanism !== this.#mechanism ? mechanism : undefined
    if (!this.isComplete) this.#mechanism = mechanism
    this.#exchange = isScramMechanism(mechanism)
      ? scramExchange(mechanism, options.credentials)
      : plainExchange(options.credentials.plainUsers(options.listener))
    this.#expectsBareToken = handshakeVersion === 0
  }

  /**
   * The answer to a token, and for how many ms the login is valid from now on: 0 for ever, or while it is not complete. KafkaError: ILLEGAL_SASL_STATE, or
   * SASL_AUTHENTICATION_FAILED with the message that Kafka gives.
   */
  authenticate(token: Buffer): { answer: Buffer; lifetimeMs: number } {
    if (!this.#exchange)
      throw new KafkaError(
        'ILLEGAL_SASL_STATE',
        this.isComplete ? 'SaslAuthenticate request received after successful authentication' : undefined,
      )
    try {
      if (this.#refusedMechanism !== undefined) throw new ReauthError(this.#refusedMechanism, this.#mechanism!)
      const answer = this.#exchange.evaluate(token)
      const { username } = this.#exchange
      return { answer, lifetimeMs: username === undefined ? 0 : this.#complete(user(username)) }
    } catch (cause) {
      this.#options!.counts.failed++
      throw new KafkaError('SASL_AUTHENTICATION_FAILED', this.#explain(cause), { cause })
    }
  }

  #beginAgain({ clock }: LoginOptions): void {
    const nowMs = clock.nowMs()
    // A login that stays valid is not repeated.
    if (this.#expiresMs === Number.POSITIVE_INFINITY || nowMs - this.#lastReauthMs < MIN_REAUTH_INTERVAL_MS)
      throw new KafkaError('ILLEGAL_SASL_STATE')
    this.#lastReauthMs = nowMs
  }

  #complete(principal: Principal): number {
    const options = this.#options!
    const { counts, clock } = options
    const before = this.#principal
    if (before && formatPrincipal(before) !== formatPrincipal(principal)) throw new PrincipalChange(before, principal)
    counts.successful += before ? 0 : 1
    counts.reauthenticated += before ? 1 : 0
    this.#principal = principal
    this.#exchange = undefined
    this.#expectsBareToken = false
    const lifetimeMs = Math.max(0, options.maxReauthMs(this.#mechanism!))
    this.#expiresMs = lifetimeMs > 0 ? clock.nowMs() + lifetimeMs : Number.POSITIVE_INFINITY
    return lifetimeMs
  }

  #explain(cause: unknown): string {
    if (cause instanceof PlainError || cause instanceof ReauthError || cause instanceof PrincipalChange) return cause.message
    if (cause instanceof ScramError)
      return `Authentication failed during authentication due to invalid credentials with SASL mechanism ${this.#mechanism}`
    throw cause
  }
}

class ReauthError extends Error {
  constructor(mechanism: string, before: string) {
    super(`SASL mechanism '${mechanism}' requested by client is not supported for re-authentication of mechanism '${before}'`)
  }
}

class PrincipalChange extends Error {
  constructor(before: Principal, after: Principal) {
    super(`Cannot change principals during re-authentication from ${before.type}.${before.name}: ${after.type}.${after.name}`)
  }
}
