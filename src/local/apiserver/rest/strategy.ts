import type { KubeObject } from '../json.ts'
import type { FieldError } from '../status.ts'
import type { Store } from '../store/store.ts'

/** What a kind does beyond the common rules. Every function works on an object that nobody else sees yet. */
export interface Strategy {
  /** metadata.generation counts changes of everything but metadata and status. */
  hasGeneration?: boolean
  /** Top-level fields that a write of the main resource leaves as they are; 'status' where there is a status subresource. */
  reset: readonly string[]
  /** A write without resourceVersion is taken; else it is refused. */
  allowsUnconditionalUpdate?: boolean
  /** A PUT makes what is absent. */
  createsOnUpdate?: boolean
  /** A DELETE answers with the object, not with a Status. */
  returnsDeleted?: boolean
  defaults?(object: KubeObject): void
  prepareCreate?(object: KubeObject, context: CreateContext): void
  /** What the admission of a real server adds to a new object; nobody owns these fields. */
  admit?(object: KubeObject, context: CreateContext): void
  prepareUpdate?(object: KubeObject, old: KubeObject): void
  validate?(object: KubeObject, old: KubeObject | undefined): FieldError[]
}
export type CreateContext = { store: Store; allocateAddress: (asked: string) => string; random: (length: number) => string; now: string }
