export type Column<T> = { header: string; value: (item: T) => string | number | undefined; /** Only with -o wide. */ isWide?: true }

const GAP = '   '

/** Lines as kubectl prints them: columns as wide as their longest text, three spaces apart, nothing after the last. */
export const lines = (rows: readonly (readonly string[])[], indent = ''): string => {
  const widths: number[] = []
  for (const row of rows) row.forEach((text, index) => (widths[index] = Math.max(widths[index] ?? 0, text.length)))
  return rows
    .map(
      (row) =>
        `${indent}${row.map((text, index) => (index === row.length - 1 ? text : text.padEnd(widths[index]!))).join(GAP)}`.trimEnd() + '\n',
    )
    .join('')
}

/** A missing value is `<none>`, as kubectl has it. */
export const table = <T>(
  items: readonly T[],
  columns: readonly Column<T>[],
  options: { isWide?: boolean; noHeaders?: boolean; indent?: string } = {},
): string => {
  const shown = columns.filter(({ isWide }) => options.isWide || !isWide)
  const body = items.map((item) => shown.map(({ value }) => String(value(item) ?? '<none>')))
  return lines(options.noHeaders ? body : [shown.map(({ header }) => header), ...body], options.indent)
}
