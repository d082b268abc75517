/** Commands that hand out everything that the server holds of an account. */
import { AccountError, type Account } from '@sealpost/accounts'
import { assert } from '@sealpost/errors'
import { Type, type Static } from '@sealpost/http'
import { portableChat } from '../own-data/portable-chat.ts'
import type { GatherOptions } from '../own-data/own-data.ts'
import { addressParams, parseAddress } from './account-schema.ts'
import { defineCommand, type Actor, type Command, type CommandContext } from './command.ts'
import { FileAnswer } from './file-answer.ts'

/** Of one client: each asks all services for everything. */
const EXPORTS_PER_MINUTE = 10

const formatSchema = Type.Optional(
  Type.Union([Type.Literal('json'), Type.Literal('xep-0227')], {
    description: 'All as JSON, or chat alone in the XML that other servers take (XEP-0227)',
  }),
)

const documentSchema = Type.Object(
  {
    schema: Type.String(),
    version: Type.Integer(),
    made_at: Type.String({ format: 'date-time' }),
    account: Type.Unknown(),
    chat: Type.Unknown(),
    keys: Type.Unknown(),
    mail: Type.Unknown(),
    left_out: Type.Array(Type.String(), { description: 'What is not in it, and where it is' }),
  },
  { additionalProperties: true, description: 'docs/administration.md, Rights' },
)

type Format = 'json' | 'xep-0227'

async function exportOf(
  { rights: { ownData } }: CommandContext,
  account: Account,
  format: Format | undefined,
  options: GatherOptions,
): Promise<Static<typeof documentSchema> | FileAnswer> {
  if (format !== 'xep-0227') return (await ownData.gather(account, options)) as Static<typeof documentSchema>
  const text = portableChat(account.jid, await ownData.chat(account, options))
  return new FileAnswer('application/xml; charset=utf-8', 'account.xml', text)
}

/** Whoever runs the host reads the database anyway; administrators may not see who knows whom. */
function seesContacts(actor: Actor): boolean {
  return actor.kind === 'owner'
}

const exportMe = defineCommand({
  name: 'me.export',
  summary: 'Export everything that the server holds of your account',
  method: 'GET',
  path: '/v1/me/export',
  access: 'account',
  document: true,
  requestsPerMinute: EXPORTS_PER_MINUTE,
  query: Type.Object({ format: formatSchema }, { additionalProperties: false }),
  status: 200,
  response: documentSchema,
  handle(context, { actor, query }) {
    assert(actor.kind === 'account')
    return exportOf(context, actor.account, query.format, { contacts: true })
  },
})

const exportAccount = defineCommand({
  name: 'account.export',
  summary:
    'Export everything that the server holds of an account; contacts and private nodes on the host of the server only',
  method: 'POST',
  path: '/v1/accounts/:jid/export',
  claimsKey: true, // a file, and nothing is made
  access: 'privacy:write',
  proof: true,
  params: addressParams,
  query: Type.Object({ format: formatSchema }, { additionalProperties: false }),
  status: 200,
  response: documentSchema,
  async handle(context, { actor, params, query }) {
    const account = await context.accounts.find(parseAddress(params.jid))
    if (account === undefined) throw new AccountError('ACCOUNT_UNKNOWN')
    return exportOf(context, account, query.format, { contacts: seesContacts(actor) })
  },
  lines: [
    {
      noun: 'account',
      verb: 'export',
      print: (result) => JSON.stringify(result, undefined, 2),
    },
  ],
})

export const ownDataCommands: readonly Command[] = [exportMe, exportAccount]
