import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'

const FILE = join('docs', 'compatibility.md')
const HEAD = [
  '# Clients that were tried',
  '',
  'What clients that we did not write do with a SOFAKafka broker. The tests in test/interop/clients find this out and compare it with this page at every run;',
  '`WRITE_COMPATIBILITY=1` makes them write their sections of it. Quoted text is what the client itself says.',
  'kcat is that of Debian 12: 1.7.1 with librdkafka 2.0.2. Against Apache Kafka 2.6.3 the same tests pass with the same words (`npm run test:long`).',
  '',
  'Java clients from 3.0 on and franz-go are idempotent by default, and need no setting for this broker. Where ACLs are in force, such a client needs IdempotentWrite on the',
  'cluster, as with Apache Kafka 2.6, or `enable.idempotence=false` (`kgo.DisableIdempotentWrite()`). Transactions are not served: leave `transactional.id` out.',
].join('\n')

/** Ports, times and durations differ from run to run. */
const steady = (text: string): string =>
  text
    .replaceAll(/127\.0\.0\.1:\d+/g, 'HOST:PORT')
    .replaceAll(/\(after \d+ms in state ([A-Z_]+)[^)]*\)/g, '(in state $1)')
    .replaceAll('|', '\\|')

/** One client's section of docs/compatibility.md: what was found out in this run, compared with what the page says. */
export class Section {
  readonly #title: string
  readonly #rows: { what: string; outcome: string }[] = []

  constructor(title: string) {
    this.#title = title
  }

  row(what: string, outcome: string): void {
    this.#rows.push({ what, outcome })
  }

  /** A row whose outcome is a client's own words. */
  quote(what: string, words: string, comment = ''): void {
    this.row(what, `\`${steady(words)}\`${comment}`)
  }

  get #text(): string {
    return [
      `## ${this.#title}`,
      '',
      '| what | outcome |',
      '|---|---|',
      ...this.#rows.map(({ what, outcome }) => `| ${what} | ${outcome} |`),
    ].join('\n')
  }

  /** The page's sections, by title. */
  #page(): Map<string, string> {
    const text = existsSync(FILE) ? readFileSync(FILE, 'utf8') : ''
    const sections = text.split(/^(?=## )/m).filter((part) => part.startsWith('## '))
    return new Map(sections.map((section) => [/^## (.*)/.exec(section)![1]!, section.trim()]))
  }

  /** Fails where the page says something else; writes it instead where WRITE_COMPATIBILITY is set. */
  check(): void {
    const page = this.#page()
    if (process.env['WRITE_COMPATIBILITY']) {
      page.set(this.#title, this.#text)
      const sorted = [...page].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })).map(([, section]) => section)
      writeFileSync(FILE, `${[HEAD, ...sorted].join('\n\n')}\n`)
    }
    expect(this.#page().get(this.#title)).toBe(this.#text)
  }
}
