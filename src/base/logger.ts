import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino'

/** JSON lines. The message is constant, what varies goes in keys; info = something changed, debug = each request. */
export type Logger = PinoLogger

const SECRET_KEYS = ['password', 'saltedPassword', 'saslAuthBytes', 'scramSecret', 'token', 'authorization', 'jaasConfig']

/** `redact` drops secrets however they get there, one level deep included. Writes to stdout unless `out` is given. */
export const createLogger = (component: string, level = 'info', out?: DestinationStream): Logger => {
  const options = { level, base: { component }, redact: SECRET_KEYS.flatMap((key) => [key, `*.${key}`]) }
  return out ? pino(options, out) : pino(options)
}

export const silentLogger: Logger = pino({ level: 'silent' })
