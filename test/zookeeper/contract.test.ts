import { zooKeeperContract } from './contract.ts'
import { embedded } from './subjects.ts'

zooKeeperContract('the embedded server', embedded)
