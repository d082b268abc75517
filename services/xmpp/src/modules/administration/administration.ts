/**
 * XEP-0133 Service Administration, by the registry of commands that REST and ctl have. Administrators are no accounts: the operator names the accounts that find these commands, and
 * each command asks for an API key, whose scopes decide and whose name stands in the audit log (docs/decisions/0053-administration-by-chat.md).
 * Left out: passwords and contacts of others, which nobody may know; lists of who is here; what ctl, pages and configuration do.
 */
import type { Guesses } from '@sealpost/accounts'
import type { AccountCommands, CommandField, KeyedOutcome } from '@sealpost/ports'
import { Budgets } from '@sealpost/runtime'
import { NS_ADMIN } from '@sealpost/stanza'
import { defineModule, type Module, type ModuleHost, type Session } from '../../core/module.ts'
import { administrationCommands, type Ask } from './commands.ts'
import { refusalOf, refuse } from './refusals.ts'

/** Commands of the registry that one account has carried out. */
const RATE = { burst: 60, perSecond: 0.5 }
const ADMINISTRATORS_MAX = 1_000
const KEY_CHARS_MAX = 256
const KEY = 'api-key'

const key: CommandField = { name: KEY, kind: 'secret', required: true, label: 'API key', options: [] }

/** What is said to administrators of what is not here, so that they need not wonder. */
const NEVER = ['get-user-password', 'get-user-roster']
const UNSUPPORTED = [
  'change-user-password',
  'get-user-lastlogin',
  'edit-blacklist',
  'add-to-blacklist-in',
  'add-to-blacklist-out',
  'edit-whitelist',
  'add-to-whitelist',
  'add-to-whitelist-in',
  'add-to-whitelist-out',
  'get-active-users-num',
  'get-idle-users-num',
  'get-registered-users-list',
  'get-disabled-users-list',
  'get-online-users-list',
  'get-online-users',
  'get-active-users',
  'get-idle-users',
  'announce',
  'set-motd',
  'edit-motd',
  'delete-motd',
  'set-welcome',
  'delete-welcome',
  'edit-admin',
  'restart',
  'shutdown',
]

export interface AdministrationOptions {
  /** Bare addresses of the accounts that find the commands. */
  readonly administrators: readonly string[]
  readonly commands: Pick<AccountCommands, 'administer'>
  readonly guesses: Guesses
}

export function administration(options: AdministrationOptions): Module {
  return defineModule({
    name: 'administration',
    implements: ['XEP-0133 1.3.1'],
    depends: ['ad-hoc'],
    setup(host) {
      const { administrators } = options
      if (administrators.length === 0) return
      const adHoc = host.need('adHoc')
      const desk = new Desk(host, options)
      const isOffered = ({ account }: Session) => administrators.includes(account.jid.toString())
      for (const command of administrationCommands)
        adHoc.add({
          node: `${NS_ADMIN}#${command.name}`,
          title: command.title,
          formType: NS_ADMIN,
          fields: [...command.fields, key],
          isOffered,
          run: (session, values) => {
            const [shown = ''] = values[KEY] ?? []
            return command.run(desk.with(session, shown.trim()), values)
          },
        })
      const refuseAll = (names: readonly string[], refusal: () => Error) => {
        for (const name of names)
          adHoc.add({
            node: `${NS_ADMIN}#${name}`,
            title: '',
            fields: [],
            isListed: false,
            isOffered,
            run: () => Promise.reject(refusal()),
          })
      }
      refuseAll(NEVER, refuse.never)
      refuseAll(UNSUPPORTED, refuse.unsupported)
    },
  })
}

/** Brings commands to the registry, as often as one may. */
class Desk {
  readonly #options: AdministrationOptions
  readonly #budgets: Budgets

  constructor(host: ModuleHost, options: AdministrationOptions) {
    this.#options = options
    this.#budgets = new Budgets(RATE, ADMINISTRATORS_MAX, host.clock)
    host.use(this.#budgets)
  }

  with(session: Session, shown: string): Ask {
    return async (name, asked = {}) => {
      if (shown === '' || shown.length > KEY_CHARS_MAX) throw refuse.incomplete()
      if (!this.#budgets.take(session.account.id)) throw refuse.tooMuch()
      const outcome = await this.#administer(session, shown, { name, ...asked })
      if (outcome.result === 'done') return outcome.answer
      throw refusalOf(outcome.status, outcome.text)
    }
  }

  /** An attempt counts as a wrong key unless the registry knows the key. */
  async #administer(
    { account, stream }: Session,
    shown: string,
    asked: Parameters<Ask>[1] & { readonly name: string },
  ): Promise<KeyedOutcome> {
    const { guesses, commands } = this.#options
    const attempt = { name: `administration ${account.id}`, client: stream?.client, secret: 'token' } as const
    const guess = guesses.begin(attempt)
    if (guess === undefined) throw refuse.tooManyKeys()
    const outcome = await commands.administer({ key: shown, ...asked }).catch(() => undefined)
    if (outcome?.result !== 'refused' || outcome.status !== 401) guess.forgive()
    if (outcome === undefined) throw refuse.away()
    return outcome
  }
}
