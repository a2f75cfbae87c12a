import type { Operator } from '../../../src/operator/program.ts'

export type Series = { name: string; labels: Record<string, string>; value: number }

/** Prometheus' text format as a list. */
export const seriesOf = (text: string): Series[] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line)!
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key, text])
      return { name: name!, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) }
    })

export const scrapeText = async (operator: Operator): Promise<string> =>
  (await fetch(`http://127.0.0.1:${operator.httpPort}/metrics`)).text()
export const scrape = async (operator: Operator): Promise<Series[]> => seriesOf(await scrapeText(operator))

/** The sum of the series of that name whose labels have these values. */
export const valueOf = (series: readonly Series[], name: string, labels: Record<string, string> = {}): number => {
  const found = series.filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
  if (found.length === 0) throw new Error(`no series ${name} ${JSON.stringify(labels)}`)
  return found.reduce((sum, { value }) => sum + value, 0)
}
