import { saslHandshake } from '../protocol/api/17-sasl-handshake.ts'
import { saslAuthenticate } from '../protocol/api/36-sasl-authenticate.ts'
import { errorName, KafkaError } from '../protocol/errors.ts'
import { plainToken } from '../security/plain.ts'
import { isScramMechanism, ScramClientExchange, type ScramMechanism } from '../security/scram.ts'
import type { KafkaConnection } from './connection.ts'

export type SaslLogin = { mechanism: 'PLAIN' | ScramMechanism; username: string; password: string }

const exchange = async (connection: KafkaConnection, authBytes: Buffer): Promise<Buffer> => {
  const answer = await connection.request(saslAuthenticate, { authBytes })
  if (answer.errorCode !== 0) throw new KafkaError(errorName(answer.errorCode), answer.errorMessage ?? undefined)
  return answer.authBytes
}

/** Logs a fresh connection in. KafkaError: UNSUPPORTED_SASL_MECHANISM, SASL_AUTHENTICATION_FAILED with the broker's message. */
export const login = async (connection: KafkaConnection, sasl: SaslLogin): Promise<void> => {
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
