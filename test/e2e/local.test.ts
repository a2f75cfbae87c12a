import { lacks } from '../support/needs.ts'
import { LocalMode } from './substrate.ts'
import { clusterSuite } from './suite.ts'

if (!lacks('kubectl', 'kcat', 'java', 'maven')) clusterSuite('the quickstart in the local mode', () => LocalMode.start())
