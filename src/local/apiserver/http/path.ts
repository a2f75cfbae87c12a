/** What a path under /api or /apis points at. */
export type Target = { groupVersion: string; namespace: string; plural: string; name: string; subresource: string }

const decoded = (path: string): string[] | undefined => {
  try {
    return path
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent)
  } catch {
    return undefined
  }
}

/** namespaces/NAME/status and namespaces/NAME/finalize are of the namespace itself. */
const isInNamespace = (rest: string[], isCore: boolean): boolean =>
  rest[0] === 'namespaces' && rest.length >= 3 && !(isCore && rest.length === 3 && ['status', 'finalize'].includes(rest[2]!))

/**
 * Reads /api/v1/..., /apis/GROUP/VERSION/...: [namespaces/NS/]PLURAL[/NAME[/SUBRESOURCE]]. A namespace's own subresources are those of the kind Namespace.
 * undefined when the path is of another form.
 */
export const parsePath = (path: string): Target | undefined => {
  const words = decoded(path) ?? []
  const isCore = words[0] === 'api'
  const head = isCore ? 2 : 3
  if ((!isCore && words[0] !== 'apis') || words.length < head) return undefined
  const rest = words.slice(head)
  const isNamespaced = isInNamespace(rest, isCore)
  const [plural, name = '', subresource = '', ...more] = isNamespaced ? rest.slice(2) : rest
  if (!plural || more.length > 0) return undefined
  const groupVersion = isCore ? words[1]! : `${words[1]}/${words[2]}`
  return { groupVersion, namespace: isNamespaced ? rest[1]! : '', plural, name, subresource }
}
