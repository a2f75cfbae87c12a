/** What a call ends with, beside 0. */
export const EXIT = { failed: 1, usage: 2, notFound: 3, unreachable: 4, notReady: 5 } as const

/** Ends the call with a sentence for the user and an exit code. */
export class Failure extends Error {
  readonly code: number

  constructor(message: string, code: number = EXIT.failed, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

type Coded = Error & { status?: number; reason?: string; error?: string }

const ofKubernetes = ({ status = 0, message }: Coded): { code: number; text: string } => {
  if (status === 0)
    return {
      code: EXIT.unreachable,
      text: `the API server cannot be reached: ${message}; is the kubeconfig's context the right one (--context, --kubeconfig)?`,
    }
  if (status === 401) return { code: EXIT.failed, text: `the API server does not accept the login of the kubeconfig: ${message}` }
  if (status === 404 && /could not find the requested resource|page not found/.test(message))
    return {
      code: EXIT.notFound,
      text: 'this Kubernetes does not know the kinds of sofakafka.io: install charts/sofakafka-crds and charts/sofakafka first',
    }
  return { code: status === 404 ? EXIT.notFound : EXIT.failed, text: message }
}

const HINTS: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED: 'an Acl must allow this user Read (to consume), Write (to produce) and Describe on the topic',
  GROUP_AUTHORIZATION_FAILED: 'an Acl must allow this user Read (to reset), Describe or Delete on the group',
  CLUSTER_AUTHORIZATION_FAILED: 'leave --user out to act as the operator, or give the user an Acl with Describe on the Cluster',
  SASL_AUTHENTICATION_FAILED: 'the password in the Secret is not the one that Kafka has; is the User Ready?',
  UNKNOWN_TOPIC_OR_PARTITION: 'topic list shows which there are',
  RECORD_TOO_LARGE: 'max.message.bytes of the topic says how large one may be',
}

const NOT_THERE = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'GROUP_ID_NOT_FOUND'])

/** Words and an exit code for anything that was thrown. Texts of servers hold no passwords. */
export const describeFailure = (error: unknown): { code: number; text: string } => {
  if (!(error instanceof Error)) return { code: EXIT.failed, text: String(error) }
  const coded = error as Coded
  if (error instanceof Failure) return { code: error.code, text: error.message }
  if (error.name === 'KubeError') return ofKubernetes(coded)
  if (error.name === 'KafkaError') {
    const hint = HINTS[coded.error ?? '']
    return {
      code: NOT_THERE.has(coded.error ?? '') ? EXIT.notFound : EXIT.failed,
      text: `Kafka says ${coded.error}: ${error.message}${hint ? `; ${hint}` : ''}`,
    }
  }
  if (error.constructor.name === 'ConnectionError') return { code: EXIT.unreachable, text: `Kafka cannot be reached: ${error.message}` }
  return { code: EXIT.failed, text: error.message }
}
