/** What a client is expected to do: its own words when it must not succeed, and what it has besides producer and consumer. */
export type Profile = {
  wrongPassword: RegExp
  forbiddenTopic: RegExp
  forbiddenGroup: RegExp
  findsOffsetsByTime: boolean
  administersTopics: boolean
}

const INVALID_SCRAM = 'Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512'
const NOT_MY_TOPIC = /TopicAuthorizationException: Not authorized to access topics: \[forbidden\]/
const NOT_MY_GROUP = /GroupAuthorizationException: Not authorized to access group: not-own/

/** Java clients since 1.0. */
export const javaProfile: Profile = {
  wrongPassword: new RegExp(`SaslAuthenticationException: ${INVALID_SCRAM}`),
  forbiddenTopic: NOT_MY_TOPIC,
  forbiddenGroup: NOT_MY_GROUP,
  findsOffsetsByTime: true,
  administersTopics: true,
}

/** 0.11: a server cannot tell it why a login failed, the connection just ends. */
export const java011Profile: Profile = { ...javaProfile, wrongPassword: /TimeoutException: Failed to update metadata after \d+ ms\./ }
/** 0.10.0: neither lookup by time nor an admin client yet. */
export const java010Profile: Profile = { ...java011Profile, findsOffsetsByTime: false, administersTopics: false }

export const kcatProfile: Profile = {
  wrongPassword: new RegExp(`SASL authentication error: ${INVALID_SCRAM}`),
  forbiddenTopic: /Broker: Topic authorization failed/,
  forbiddenGroup: /FindCoordinator response error: Group authorization failed\./,
  findsOffsetsByTime: true,
  administersTopics: false,
}

/** kafkajs does not pass on why a coordinator could not be found. */
export const kafkajsProfile: Profile = {
  wrongPassword: new RegExp(`SASL SCRAM SHA512 authentication failed: ${INVALID_SCRAM}`),
  forbiddenTopic: /Not authorized to access topics: \[Topic authorization failed\]/,
  forbiddenGroup: /Failed to find group coordinator/,
  findsOffsetsByTime: true,
  administersTopics: true,
}

export const franzGoProfile: Profile = {
  wrongPassword: new RegExp(`SASL_AUTHENTICATION_FAILED: SASL Authentication failed\\.: ${INVALID_SCRAM}`),
  forbiddenTopic: /TOPIC_AUTHORIZATION_FAILED: Not authorized to access topics: \[Topic authorization failed\.\]/,
  forbiddenGroup: /GROUP_AUTHORIZATION_FAILED: Not authorized to access group: Group authorization failed\./,
  findsOffsetsByTime: true,
  administersTopics: true,
}
