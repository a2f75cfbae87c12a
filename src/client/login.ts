import { saslHandshake } from '../protocol/api/17-sasl-handshake.ts'
import { saslAuthenticate } from '../protocol/api/36-sasl-authenticate.ts'
import { checked, errorName, KafkaError } from '../protocol/errors.ts'
import type { Api, RequestOf, ResponseOf, Sendable } from '../protocol/schema.ts'
import { plainToken } from '../security/plain.ts'
import { isScramMechanism, ScramClientExchange, type ScramMechanism } from '../security/scram.ts'

/** Where a login is spoken: a connection that nobody else uses yet. */
export interface Asked {
  request<A extends Api>(api: A, request: Sendable<RequestOf<A>>): Promise<ResponseOf<A>>
}
export type SaslLogin = { mechanism: 'PLAIN' | ScramMechanism; username: string; password: string | Passwords }
export type PasswordLogin = SaslLogin & { password: string }

/** Several passwords of which one is right, as while they are being changed. Asked anew for each connection. */
export type Passwords = {
  /** In the order in which they are tried; not empty. */
  candidates(): readonly string[]
  worked(password: string): void
}

/** Those that `source` gives at the time, after the one that worked last: it is kept, for it may be right longer than it is written down. */
export const passwordsFrom = (source: () => readonly string[]): Passwords => {
  let last: string | undefined
  return {
    candidates: () => [...new Set([...(last === undefined ? [] : [last]), ...source()])],
    worked: (password) => {
      last = password
    },
  }
}

/** Tries one password after the other, each with a connection of its own: a broker ends one whose login it refused. */
export const withPassword = async <T>(sasl: SaslLogin, attempt: (sasl: PasswordLogin) => Promise<T>): Promise<T> => {
  const { password } = sasl
  if (typeof password === 'string') return attempt({ ...sasl, password })
  let refusal: unknown
  for (const candidate of password.candidates()) {
    try {
      const result = await attempt({ ...sasl, password: candidate })
      password.worked(candidate)
      return result
    } catch (error) {
      if (!isRefused(error)) throw error
      refusal = error
    }
  }
  throw refusal
}

/** The broker does not take this password for this user. */
export const isRefused = (error: unknown): boolean => error instanceof KafkaError && error.error === 'SASL_AUTHENTICATION_FAILED'

const exchange = async (connection: Asked, authBytes: Buffer): Promise<Buffer> => {
  const answer = await connection.request(saslAuthenticate, { authBytes })
  return checked(answer).authBytes
}

/** Logs a fresh connection in. KafkaError: UNSUPPORTED_SASL_MECHANISM, SASL_AUTHENTICATION_FAILED with the broker's message. */
export const login = async (connection: Asked, sasl: PasswordLogin): Promise<void> => {
  const { errorCode, mechanisms } = await connection.request(saslHandshake, { mechanism: sasl.mechanism })
  if (errorCode !== 0)
    throw new KafkaError(errorName(errorCode), `the broker offers ${mechanisms.join(', ') || 'no mechanism'}, not ${sasl.mechanism}`)
  if (!isScramMechanism(sasl.mechanism)) {
    await exchange(connection, plainToken(sasl.username, sasl.password))
    return
  }
  const scram = new ScramClientExchange(sasl.mechanism, sasl.username, sasl.password)
  const serverFirst = await exchange(connection, scram.first())
  scram.verify(await exchange(connection, await scram.final(serverFirst)))
}
