import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { SLOWEST } from './slowest.ts'

/**
 * The slowest files first, so that no worker has a long one left when the others have nothing more to do. Vitest knows durations from its cache, and a fresh
 * clone has none: there it goes by the size of files, and the longest story may have ten lines. The others come as vitest orders them.
 */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = SLOWEST.indexOf(relative(this.ctx.config.root, moduleId))
      return index < 0 ? SLOWEST.length : index
    }
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}
