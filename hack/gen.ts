// Writes every generated file; with --check only compares, and fails where one is stale.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { apiTypes } from './gen/api-types.ts'
import { cliDocs } from './gen/cli-docs.ts'
import { crdChart } from './gen/crd-chart.ts'
import { dashboards } from './gen/dashboards/index.ts'
import { dynamicKeys } from './gen/dynamic-keys.ts'
import { placesPage } from './gen/places.ts'

const generated = (): Map<string, string> =>
  new Map([...apiTypes(), ...crdChart(), ...dashboards(), ...dynamicKeys(), ...placesPage(), ...cliDocs()])

/** The paths of generated files that are not what their sources say. */
export const staleFiles = (): string[] =>
  [...generated()].filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text).map(([path]) => path)

if (import.meta.main) {
  const stale = staleFiles()
  if (process.argv.includes('--check')) {
    if (stale.length > 0) process.stderr.write(`stale: ${stale.join(', ')}; run npm run gen\n`)
    process.exitCode = stale.length > 0 ? 1 : 0
  } else {
    const texts = generated()
    for (const path of stale) writeFileSync(path, texts.get(path)!)
    process.stdout.write(`${stale.length} of ${texts.size} files written\n`)
  }
}
