import type { Dial } from './socket.ts'
import type { Address } from './types.ts'

/** The answer to a word of four letters (srvr, mntr, ...), which needs no session. Rejects when the server cannot be reached or the signal aborts. */
export const askFourLetters = async (dial: Dial, address: Address, word: string, signal: AbortSignal): Promise<string> => {
  const socket = await dial(address, signal)
  const giveUp = () => socket.destroy()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    socket.write(Buffer.from(word))
    let answer = ''
    for await (const chunk of socket.chunks) answer += chunk.toString('utf8')
    signal.throwIfAborted()
    return answer
  } finally {
    signal.removeEventListener('abort', giveUp)
    socket.destroy()
  }
}

export type Mode = 'leader' | 'follower' | 'observer' | 'standalone'

/** What part the server plays, from its answer to `srvr`; undefined: it does not serve. */
export const modeOf = (srvr: string): Mode | undefined => {
  const mode = /^Mode: (\w+)/m.exec(srvr)?.[1]
  return mode === 'leader' || mode === 'follower' || mode === 'observer' || mode === 'standalone' ? mode : undefined
}
