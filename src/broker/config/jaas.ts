import { ConfigError } from './parse.ts'

/** One login of a sasl.jaas.config value: the module's class name and its options. */
export type JaasEntry = { module: string; options: Map<string, string> }

const OPTION = /\s*([\w.-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/y

/** Reads `Module required|requisite|sufficient|optional key="value" ...;`. Never puts the text in an error: it holds passwords. */
export const parseJaas = (key: string, text: string): JaasEntry => {
  const wrong = () => new ConfigError(key, `${key} must read: MODULE required username="..." password="...";`)
  const head = /^\s*([\w.$]+)\s+(?:required|requisite|sufficient|optional)\b/.exec(text)
  if (!head) throw wrong()
  const options = new Map<string, string>()
  OPTION.lastIndex = head[0].length
  let end = OPTION.lastIndex
  for (let match = OPTION.exec(text); match; match = OPTION.exec(text)) {
    options.set(match[1]!, match[2]?.replace(/\\(.)/g, '$1') ?? match[3]!)
    end = OPTION.lastIndex
  }
  if (!/^\s*;\s*$/.test(text.slice(end))) throw wrong()
  return { module: head[1]!, options }
}

/** The users of SASL/PLAIN: options user_NAME="PASSWORD". */
export const plainUsers = (entry: JaasEntry): Map<string, string> =>
  new Map([...entry.options].flatMap(([name, value]) => (name.startsWith('user_') ? [[name.slice('user_'.length), value] as const] : [])))
