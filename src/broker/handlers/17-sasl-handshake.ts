import type { saslHandshake } from '../../protocol/api/17-sasl-handshake.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { Farewell, type Handler, type Refusal } from '../handler.ts'

type Api = typeof saslHandshake

/** A mechanism that is not offered ends the connection, after the answer that says which are. */
export const handleSaslHandshake: Handler<Api> = ({ mechanism }, { peer, broker, apiVersion }) => {
  const { login } = peer
  try {
    login.choose(mechanism, apiVersion)
    return { errorCode: 0, mechanisms: login.mechanisms }
  } catch (thrown) {
    if (!(thrown instanceof KafkaError) || thrown.error !== 'UNSUPPORTED_SASL_MECHANISM') throw thrown
    const delayMs = broker.config.get('connection.failed.authentication.delay.ms')
    broker.logger.info({ host: peer.host, listener: peer.listener, mechanism: mechanism.slice(0, 64) }, 'login with an unknown mechanism')
    return new Farewell({ errorCode: thrown.code, mechanisms: login.mechanisms }, delayMs, 'login failed')
  }
}

export const refuseSaslHandshake: Refusal<Api> = (_request, { code }) => ({ errorCode: code })
