import { lacksKubeLab } from '../support/control-plane.ts'
import { lacks } from '../support/needs.ts'
import { ControlPlane } from './control-plane.ts'
import { clusterSuite } from './suite.ts'

const isSkipped = lacksKubeLab() || lacks('kubectl', 'kcat', 'java', 'maven')
clusterSuite('the quickstart on a real control plane', isSkipped, () => ControlPlane.start())
