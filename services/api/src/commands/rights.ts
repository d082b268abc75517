/** Commands about what people have a right to. */
import type { Command } from './command.ts'
import { legalCommands } from './legal.ts'
import { noticeCommands } from './notices.ts'
import { ownDataCommands } from './own-data.ts'
import { policyCommands } from './policies.ts'
import { privacyCommands } from './privacy-requests.ts'

export const rightsCommands: readonly Command[] = [
  ...ownDataCommands,
  ...privacyCommands,
  ...policyCommands,
  ...noticeCommands,
  ...legalCommands,
]
