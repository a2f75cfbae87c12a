import { KafkaError } from '../../protocol/errors.ts'

const MAX_LENGTH = 249

/** KafkaError INVALID_TOPIC_EXCEPTION with Kafka's message. */
export const validateTopicName = (name: string): void => {
  const complaint =
    name === ''
      ? 'Topic name is illegal, it can\u0027t be empty'
      : name === '.' || name === '..'
        ? 'Topic name cannot be "." or ".."'
        : name.length > MAX_LENGTH
          ? `Topic name is illegal, it can\u0027t be longer than ${MAX_LENGTH} characters, topic name: ${name}`
          : /^[a-zA-Z0-9._-]+$/.test(name)
            ? undefined
            : `Topic name "${name}" is illegal, it contains a character other than ASCII alphanumerics, \u0027.\u0027, \u0027_\u0027 and \u0027-\u0027`
  if (complaint) throw new KafkaError('INVALID_TOPIC_EXCEPTION', complaint)
}

/** Kafka's metrics take . and _ for the same, so two topics must differ in more than that. */
export const collidesWith = (a: string, b: string): boolean => a !== b && a.replaceAll('.', '_') === b.replaceAll('.', '_')
