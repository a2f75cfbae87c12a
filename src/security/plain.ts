import { timingSafeEqual } from 'node:crypto'

/** A SASL/PLAIN message (RFC 4616): authorization id, user name, password. Throws what Kafka tells the client. */
const parsePlain = (token: Buffer): { username: string; password: string } => {
  const parts = token.toString('utf8').split('\u0000')
  const [authorizationId = '', username = '', password = ''] = parts
  if (parts.length !== 3) throw new PlainError(`Invalid SASL/PLAIN response: expected 3 tokens, got ${parts.length}`)
  if (username === '') throw new PlainError('Authentication failed: username not specified')
  if (password === '') throw new PlainError('Authentication failed: password not specified')
  if (authorizationId !== '' && authorizationId !== username) {
    throw new PlainError('Authentication failed: Client requested an authorization id that is different from username')
  }
  return { username, password }
}

export class PlainError extends Error {}

/** Throws PlainError unless `users` has this user with this password; takes as long for a near miss as for a far one. */
export const checkPlain = (users: ReadonlyMap<string, string>, token: Buffer): string => {
  const { username, password } = parsePlain(token)
  const expected = Buffer.from(users.get(username) ?? '')
  const given = Buffer.from(password)
  const isSame = expected.length === given.length && expected.length > 0 && timingSafeEqual(expected, given)
  if (!isSame) throw new PlainError('Authentication failed: Invalid username or password')
  return username
}

export const plainToken = (username: string, password: string): Buffer => Buffer.from(`\u0000${username}\u0000${password}`)
