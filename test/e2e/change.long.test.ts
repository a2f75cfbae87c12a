import { lacks } from '../support/needs.ts'
import { changeStory } from './change-story.ts'
import { LocalMode } from './substrate.ts'

changeStory('local mode', lacks('kubectl', 'go', 'kcat'), () => LocalMode.start())
