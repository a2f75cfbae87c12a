/**
 * The users of the section `Server` of a JAAS file, as Apache's DigestLoginModule reads them:
 * `Server { org.apache.zookeeper.server.auth.DigestLoginModule required user_kafka="secret"; };`
 */
export const parseJaasUsers = (text: string): ReadonlyMap<string, string> => {
  const plain = text.replace(/"(?:\\.|[^"\\])*"|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, (match) => (match.startsWith('"') ? match : ' '))
  const section = /(?:^|[\s;}])Server\s*\{((?:"(?:\\.|[^"\\])*"|[^"}])*)\}/.exec(plain)?.[1] ?? ''
  const users = new Map<string, string>()
  for (const [, user = '', password = ''] of section.matchAll(/\buser_([^\s=]+)\s*=\s*"((?:\\.|[^"\\])*)"/g)) {
    users.set(user, password.replace(/\\(.)/g, '$1'))
  }
  return users
}
