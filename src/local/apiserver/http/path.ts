/** What a path under /api or /apis points at. */
export type Target = { groupVersion: string; namespace: string; plural: string; name: string; subresource: string }

const decode = (part: string): string | undefined => {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}

/**
 * Reads /api/v1/..., /apis/GROUP/VERSION/...: [namespaces/NS/]PLURAL[/NAME[/SUBRESOURCE]]. A namespace's own subresources are those of the kind Namespace.
 * undefined when the path is of another form.
 */
export const parsePath = (path: string): Target | undefined => {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decode)
  if (parts.includes(undefined)) return undefined
  const words = parts as string[]
  const isCore = words[0] === 'api'
  if (!isCore && words[0] !== 'apis') return undefined
  const groupVersion = isCore ? words[1] : words.length > 2 ? `${words[1]}/${words[2]}` : undefined
  if (!groupVersion) return undefined
  let rest = words.slice(isCore ? 2 : 3)
  let namespace = ''
  const isNamespaced =
    rest[0] === 'namespaces' && rest.length >= 3 && !(isCore && ['status', 'finalize'].includes(rest[2]!) && rest.length === 3)
  if (isNamespaced) {
    namespace = rest[1]!
    rest = rest.slice(2)
  }
  const [plural, name = '', subresource = '', ...more] = rest
  if (!plural || more.length > 0) return undefined
  return { groupVersion, namespace, plural, name, subresource }
}
