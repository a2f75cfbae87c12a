import type { alterConfigs } from '../../protocol/api/33-alter-configs.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { ReplyOf, RequestOf } from '../../protocol/schema.ts'
import { each, type Handler, type Refusal } from '../handler.ts'
import { checkConfig, targetOf } from './config-messages.ts'
import { failure, refusedResources, repeated } from './shared.ts'

type Resource = RequestOf<typeof alterConfigs>['resources'][number]
type Result = NonNullable<ReplyOf<typeof alterConfigs>['responses']>[number]

export const refuseAlterConfigs: Refusal<typeof alterConfigs> = ({ resources }, error) => ({
  responses: refusedResources(resources, error),
})

const textsOf = ({ configs }: Resource): Map<string, string> => {
  const names = configs.map(({ name }) => name)
  if (repeated(names).size > 0)
    throw new KafkaError('INVALID_REQUEST', `Error due to duplicate config keys : ${[...repeated(names)].join(',')}`)
  const empty = configs.filter(({ value }) => value === null)
  if (empty.length > 0) throw new KafkaError('INVALID_REQUEST', `Null value not supported for : ${empty.map(({ name }) => name).join(',')}`)
  return new Map(configs.map(({ name, value }) => [name, value!]))
}

/** Replaces everything that is set for a resource. */
export const handleAlterConfigs: Handler<typeof alterConfigs> = async (request, context) => ({
  responses: await each<Resource, Result>(
    request.resources,
    async (resource) => {
      const { resourceType, resourceName } = resource
      const { admin, metadata } = context.broker
      const target = targetOf(context, resourceType, resourceName, 'ALTER_CONFIGS')
      if (target.type === 'topics' && !metadata.topic(target.name))
        throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${target.name}' does not exist.`)
      const texts = textsOf(resource)
      checkConfig(context, target, texts)
      if (!request.validateOnly) await admin.configs.change(target.type, target.name, () => texts)
      return { resourceType, resourceName, errorCode: 0, errorMessage: null }
    },
    ({ resourceType, resourceName }, _code, thrown) => ({ resourceType, resourceName, ...failure(thrown) }),
  ),
})
