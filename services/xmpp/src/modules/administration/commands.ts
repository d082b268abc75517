/** The commands of XEP-0133 that have a meaning here: their forms, which commands of the registry they are, and what is answered. */
import type { CommandField, CommandValues } from '@sealpost/ports'
import { type Element, element, NS_ADMIN, NS_COMMANDS, NS_DATA, StanzaError } from '@sealpost/stanza'
import { refuse } from './refusals.ts'

/** Accounts of one form. */
const ACCOUNTS_MAX = 20

/** A command of the registry; its answer as REST has it. Throws StanzaError when it is refused. */
export type Ask = (
  name: string,
  asked?: {
    readonly params?: Readonly<Record<string, string>>
    readonly body?: Readonly<Record<string, unknown>>
  },
) => Promise<unknown>

export interface AdministrationCommand {
  /** Behind the number sign of its node. */
  readonly name: string
  readonly title: string
  readonly fields: readonly CommandField[]
  run(ask: Ask, values: CommandValues): Promise<Element>
}

const account: CommandField = {
  name: 'accountjid',
  kind: 'address',
  required: true,
  label: 'The account',
  options: [],
}
const accounts: CommandField = {
  name: 'accountjids',
  kind: 'addresses',
  required: true,
  label: 'The accounts',
  options: [],
}

export const administrationCommands: readonly AdministrationCommand[] = [
  {
    name: 'add-user', // XEP-0133 §4.1: nobody but its owner chooses the password
    title: 'Add a user, who chooses a password by a link',
    fields: [account],
    async run(ask, values) {
      const jid = readOne(values)
      const made = fieldsOf(await ask('account.create', { body: { jid } }))
      const link = fieldsOf(made['enrolment'])
      return result([
        ['accountjid', made['jid']],
        ['enrolment', link['url']],
        ['expires', link['expires_at']],
      ])
    },
  },
  forEach('delete-user', 'Delete users for ever, with all their data', 'account.terminate'), // XEP-0133 §4.2
  forEach('disable-user', 'Disable users', 'account.suspend'), // XEP-0133 §4.3
  forEach('reenable-user', 'Re-enable users', 'account.restore'), // XEP-0133 §4.4
  forEach('end-user-session', 'End all sessions of users', 'account.sign-out'), // XEP-0133 §4.5
  {
    name: 'user-stats', // XEP-0133 §4.10: neither addresses, nor contacts, nor resources
    title: 'Get statistics of a user',
    fields: [account],
    async run(ask, values) {
      const params = { jid: readOne(values) }
      const shown = fieldsOf(await ask('account.show', { params }))
      const queues = itemsOf(await ask('queue.show', { params }))
      return result([
        ['accountjid', shown['jid']],
        ['state', shown['state']],
        ['created', shown['created_on']],
        ['lastlogin', shown['last_used_on']],
        ['waiting', queues.reduce((sum, { messages }) => sum + Number(messages), 0)],
      ])
    },
  },
  count('get-registered-users-num', 'Get the number of registered users', 'registeredusersnum', [
    'accounts.active',
    'accounts.suspended',
  ]), // XEP-0133 §4.13
  count('get-disabled-users-num', 'Get the number of disabled users', 'disabledusersnum', [
    'accounts.suspended',
  ]), // XEP-0133 §4.14
  count('get-online-users-num', 'Get the number of online sessions', 'onlineusersnum', ['chat.online']), // XEP-0133 §4.15
]

/** One after the other; what is done before one is refused stays done, and is told. */
function forEach(name: string, title: string, command: string): AdministrationCommand {
  return {
    name,
    title,
    fields: [accounts],
    async run(ask, values) {
      const jids = values[accounts.name]?.map((jid) => jid.trim()).filter((jid) => jid !== '') ?? []
      if (jids.length === 0) throw refuse.incomplete()
      if (jids.length > ACCOUNTS_MAX) throw refuse.tooManyAccounts()
      for (const [done, jid] of jids.entries()) {
        try {
          await ask(command, { params: { jid }, body: {} })
        } catch (error) {
          if (done === 0 || !(error instanceof StanzaError)) throw error
          const why = error.text ?? error.condition
          return note('error', `Done for the first ${String(done)} of ${String(jids.length)}: ${why}`)
        }
      }
      return note('info', `Done for ${String(jids.length)}`)
    },
  }
}

function count(name: string, title: string, field: string, levels: readonly string[]): AdministrationCommand {
  return {
    name,
    title,
    fields: [],
    async run(ask) {
      const figures = itemsOf(await ask('statistics.overview'))
      const found = levels.map((level) => figures.find((figure) => figure['name'] === level)?.['now'])
      if (found.some((value) => typeof value !== 'number')) throw refuse.notCounted()
      return result([[field, found.reduce<number>((sum, value) => sum + Number(value), 0)]])
    },
  }
}

function readOne(values: CommandValues): string {
  const [jid = '', ...others] = values[account.name] ?? []
  if (jid.trim() === '' || others.length > 0) throw refuse.incomplete()
  return jid.trim()
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(answer: unknown): Fields {
  return typeof answer === 'object' && answer !== null ? (answer as Fields) : {}
}

function itemsOf(answer: unknown): readonly Fields[] {
  const { items } = fieldsOf(answer)
  return Array.isArray(items) ? items.map(fieldsOf) : []
}

/** XEP-0050 §2.4.1 */
function note(type: 'info' | 'error', text: string): Element {
  return element('note', NS_COMMANDS, { type }, text)
}

/** Fields that nobody knows are left out. */
function result(fields: readonly (readonly [name: string, value: unknown])[]): Element {
  const known = fields.filter(([, value]) => typeof value === 'string' || typeof value === 'number')
  const shown = [['FORM_TYPE', NS_ADMIN] as const, ...known].map(([name, value]) =>
    element(
      'field',
      NS_DATA,
      { var: name, type: name === 'FORM_TYPE' ? 'hidden' : 'text-single' },
      element('value', NS_DATA, {}, String(value)),
    ),
  )
  return element('x', NS_DATA, { type: 'result' }, ...shown)
}
