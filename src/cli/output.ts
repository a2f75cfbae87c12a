import type { Call } from './command.ts'
import { type Column, table } from './table.ts'
import type { Io } from './session.ts'

export type Format = 'table' | 'wide' | 'json' | 'yaml' | 'name'
export const formatOf = (call: Call): Format => (call.text('output') ?? 'table') as Format

/** What a listing shows: a table for people, `json` for programs, names for scripts. */
export type Listing<T> = {
  items: readonly T[]
  columns: readonly Column<T>[]
  name: (item: T) => string
  /** What -o json and -o yaml show of one. */
  data: (item: T) => unknown
  /** Said on stderr when there is nothing. */
  nothing: string
}

/** One document of -o json or -o yaml. */
export const printData = async (io: Io, format: 'json' | 'yaml', data: unknown): Promise<void> => {
  if (format === 'json') return io.out(`${JSON.stringify(data, undefined, 2)}\n`)
  const { stringify } = await import('yaml')
  return io.out(stringify(data, { lineWidth: 0, aliasDuplicateObjects: false }))
}

/** Lists are of Kubernetes' kind List, so that kubectl reads them too. */
export const printList = async <T>(io: Io, call: Call, listing: Listing<T>): Promise<void> => {
  const { items, columns, name, data, nothing } = listing
  const format = formatOf(call)
  if (format === 'json' || format === 'yaml') return printData(io, format, { apiVersion: 'v1', kind: 'List', items: items.map(data) })
  if (format === 'name') return io.out(items.map((item) => `${name(item)}\n`).join(''))
  if (items.length === 0) return io.err(`${nothing}\n`)
  return io.out(table(items, columns, { isWide: format === 'wide', noHeaders: call.flag('no-headers') }))
}

/** Without what only servers need. */
export const withoutManagedFields = <T extends { metadata: { managedFields?: unknown } }>(object: T): T => {
  const { managedFields: _servers, ...metadata } = object.metadata
  return { ...object, metadata }
}
