import type { Command } from '../command.ts'
import { CLUSTER_COMMANDS } from './cluster.ts'
import { KAFKA_COMMANDS } from './kafka.ts'
import { RESOURCE_COMMANDS } from './resources.ts'

/** Every command, in the order of the help. To add one, add a line. */
export const COMMANDS: readonly Command[] = [CLUSTER_COMMANDS[0]!, ...RESOURCE_COMMANDS, ...KAFKA_COMMANDS, ...CLUSTER_COMMANDS.slice(1)]
