/** All commands about how people get accounts and devices, and what they sign in with. */
import type { Command } from './command.ts'
import { joiningAccount } from './joining-account.ts'
import { joiningInvites } from './joining-invites.ts'
import { joiningRegistrations } from './joining-registrations.ts'

export const joiningCommands: readonly Command[] = [
  ...joiningInvites,
  ...joiningRegistrations,
  ...joiningAccount,
]
