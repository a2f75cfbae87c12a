import type { Json, KubeObject } from '../json.ts'

/** A column that a kind is shown with, and what stands in it. */
export type ColumnSpec = {
  name: string
  type?: string
  format?: string
  priority?: number
  cell: (object: KubeObject, nowMs: number) => Json
}
