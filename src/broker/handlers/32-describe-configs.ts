import type { describeConfigs } from '../../protocol/api/32-describe-configs.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { ReplyOf, RequestOf } from '../../protocol/schema.ts'
import type { Context } from '../context.ts'
import { each, type Handler, type Refusal } from '../handler.ts'
import { brokerEntries, type Entry, targetOf, topicEntries } from './config-messages.ts'
import { failure, refusedResources } from './shared.ts'
import { readTopicConfigs } from './topic-configs.ts'

type Request = RequestOf<typeof describeConfigs>
type Resource = Request['resources'][number]
type Result = NonNullable<ReplyOf<typeof describeConfigs>['results']>[number]

export const refuseDescribeConfigs: Refusal<typeof describeConfigs> = ({ resources }, error) => ({
  results: refusedResources(resources, error),
})

const entriesOf = async (resource: Resource, context: Context): Promise<Entry[]> => {
  const { configs } = context.broker.admin
  const target = targetOf(context, resource.resourceType, resource.resourceName, 'DESCRIBE_CONFIGS')
  if (target.type === 'brokers') return brokerEntries(configs.broker, target)
  if (!context.broker.metadata.topic(target.name)) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
  await readTopicConfigs([target.name], context.broker)
  return topicEntries(configs.topic(target.name))
}

/** Every key of a resource, or those that are asked for: value, where it comes from, and what it is for. */
export const handleDescribeConfigs: Handler<typeof describeConfigs> = async (request, context) => ({
  results: await each<Resource, Result>(
    request.resources,
    async (resource) => {
      const { resourceType, resourceName, configurationKeys } = resource
      const wanted = configurationKeys === null ? undefined : new Set(configurationKeys)
      const configs = (await entriesOf(resource, context))
        .filter(({ name }) => wanted === undefined || wanted.has(name))
        .map((entry) => ({
          ...entry,
          synonyms: request.includeSynonyms ? entry.synonyms : [],
          documentation: request.includeDocumentation ? entry.documentation : null,
        }))
      return { resourceType, resourceName, errorCode: 0, errorMessage: null, configs }
    },
    ({ resourceType, resourceName }, _code, thrown) => ({ resourceType, resourceName, ...failure(thrown) }),
  ),
})
