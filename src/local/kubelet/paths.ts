/** Where a container's mount paths are on this machine. A process cannot have mounts of its own, so every text that names a mount path is rewritten. */
export class PathMap {
  readonly #paths: ReadonlyMap<string, string>
  readonly #pattern: RegExp | undefined

  /** `paths`: absolute mount path (as in the pod) -> absolute path here. */
  constructor(paths: Iterable<readonly [string, string]>) {
    this.#paths = new Map([...paths].map(([from, to]) => [from.replace(/\/+$/, ''), to] as const))
    const longestFirst = [...this.#paths.keys()].sort((a, b) => b.length - a.length).map(escapePattern)
    // A mount path counts only as whole path segments: /data is not in /database, nor in /var/data.
    this.#pattern = longestFirst.length > 0 ? new RegExp(`(?<![\\w./-])(${longestFirst.join('|')})(?![\\w.-])`, 'g') : undefined
  }

  rewrite(text: string): string {
    return this.#pattern ? text.replace(this.#pattern, (_all, from: string) => this.#paths.get(from)!) : text
  }

  /** The path here of a path that is a mount or below one; undefined for any other. */
  locate(path: string): string | undefined {
    const mount = [...this.#paths.keys()]
      .filter((from) => path === from || path.startsWith(`${from}/`))
      .sort((a, b) => b.length - a.length)[0]
    return mount === undefined ? undefined : `${this.#paths.get(mount)!}${path.slice(mount.length)}`
  }
}

const escapePattern = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
