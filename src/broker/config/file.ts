import { parseProperties } from '../../base/properties.ts'
import { ConfigError } from './parse.ts'

const FILE_PROVIDER = 'org.apache.kafka.common.config.provider.FileConfigProvider'
const REFERENCE = /\$\{([^}:]+):([^}:]*):([^}]+)\}/g

/**
 * The properties of a broker: the text of server.properties with `overrides` (KEY=VALUE, later ones win) on top, and every
 * ${PROVIDER:FILE:KEY} replaced by that key of that properties file, as KIP-421 has it for the provider class FileConfigProvider.
 */
export const brokerProperties = (text: string, overrides: readonly string[], readFile: (path: string) => string): Map<string, string> => {
  const properties = parseProperties(text)
  for (const override of overrides) {
    const at = override.indexOf('=')
    if (at <= 0) throw new ConfigError(override, `--override ${override}: write KEY=VALUE`)
    properties.set(override.slice(0, at), override.slice(at + 1))
  }
  const files = new Map<string, Map<string, string>>()
  const secretOf = (name: string, provider: string, path: string, key: string): string => {
    const className = properties.get(`config.providers.${provider}.class`)
    if (className !== FILE_PROVIDER)
      throw new ConfigError(
        name,
        `${name} refers to the provider ${provider}: set config.providers=${provider} and config.providers.${provider}.class=${FILE_PROVIDER}`,
      )
    const file = files.get(path) ?? parseProperties(readFile(path))
    files.set(path, file)
    const value = file.get(key)
    if (value === undefined) throw new ConfigError(name, `${name} refers to ${key} in ${path}, which has no such key`)
    return value
  }
  for (const [name, value] of properties) {
    if (!value.includes('${')) continue
    properties.set(
      name,
      value.replace(REFERENCE, (_all, provider: string, path: string, key: string) => secretOf(name, provider, path, key)),
    )
  }
  return properties
}
