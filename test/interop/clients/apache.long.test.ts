import { describe } from 'vitest'
import { lacks } from '../../support/needs.ts'
import { franzGoClient } from './franz-go.ts'
import { kafkajsClient } from './kafkajs.ts'
import { kcatClient } from './kcat.ts'
import { javaClient } from './line-client.ts'
import { franzGoProfile, java010Profile, java011Profile, javaProfile, kafkajsProfile, kcatProfile } from './profiles.ts'
import { testClient, withLab } from './scenario.ts'

/** What the other files expect of our broker is what Apache's does: the same clients, the same tests, the same words. */
describe.skipIf(lacks('java', 'maven', 'kcat', 'go'))('against Apache Kafka 2.6.3', () => {
  const first = withLab(kafkajsClient, 'apache')
  describe('kafkajs', () => testClient(first, kafkajsProfile))
  const others = [
    ['kcat', () => kcatClient(), kcatProfile],
    ['franz-go', () => franzGoClient(), franzGoProfile],
    ['Java client 0.10.0.1', () => javaClient('0.10.0.1'), java010Profile],
    ['Java client 0.11.0.3', () => javaClient('0.11.0.3'), java011Profile],
    ['Java client 1.1.1', () => javaClient('1.1.1'), javaProfile],
    ['Java client 2.6.3', () => javaClient('2.6.3'), javaProfile],
    ['Java client 3.9.2', () => javaClient('3.9.2'), javaProfile],
    ['Java client 4.4.0', () => javaClient('4.4.0'), javaProfile],
  ] as const
  describe.each(others)('%s', (_name, makeClient, profile) => testClient(withLab(makeClient, first), profile))
})
