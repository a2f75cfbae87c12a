import { type Call, UsageError } from '../command.ts'

/** What --config says: a value sets the key, null (KEY-) takes it away. A whole number becomes one, as somebody would write it in YAML. */
export const configOf = (call: Call, mayRemove: boolean): Record<string, number | string | null> =>
  Object.fromEntries(
    call.texts('config').map((text) => {
      const at = text.indexOf('=')
      if (at > 0) return [text.slice(0, at), numberOr(text.slice(at + 1))] as const
      if (mayRemove && /^[\w.]+-$/.test(text)) return [text.slice(0, -1), null] as const
      throw new UsageError(`--config ${text}: write KEY=VALUE${mayRemove ? ', or KEY- to take one back to its default' : ''}`)
    }),
  )

const numberOr = (text: string): number | string => (/^-?\d{1,15}$/.test(text) ? Number(text) : text)

const TYPES = ['Topic', 'Group', 'TransactionalId', 'Cluster'] as const
const OPERATIONS = [
  'All',
  'Read',
  'Write',
  'Create',
  'Delete',
  'Alter',
  'Describe',
  'ClusterAction',
  'DescribeConfigs',
  'AlterConfigs',
  'IdempotentWrite',
] as const

/** Case does not matter to who writes; the API server knows one spelling. */
const spelled = <T extends string>(text: string, words: readonly T[], rule: string): T => {
  const found = words.find((word) => word.toLowerCase() === text.toLowerCase())
  if (!found) throw new UsageError(`${rule}: there is no ${text}; write one of ${words.join(', ')}`)
  return found
}

export type Rule = {
  resource: { type: (typeof TYPES)[number]; name?: string; patternType?: 'Prefixed' }
  operations: (typeof OPERATIONS)[number][]
  host?: string
  permission?: 'Deny'
}

/** OPERATIONS:TYPE:NAME, e.g. `Read,Describe:Topic:orders-*`. */
export const ruleOf = (text: string, option: string): Rule => {
  const written = `--${option} ${text}`
  const [operations = '', type = '', ...rest] = text.split(':')
  if (type === '') throw new UsageError(`${written}: write OPERATIONS:TYPE:NAME, e.g. Read,Describe:Topic:orders`)
  const resourceType = spelled(type, TYPES, written)
  const name = rest.join(':')
  if (resourceType === 'Cluster' ? name !== '' : name === '')
    throw new UsageError(
      resourceType === 'Cluster'
        ? `${written}: a Cluster has no name here; write ${operations}:Cluster`
        : `${written}: write the name of the ${resourceType} at the end, or * for all`,
    )
  const isPrefix = name.length > 1 && name.endsWith('*')
  return {
    resource: {
      type: resourceType,
      ...(name === '' ? {} : { name: isPrefix ? name.slice(0, -1) : name }),
      ...(isPrefix ? { patternType: 'Prefixed' as const } : {}),
    },
    operations: operations.split(',').map((operation) => spelled(operation, OPERATIONS, written)),
  }
}
