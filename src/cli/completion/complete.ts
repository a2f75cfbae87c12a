import type { Command } from '../command.ts'
import type { Session } from '../session.ts'
import { type Candidate, type Wanted, wantedAt } from './candidates.ts'

/** Of cobra, which kubectl speaks: no files, and files. */
const NO_FILES = ':4'
const FILES = ':0'

const found = async (wanted: Wanted, session: Session): Promise<Candidate[]> => {
  if (wanted.kind === 'words') return wanted.candidates
  if (wanted.kind === 'files' || wanted.of === 'file') return []
  const { namesFor } = await import('./ask.ts')
  return namesFor(wanted.of, wanted.command, wanted.words, session)
}

/** Answers a shell. */
export const complete = async (commands: readonly Command[], typed: readonly string[], session: Session): Promise<void> => {
  const wanted = wantedAt(commands, typed)
  if (wanted.kind === 'files') return session.io.out(`${FILES}\n`)
  const candidates = await found(wanted, session)
  const begun = typed.at(-1) ?? ''
  const [option] = begun.startsWith('--') && begun.includes('=') ? begun.split('=') : []
  const shown = candidates
    .map(({ text, about }) => ({ text: option ? `${option}=${text}` : text, about }))
    .filter(({ text }) => text.startsWith(begun))
  await session.io.out([...shown.map(({ text, about }) => (about ? `${text}\t${about}` : text)), NO_FILES, ''].join('\n'))
}
