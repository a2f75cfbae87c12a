import { makeLeaderElections } from './leader-elections.ts'
import { makeReassignments } from './reassignments.ts'
import type { MakeTermPart } from './term-part.ts'

/** The parts of the administration that every term has. */
export const ADMINISTRATION: readonly MakeTermPart[] = [makeReassignments, makeLeaderElections]
