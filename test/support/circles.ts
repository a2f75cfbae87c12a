type Graph = ReadonlyMap<string, readonly string[]>

/** Names that lead back to themselves, each circle once as the way around it: a, b, a. */
export const circlesOf = (graph: Graph): string[][] => {
  const done = new Set<string>()
  const circles: string[][] = []
  const visit = (name: string, way: readonly string[]): void => {
    const at = way.indexOf(name)
    if (at >= 0) return void circles.push([...way.slice(at), name])
    if (done.has(name)) return
    for (const next of graph.get(name) ?? []) visit(next, [...way, name])
    done.add(name)
  }
  for (const name of graph.keys()) visit(name, [])
  return circles
}
