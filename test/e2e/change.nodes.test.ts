import { lacks, lacksNodes } from '../support/needs.ts'
import { changeStory } from './change-story.ts'
import { Nodes } from './nodes.ts'

changeStory('real nodes', lacksNodes() || lacks('kubectl', 'helm', 'go', 'kcat'), () => Nodes.start())
