import type { incrementalAlterConfigs } from '../../protocol/api/44-incremental-alter-configs.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { ReplyOf, RequestOf } from '../../protocol/schema.ts'
import { parseList } from '../config/parse.ts'
import type { Context } from '../context.ts'
import { each, type Handler, type Refusal } from '../handler.ts'
import { checkConfig, isListKey, type Target, targetOf } from './config-messages.ts'
import { failure, refusedResources, repeated } from './shared.ts'

type Resource = RequestOf<typeof incrementalAlterConfigs>['resources'][number]
type Change = Resource['configs'][number]
type Result = NonNullable<ReplyOf<typeof incrementalAlterConfigs>['responses']>[number]

/** Source: AlterConfigOp.OpType. */
const SET = 0
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3

export const refuseIncrementalAlterConfigs: Refusal<typeof incrementalAlterConfigs> = ({ resources }, error) => ({
  responses: refusedResources(resources, error),
})

/** What holds for the key before the change, the default included: that is what elements are added to. */
const effective = (context: Context, target: Target, stored: ReadonlyMap<string, string>, name: string): string => {
  const own = stored.get(name)
  if (own !== undefined) return own
  const { configs } = context.broker.admin
  const value = target.type === 'topics' ? configs.topic(target.name).get(name as never) : configs.broker.get(name as never)
  return ((value as string[] | null) ?? []).join(',')
}

const applyChange = (texts: Map<string, string>, change: Change, before: () => string): void => {
  const { name, configOperation, value } = change
  if (configOperation === DELETE) {
    texts.delete(name)
    return
  }
  if (value === null) throw new KafkaError('INVALID_REQUEST', `Null value not supported for : ${name}`)
  if (configOperation === SET) texts.set(name, value)
  else if (configOperation === APPEND) texts.set(name, [...new Set([...parseList(before()), ...parseList(value)])].join(','))
  else if (configOperation === SUBTRACT) {
    const removed = new Set(parseList(value))
    texts.set(
      name,
      parseList(before())
        .filter((element) => !removed.has(element))
        .join(','),
    )
  } else
    throw new KafkaError(
      'INVALID_REQUEST',
      `Unknown operation ${configOperation} for ${name}: use SET (0), DELETE (1), APPEND (2) or SUBTRACT (3)`,
    )
}

const changed = (
  context: Context,
  target: Target,
  stored: ReadonlyMap<string, string>,
  changes: readonly Change[],
): Map<string, string> => {
  const texts = new Map(stored)
  for (const change of changes) {
    const isElementwise = change.configOperation === APPEND || change.configOperation === SUBTRACT
    if (isElementwise && !isListKey(target, change.name)) {
      throw new KafkaError('INVALID_CONFIG', `Config value append is not allowed for config key: ${change.name}`)
    }
    applyChange(texts, change, () => effective(context, target, stored, change.name))
  }
  checkConfig(context, target, texts)
  return texts
}

/** Changes single keys of a resource and leaves the others as they are. */
export const handleIncrementalAlterConfigs: Handler<typeof incrementalAlterConfigs> = async (request, context) => ({
  responses: await each<Resource, Result>(
    request.resources,
    async ({ resourceType, resourceName, configs: changes }) => {
      const { admin, metadata } = context.broker
      const target = targetOf(context, resourceType, resourceName, 'ALTER_CONFIGS')
      if (target.type === 'topics' && !metadata.topic(target.name))
        throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${target.name}' does not exist.`)
      const twice = repeated(changes.map(({ name }) => name))
      if (twice.size > 0) throw new KafkaError('INVALID_REQUEST', `Error due to duplicate config keys : ${[...twice].join(',')}`)
      if (request.validateOnly) changed(context, target, await admin.configs.read(target.type, target.name), changes)
      else await admin.configs.change(target.type, target.name, (stored) => changed(context, target, stored, changes))
      return { resourceType, resourceName, errorCode: 0, errorMessage: null }
    },
    ({ resourceType, resourceName }, _code, thrown) => ({ resourceType, resourceName, ...failure(thrown) }),
  ),
})
