import type { Contact } from '../kafka/contact.ts'

/** Deletes the topic with its records; not where another operator looks after it too. Says whether it did. */
export const removeTopic = async (contact: Contact, name: string): Promise<boolean> => {
  const isShared = (await contact.records.others('topics', name)).length > 0
  const error = isShared ? undefined : (await contact.admin.deleteTopics([name])).get(name)
  if (error && error.error !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
  await contact.records.delete('topics', name)
  return !isShared
}
