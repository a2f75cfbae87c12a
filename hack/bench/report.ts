import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { median } from './process.ts'

export const say = (text: string): void => void process.stderr.write(`${text}\n`)

export const medianOf = <T extends Record<string, number>>(runs: readonly T[]): T =>
  Object.fromEntries(Object.keys(runs[0]!).map((key) => [key, median(runs.map((run) => run[key]!))])) as T

export type Row<F> = [what: string, unit: string, figure: (figures: F) => number, aim?: string]

const digits = (value: number): string =>
  Number.isNaN(value) ? '-' : value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2)

export const tableOf = <F>(rows: readonly Row<F>[], mine: F, theirs: F): string => {
  const lines = rows.map(([what, unit, figure, aim = '']) => {
    const [ours, apache] = [figure(mine), figure(theirs)]
    const ratio = Number.isFinite(ours / apache) ? `${(ours / apache).toFixed(2)}x` : ''
    return `| ${what} | ${unit} | ${digits(ours)} | ${digits(apache)} | ${ratio} | ${aim} |`
  })
  return ['| what | unit | SOFAKafka | Apache Kafka 2.6.3 | ratio | aim |', '|---|---|---:|---:|---:|---|', ...lines].join('\n')
}

const PATH = 'docs/performance.md'

/** Writes the sections that were measured now; the others stay as they were. */
export const writeReport = (sections: ReadonlyMap<string, string>): string => {
  const before = existsSync(PATH) ? readFileSync(PATH, 'utf8') : ''
  const kept = before
    .split(/^## /m)
    .slice(1)
    .map((text): [string, string] => [text.slice(0, text.indexOf('\n')), text.slice(text.indexOf('\n')).trim()])
  const all = new Map([...kept, ...sections])
  const head = `# Performance

Written by \`npm run bench\`: ours and Apache Kafka 2.6.3, one after the other on the same machine in the same run, with Apache's load programs and plain listeners on loopback.
Machine: ${cpus().length} x ${cpus()[0]!.model}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Node ${process.versions.node}. Load programs and brokers share the processors.
`
  const text = `${head}${[...all].map(([title, body]) => `\n## ${title}\n\n${body}\n`).join('')}`
  writeFileSync(PATH, text)
  return text
}
