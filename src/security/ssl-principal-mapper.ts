/** A rule that cannot be used, in words. */
export class MappingRuleError extends Error {}

type Case = 'L' | 'U' | ''
type Rule = { pattern: RegExp; whole: RegExp; replacement: string; case: Case } | 'DEFAULT'

const DEFAULT = 'DEFAULT'
const RULE = 'RULE:'
/** What a Java pattern may hold and JavaScript reads otherwise: it must not be misread in silence. */
const JAVA_ONLY = /\\[pPQEAZzGhHRXNaeV]|\\x\{|\(\?>|[*+?}]\+|&&|\(\?[a-z-]+\)|(?<!\\)\[[^\]\\]*\[/

const shape = 'write DEFAULT, or RULE:PATTERN/REPLACEMENT/ with an L or U behind it where the name is to be in lower or upper case'

/** Reads one of the two parts of a rule, up to its slash; a slash after a backslash belongs to the part. */
const partEnd = (text: string, from: number): number => {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '/') return at
  }
  throw new MappingRuleError(`the rule ${text.slice(from - RULE.length)} lacks a slash: ${shape}`)
}

/** Java's replacement text with what the groups caught. A number that the pattern has no group for is text, as Kafka has it. */
const expand = (replacement: string, match: RegExpMatchArray): string =>
  replacement.replace(/\\(.)|\$\{(\w+)\}|\$(\d+)/g, (whole, escaped?: string, name?: string, digits?: string) => {
    if (escaped !== undefined) return escaped
    if (name !== undefined) return match.groups?.[name] ?? ''
    for (let length = digits!.length; length > 0; length--) {
      const group = Number(digits!.slice(0, length))
      if (group < match.length) return (match[group] ?? '') + digits!.slice(length)
    }
    return whole
  })

/** A reference that would fail each login; `match` has the groups of the pattern. */
const missingGroup = (replacement: string, match: RegExpExecArray): string | undefined => {
  for (const [whole, , name, digits] of replacement.matchAll(/\\(.)|\$\{(\w+)\}|\$(\d+)|\$/g)) {
    if (!whole.startsWith('$')) continue
    const isThere = name === undefined ? digits !== undefined && (match.length > 1 || digits.startsWith('0')) : name in (match.groups ?? {})
    if (!isThere) return whole
  }
  return undefined
}

const makeRule = (pattern: string, replacement: string, letterCase: Case): Rule => {
  const refuse = (why: string) => new MappingRuleError(`the pattern ${pattern} ${why}`)
  if (JAVA_ONLY.test(pattern)) throw refuse('uses what only Java has in its regular expressions: write it in their common part')
  try {
    const rule = { pattern: new RegExp(pattern, 'g'), whole: new RegExp(`^(?:${pattern})$`), replacement, case: letterCase }
    const missing = missingGroup(replacement, new RegExp(`${pattern}|`).exec('')!)
    if (missing !== undefined) throw refuse(`has no group for ${missing} in the replacement ${replacement}; a dollar sign alone is \\$`)
    return rule
  } catch (error) {
    throw error instanceof MappingRuleError ? error : refuse(`is no regular expression: ${(error as Error).message}`)
  }
}

const apply = (rule: Rule, name: string): string | undefined => {
  if (rule === DEFAULT) return name
  if (!rule.whole.test(name)) return undefined
  const mapped = name.replace(rule.pattern, (...args) => {
    const groups = typeof args.at(-1) === 'object' ? (args.at(-1) as Record<string, string>) : undefined
    const match = args.slice(0, groups ? -3 : -2) as RegExpMatchArray
    if (groups) match.groups = groups
    return expand(rule.replacement, match)
  })
  return rule.case === 'L' ? mapped.toLowerCase() : rule.case === 'U' ? mapped.toUpperCase() : mapped
}

/**
 * From the distinguished name of a certificate to the name of its owner, by Kafka's ssl.principal.mapping.rules: rules between commas, the first that matches
 * the whole name counts, and what its pattern finds in the name is replaced. Patterns are those that Java and JavaScript read alike.
 */
export class SslPrincipalMapper {
  readonly #rules: readonly Rule[]

  private constructor(rules: readonly Rule[]) {
    this.#rules = rules
  }

  /** Throws MappingRuleError. */
  static parse(text: string): SslPrincipalMapper {
    const rules: Rule[] = []
    const all = text.trim()
    for (let at = 0; at < all.length;) {
      const { rule, end } = SslPrincipalMapper.#read(all, at + /^\s*/.exec(all.slice(at))![0].length)
      if (rule) rules.push(rule)
      const gap = /^\s*(,|$)/.exec(all.slice(end))
      if (!gap) throw new MappingRuleError(`${all.slice(end)} cannot stand behind a rule: ${shape}`)
      at = end + gap[0].length
    }
    return new SslPrincipalMapper(rules)
  }

  static #read(all: string, start: number): { rule: Rule | undefined; end: number } {
    if (all.startsWith(DEFAULT, start)) return { rule: DEFAULT, end: start + DEFAULT.length }
    if (!all.startsWith(RULE, start)) return { rule: undefined, end: start }
    const patternEnd = partEnd(all, start + RULE.length)
    const replacementEnd = partEnd(all, patternEnd + 1)
    const letter = all[replacementEnd + 1]
    const letterCase = letter === 'L' || letter === 'U' ? letter : ''
    const rule = makeRule(all.slice(start + RULE.length, patternEnd), all.slice(patternEnd + 1, replacementEnd), letterCase)
    return { rule, end: replacementEnd + 1 + letterCase.length }
  }

  /** undefined where no rule is for this name. */
  map(distinguishedName: string): string | undefined {
    for (const rule of this.#rules) {
      const name = apply(rule, distinguishedName)
      if (name !== undefined) return name
    }
    return undefined
  }
}
