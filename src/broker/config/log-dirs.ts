import type { BrokerConfig } from './broker-config.ts'
import { ConfigError, parseList } from './parse.ts'

/** The directories for partitions. ConfigError when one stands twice or none is named. */
export const logDirsOf = (config: BrokerConfig): string[] => {
  const directories = parseList(config.get('log.dirs') ?? config.get('log.dir'))
  if (directories.length === 0) throw new ConfigError('log.dirs', 'log.dirs: at least one directory is needed')
  if (new Set(directories).size < directories.length)
    throw new ConfigError('log.dirs', `log.dirs=${directories.join(',')} names a directory twice`)
  return directories
}
