import { api, array, bytes, decodeRequest, int16, string, struct } from '../../protocol/schema.ts'

export const CONSUMER_PROTOCOL_TYPE = 'consumer'

/** The head of what a consumer says when it joins: all versions begin like this. Source: ConsumerProtocol of 2.6.3. */
const subscription = api({
  key: -1,
  name: 'ConsumerProtocolSubscription',
  versions: '0',
  flexible: 'none',
  request: struct({ version: int16(), topics: array(string()), userData: bytes({ nullable: '0+' }) }),
  response: struct({}),
})

/** The topics that these members read; undefined when one of them says it in another form. */
export const subscribedTopics = (subscriptions: Iterable<Buffer>): ReadonlySet<string> | undefined => {
  const topics = new Set<string>()
  try {
    for (const bytes of subscriptions) for (const topic of decodeRequest(subscription, 0, bytes).topics) topics.add(topic)
    return topics
  } catch {
    return undefined
  }
}
