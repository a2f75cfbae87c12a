import { type Call, UsageError } from './command.ts'
import type { Io } from './session.ts'

const firstLine = async (input: AsyncIterable<Uint8Array>): Promise<string> => {
  let text = ''
  for await (const chunk of input) {
    text += Buffer.from(chunk).toString('utf8')
    if (text.includes('\n')) break
  }
  return text.split('\n')[0] ?? ''
}

/** Asks before something goes; whoever cannot be asked must have written --yes. */
export const confirm = async (call: Call, io: Io, question: string): Promise<boolean> => {
  if (call.flag('yes')) return true
  if (!io.isInteractive) throw new UsageError(`${question} Write --yes to do it: there is no terminal to ask on`)
  io.err(`${question} [y/N] `)
  if (/^y(es)?$/i.test((await firstLine(io.input)).trim())) return true
  io.err('nothing was done\n')
  return false
}
