import type { controlledShutdown } from '../../protocol/api/07-controlled-shutdown.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import type { Handler, Refusal } from '../handler.ts'

export const refuseControlledShutdown: Refusal<typeof controlledShutdown> = (_request, { code }) => ({ errorCode: code })

/** A partition of one replica cannot be led elsewhere, so nothing remains that the broker should wait for; Kafka's controller leaves such partitions out too. */
export const handleControlledShutdown: Handler<typeof controlledShutdown> = (_request, context) => {
  context.authorize('CLUSTER_ACTION', 'CLUSTER', CLUSTER_NAME)
  if (!context.broker.admin.isController()) throw new KafkaError('NOT_CONTROLLER')
  return { remainingPartitions: [] }
}
