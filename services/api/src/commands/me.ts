/** What the owner of an account may ask, signed in with HTTP Basic (RFC 7617) over TLS. */
import { assert } from '@sealpost/errors'
import { accountSchema, showAccount } from './account-schema.ts'
import { defineCommand } from './command.ts'

export const showMe = defineCommand({
  name: 'me.show',
  summary: 'Show your own account',
  method: 'GET',
  path: '/v1/me',
  access: 'account',
  byProgram: true,
  status: 200,
  response: accountSchema,
  async handle(_context, { actor }) {
    assert(actor.kind === 'account')
    return showAccount(actor.account)
  },
})
