import type { Container } from '../objects.ts'

/** Programs of this package that a pod may run, in the order in which a stopping machine ends them: who is served goes before who serves. */
export const PROGRAMS = ['operator', 'broker', 'zookeeper'] as const
export type ProgramName = (typeof PROGRAMS)[number]

export type Launch = { program: ProgramName; args: string[] } | { refused: { reason: string; message: string } }

/** sofakafka, any tag or digest, behind any registry and path. */
const OUR_IMAGE = /^(?:[a-z0-9][a-z0-9.-]*(?::[0-9]+)?\/)?(?:[a-z0-9][a-z0-9._-]*\/)*sofakafka(?::[\w][\w.-]*)?(?:@sha256:[0-9a-f]{64})?$/

const refuse = (reason: string, message: string): Launch => ({ refused: { reason, message } })

/** What to run for a container, or why it waits. Nothing but this package's own programs is ever started. */
export const launchOf = ({ image, command, args = [] }: Pick<Container, 'image' | 'command' | 'args'>): Launch => {
  if (!OUR_IMAGE.test(image)) {
    return refuse(
      'ErrImageNeverPull',
      `Container image "${image}" is not present: the local mode runs images named sofakafka only, as processes; use a real cluster for others`,
    )
  }
  const [entry, ...rest] = [...(command ?? ['sofakafka']), ...args]
  if (entry !== 'sofakafka') {
    return refuse(
      'RunContainerError',
      `command ${JSON.stringify(command)}: the local mode starts this package's programs only; leave command out, or write ["sofakafka"]`,
    )
  }
  const [program, ...others] = rest
  const known = PROGRAMS.find((name) => name === program)
  if (!known) return refuse('RunContainerError', `args ${JSON.stringify(args)}: the first argument must be one of ${PROGRAMS.join(', ')}`)
  return { program: known, args: others }
}
