import type { saslAuthenticate } from '../../protocol/api/36-sasl-authenticate.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { Farewell, type Handler, type Refusal } from '../handler.ts'

type Api = typeof saslAuthenticate

/** A failed login is answered late and ends the connection, so that guessing passwords is slow. */
export const handleSaslAuthenticate: Handler<Api> = ({ authBytes }, { peer, broker }) => {
  try {
    const { answer, lifetimeMs } = peer.login.authenticate(authBytes)
    return { errorCode: 0, errorMessage: null, authBytes: answer, sessionLifetimeMs: lifetimeMs }
  } catch (thrown) {
    if (!(thrown instanceof KafkaError) || thrown.error !== 'SASL_AUTHENTICATION_FAILED') throw thrown
    const delayMs = broker.config.get('connection.failed.authentication.delay.ms')
    broker.logger.info({ host: peer.host, listener: peer.listener }, 'login failed')
    return new Farewell({ errorCode: thrown.code, errorMessage: thrown.message }, delayMs, 'login failed')
  }
}

export const refuseSaslAuthenticate: Refusal<Api> = (_request, { code, message }) => ({ errorCode: code, errorMessage: message })
