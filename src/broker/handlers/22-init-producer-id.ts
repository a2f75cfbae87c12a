import type { initProducerId } from '../../protocol/api/22-init-producer-id.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import type { Handler, Refusal } from '../handler.ts'

const NONE = -1

export const refuseInitProducerId: Refusal<typeof initProducerId> = (_request, { code }) => ({
  errorCode: code,
  producerId: NONE,
  producerEpoch: NONE,
})

/**
 * A producer without a transactional id always gets a new id with epoch 0, also where it resumes (KIP-360): Kafka 2.6 does the same.
 * Source: KafkaApis.handleInitProducerIdRequest, TransactionCoordinator.handleInitProducerId.
 */
export const handleInitProducerId: Handler<typeof initProducerId> = async (request, context) => {
  const { transactionalId, producerId, producerEpoch } = request
  if (transactionalId !== null) context.authorize('WRITE', 'TRANSACTIONAL_ID', transactionalId)
  else context.authorize('IDEMPOTENT_WRITE', 'CLUSTER', CLUSTER_NAME)
  if ((producerId === NONE) !== (producerEpoch === NONE)) {
    throw new KafkaError('INVALID_REQUEST', 'InitProducerId must give both the producer id and its epoch, or neither')
  }
  if (transactionalId === '') throw new KafkaError('INVALID_REQUEST', 'transactional.id is empty; leave it out')
  if (transactionalId !== null) throw new KafkaError('INVALID_REQUEST', 'Transactions are not served yet; leave transactional.id out.')
  return { errorCode: 0, producerId: await context.broker.producerIds.next(), producerEpoch: 0 }
}
