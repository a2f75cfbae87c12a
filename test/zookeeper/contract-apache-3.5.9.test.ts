import { describe } from 'vitest'
import { lacks } from '../support/needs.ts'
import { zooKeeperContract } from './contract.ts'
import { apache } from './subjects.ts'

describe.skipIf(lacks('java', 'maven'))('Apache', () => {
  zooKeeperContract('Apache ZooKeeper 3.5.9', () => apache('zookeeper-3.5.9'))
})
