/** For commands of access `account`, which nobody else can have sent. */
import type { Account } from '@sealpost/accounts'
import { assert } from '@sealpost/errors'
import type { Actor } from './command.ts'

export function ownAccount(actor: Actor): Account {
  assert(actor.kind === 'account')
  return actor.account
}
