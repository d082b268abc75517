/** Commands of an account's owner about a phone number, where the server confirms them. */
import { Type } from '@sealpost/http'
import { PhoneError } from '../phone/phone-error.ts'
import { showPhone } from '../show-rights.ts'
import { defineCommand, type Command, type CommandContext } from './command.ts'
import { ownAccount } from './own-account.ts'

const stateSchema = Type.Object({
  confirmed_on: Type.Optional(
    Type.String({ format: 'date', description: 'A day in UTC; absent: no number was confirmed' }),
  ),
  pending_until: Type.Optional(
    Type.String({ format: 'date-time', description: 'A code was sent, and is waited for' }),
  ),
})

/** Throws PHONE_OFF. */
function phonesOf({ phones }: CommandContext) {
  if (phones === undefined) throw new PhoneError('PHONE_OFF')
  return phones
}

const show = defineCommand({
  name: 'me.phone',
  summary: 'Show whether you have confirmed a phone number; the number itself is not kept',
  method: 'GET',
  path: '/v1/me/phone',
  access: 'account',
  status: 200,
  response: stateSchema,
  handle: async (context, { actor }) => showPhone(await phonesOf(context).show(ownAccount(actor).id)),
})

const ask = defineCommand({
  name: 'me.ask-phone',
  summary: 'Have a code sent to a phone number',
  method: 'POST',
  path: '/v1/me/phone',
  access: 'account',
  body: Type.Object(
    { number: Type.String({ minLength: 1, maxLength: 40, description: 'E.164, such as +1 418 555 0123' }) },
    { additionalProperties: false },
  ),
  status: 201,
  response: stateSchema,
  requestsPerMinute: 10,
  handle: async (context, { actor, body }) =>
    showPhone(await phonesOf(context).ask(ownAccount(actor).id, body.number)),
})

const confirm = defineCommand({
  name: 'me.confirm-phone',
  summary: 'Confirm the number with the code that was sent there; five tries in ten minutes',
  method: 'POST',
  path: '/v1/me/phone/confirmation',
  access: 'account',
  body: Type.Object(
    { code: Type.String({ minLength: 1, maxLength: 20, description: 'Six digits' }) },
    { additionalProperties: false },
  ),
  status: 200,
  response: stateSchema,
  requestsPerMinute: 30,
  handle: async (context, { actor, body }) =>
    showPhone(await phonesOf(context).confirm(ownAccount(actor).id, body.code.trim())),
})

const remove = defineCommand({
  name: 'me.remove-phone',
  summary: 'Forget the number',
  method: 'DELETE',
  path: '/v1/me/phone',
  access: 'account',
  status: 200,
  response: stateSchema,
  handle: async (context, { actor }) => showPhone(await phonesOf(context).remove(ownAccount(actor).id)),
})

export const phoneCommands: readonly Command[] = [show, ask, confirm, remove]
