import { lines, type Column, table } from './table.ts'

/** What describe and status print: titled blocks, one below the other. */
export class Sections {
  readonly #blocks: string[] = []
  readonly #colour: (text: string) => string

  constructor(hasColour: boolean) {
    this.#colour = hasColour ? (text) => `\u001B[1m${text}\u001B[0m` : (text) => text
  }

  /** Names and values; those without a value are left out. */
  fields(fields: readonly (readonly [string, string | number | undefined])[]): this {
    const rows = fields.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[`${name}:`, String(value)]]))
    this.#blocks.push(lines(rows))
    return this
  }

  table<T>(title: string, items: readonly T[], columns: readonly Column<T>[], isWide = false): this {
    return items.length === 0 ? this : this.text(title, table(items, columns, { indent: '  ', isWide }))
  }

  text(title: string, text: string): this {
    this.#blocks.push(`${this.#colour(title)}\n${text}`)
    return this
  }

  toString(): string {
    return this.#blocks.join('\n')
  }
}
