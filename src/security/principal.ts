/** Who a client is. Kafka's own type is User; others come from principal builders that we do not load. */
export type Principal = { type: string; name: string }

export const ANONYMOUS: Principal = { type: 'User', name: 'ANONYMOUS' }
export const user = (name: string): Principal => ({ type: 'User', name })
export const formatPrincipal = ({ type, name }: Principal): string => `${type}:${name}`

/** undefined unless the text reads TYPE:NAME. */
export const parsePrincipal = (text: string): Principal | undefined => {
  const at = text.indexOf(':')
  return at > 0 && at < text.length - 1 ? { type: text.slice(0, at), name: text.slice(at + 1) } : undefined
}
