const ESCAPES: Record<string, string> = { t: '\t', n: '\n', r: '\r', f: '\f' }

/** Joins lines that end in an odd number of backslashes; drops comments and blank lines. */
const logicalLines = (text: string): string[] => {
  const lines: string[] = []
  let open: string | undefined
  for (const raw of text.split(/\r\n|\n|\r/)) {
    const line = raw.replace(/^[ \t\f]+/, '')
    if (open === undefined && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue
    const whole: string = (open ?? '') + line
    const trailing = /\\*$/.exec(whole)![0].length
    open = trailing % 2 === 1 ? whole.slice(0, -1) : undefined
    if (open === undefined) lines.push(whole)
  }
  if (open !== undefined) lines.push(open)
  return lines
}

const unescape = (text: string): string =>
  text.replace(/\\(u[0-9a-fA-F]{4}|.)/gs, (_all, code: string) =>
    code.length === 5 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (ESCAPES[code] ?? code),
  )

/** Reads a Java properties file: comments, continued lines, escapes, `=` `:` or blanks between key and value. The last of two equal keys wins. */
export const parseProperties = (text: string): Map<string, string> => {
  const properties = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const [, key = '', value = ''] = /^((?:\\.|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*(.*)$/s.exec(line) ?? []
    properties.set(unescape(key), unescape(value))
  }
  return properties
}

const escape = (text: string, isKey: boolean): string =>
  text
    .replace(/\\/g, '\\\\')
    .replace(/\n/g, '\\n')
    .replace(/\r/g, '\\r')
    .replace(/\t/g, '\\t')
    .replace(/^ /, '\\ ')
    .replace(isKey ? /[=:#! ]/g : /^[#!]/g, (c) => `\\${c}`)

/** Lines `key=value` in the map's order, each ended by a line feed. */
export const formatProperties = (properties: Iterable<readonly [string, string]>): string =>
  [...properties].map(([key, value]) => `${escape(key, true)}=${escape(value, false)}\n`).join('')
