import { lacks, lacksNodes } from '../support/needs.ts'
import { Nodes } from './nodes.ts'
import { missing } from './places.ts'
import { clusterSuite } from './suite.ts'

const isSkipped = missing('real nodes', 'quickstart').length > 0 || lacksNodes() || lacks('kubectl', 'helm', 'kcat', 'java', 'maven')
/** With addresses in place of names: the clients are on this machine, outside of the pods. */
clusterSuite('the quickstart on real nodes', isSkipped, () => Nodes.start({ values: ['--set', 'advertise=pod-ip'] }))
