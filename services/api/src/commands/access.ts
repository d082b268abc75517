/** Commands about administrators, their sessions and their proofs. */
import { administratorCommands } from './administrators.ts'
import type { Command } from './command.ts'
import { sessionCommands } from './session.ts'

export const accessCommands: readonly Command[] = [...administratorCommands, ...sessionCommands]
