/** Commands about administrators, their sessions and their proofs. */
import { administratorCommands } from './administrators.ts'
import { approvalCommands } from './approvals.ts'
import type { Command } from './command.ts'
import { ownSecurityCommands } from './own-security.ts'
import { sessionCommands } from './session.ts'

export const accessCommands: readonly Command[] = [
  ...administratorCommands,
  ...approvalCommands,
  ...sessionCommands,
  ...ownSecurityCommands,
]
