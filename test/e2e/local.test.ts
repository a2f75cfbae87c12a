import { lacks } from '../support/needs.ts'
import { LocalMode } from './substrate.ts'
import { clusterSuite } from './suite.ts'

clusterSuite('the quickstart in the local mode', lacks('kubectl', 'kcat', 'java', 'maven'), () => LocalMode.start())
