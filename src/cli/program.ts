import { COMMANDS } from './commands/index.ts'
import { UsageError } from './command.ts'
import { describeFailure, EXIT } from './failure.ts'
import { help } from './help.ts'
import { parse } from './parse.ts'
import type { Session } from './session.ts'

export type { Io, Session, Surroundings } from './session.ts'

/** The list of commands, as `help` shows it. */
export const overview = (calledAs: string): string => help(COMMANDS, [], calledAs)

const runCommand = async (args: readonly string[], session: Session): Promise<number> => {
  if (args[0] === '__complete') {
    const { complete } = await import('./completion/complete.ts')
    await complete(COMMANDS, args.slice(1), session)
    return 0
  }
  const parsed = parse(COMMANDS, args, session.programs)
  if ('help' in parsed) {
    await session.io.out(help(COMMANDS, parsed.help, session.calledAs))
    return 0
  }
  const run = await parsed.call.command.load()
  return (await run(parsed.call, session)) ?? 0
}

/** Runs one command to its end and gives the exit code; what went wrong is said in words on the error output. */
export const runCli = async (args: readonly string[], session: Session): Promise<number> => {
  const { io, calledAs } = session
  try {
    return await runCommand(args, session)
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(`${calledAs}: ${error.message}\n`)
      io.err(`\`${calledAs} help\` shows what there is\n`)
      return EXIT.usage
    }
    const { code, text } = describeFailure(error)
    io.err(`${calledAs}: ${text}\n`)
    return code
  }
}
