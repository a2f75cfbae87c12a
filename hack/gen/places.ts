// The section of docs/local-mode.md that tells what the local mode lacks, from what the end-to-end files need (test/e2e/places.ts).
import { readFileSync } from 'node:fs'
import { FEATURES, type Feature, missing, PLACES, type PlaceName, STORIES, type StoryName } from '../../test/e2e/places.ts'

const PAGE = 'docs/local-mode.md'
const BEGIN = '<!-- made by npm run gen from test/e2e/places.ts -->'
const END = '<!-- end of what npm run gen made -->'

const places = Object.keys(PLACES) as PlaceName[]
const has = (place: PlaceName, feature: Feature): boolean => (PLACES[place] as readonly Feature[]).includes(feature)

const table = (): string => {
  const rows = (Object.entries(FEATURES) as [Feature, string][]).map(
    ([feature, text]) => `| ${text} | ${places.map((place) => (has(place, feature) ? 'yes' : 'no')).join(' | ')} |`,
  )
  return [`| what there is | ${places.join(' | ')} |`, `|---|${places.map(() => '---|').join('')}`, ...rows].join('\n')
}

const elsewhere = (): string => {
  const lacking = (Object.keys(STORIES) as StoryName[]).filter((story) => missing('local mode', story).length > 0)
  return `The end-to-end stories that the local mode cannot run for lack of these: ${lacking.join(', ')}.`
}

export const placesPage = (): [path: string, text: string][] => {
  const text = readFileSync(PAGE, 'utf8')
  const [before, rest] = text.split(BEGIN)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error(`${PAGE} must hold the lines ${BEGIN} and ${END}`)
  return [[PAGE, `${before}${BEGIN}\n${table()}\n\n${elsewhere()}\n${END}${after}`]]
}
