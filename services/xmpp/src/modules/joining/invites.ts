/**
 * How accounts bring others along: XEP-0401 makes links, XEP-0379 lets whoever has one become a contact without being asked. Links are for one person and for a week. The
 * tokens are the server's, so an invitation is kept while its owner is away; tokens that clients make reach the owner's clients as ever (XEP-0379 §4.1).
 */
import { AccountError, type AccountsDomain, OrganisationError } from '@sealpost/accounts'
import type { CommandValues } from '@sealpost/ports'
import { Budgets } from '@sealpost/runtime'
import { type Element, element, NS_DATA, NS_PARS, StanzaError } from '@sealpost/stanza'
import {
  type AccountRef,
  defineModule,
  type Module,
  type ModuleHost,
  type Session,
} from '../../core/module.ts'
import { hashInvite } from './invite-hash.ts'
import type { ContactInviteStore } from './store.ts'

/** XEP-0401 §3 */
const NODE = { invite: 'urn:xmpp:invite#invite', createAccount: 'urn:xmpp:invite#create-account' } as const
const FORM_TYPE = 'urn:xmpp:invite#invitation'
const TOKEN_BYTES = 32
const INVITE_MS = 7 * 86_400_000
/** Open ones of one account. */
const INVITES_MAX = 20
/** Invites to make an account that one account makes: twenty a week. */
const ACCOUNT_INVITES_RATE = { burst: INVITES_MAX, perSecond: INVITES_MAX / (INVITE_MS / 1000) }
const INVITERS_MAX = 10_000

declare module '../../core/module.ts' {
  interface Hooks {
    /** An account was made with this token. */
    'account/joined'(event: { readonly account: AccountRef; readonly token: string }): undefined
  }
}

/** Who may make an account in-band: nobody, whoever has an invite of an administrator, or of an account as well. */
export type Registration = 'off' | 'invite' | 'accounts'

export interface InvitesOptions {
  readonly accounts: Pick<AccountsDomain, 'accountInvites' | 'findById'>
  readonly contactInvites: ContactInviteStore
  readonly registration: Registration
  readonly contacts: { readonly publicOrigin: () => string }
}

const refuse = {
  tooMany: () => new StanzaError('wait', 'resource-constraint', 'You have too many open invites'),
  name: () => new StanzaError('modify', 'not-acceptable', 'Nobody can have this name'),
  taken: () => new StanzaError('cancel', 'conflict', 'Somebody has this name'),
  notNow: () => new StanzaError('wait', 'resource-constraint', 'Nobody can be invited at the moment'),
} as const

export function invites(options: InvitesOptions): Module {
  return defineModule({
    name: 'invites',
    implements: ['XEP-0379 0.3.3', 'XEP-0401 0.6.0'],
    depends: ['ad-hoc', 'presence'],
    setup(host) {
      const desk = new InviteDesk(host, options)
      const mayBring = () => options.registration === 'accounts'
      const adHoc = host.need('adHoc')
      adHoc.add({
        node: NODE.invite,
        title: 'Invite a contact',
        fields: [],
        isOffered: () => true,
        run: (session) => desk.invite(session, mayBring()),
      })
      adHoc.add({
        node: NODE.createAccount,
        title: 'Invite somebody to make an account',
        fields: [
          { name: 'username', kind: 'text', required: false, label: 'Name of the account', options: [] },
          {
            name: 'roster-subscription',
            kind: 'flag',
            required: false,
            label: 'Become contacts',
            options: [],
          },
        ],
        isOffered: mayBring,
        run: (session, values) => desk.createAccount(session, values),
      })
      host.hook('presence/requested', ({ owner, stanza }) => desk.redeem(owner, stanza))
      host.hook('account/joined', ({ account, token }) => desk.welcome(account, token))
      host.hook('account/erase', async ({ accountId }) => {
        await options.contactInvites.erase(accountId)
        return undefined
      })
    },
  })
}

class InviteDesk {
  readonly #host: ModuleHost
  readonly #options: InvitesOptions
  readonly #budgets: Budgets

  constructor(host: ModuleHost, options: InvitesOptions) {
    this.#host = host
    this.#options = options
    this.#budgets = new Budgets(ACCOUNT_INVITES_RATE, INVITERS_MAX, host.clock)
    host.use(this.#budgets)
  }

  /** XEP-0401 §5.1; `ibr`: whoever comes may make an account as well. */
  async invite({ account }: Session, ibr: boolean): Promise<Element> {
    if (ibr) this.#charge(account)
    const { token, expiresAt } = this.#newToken()
    await this.#insert(account, token, expiresAt)
    if (ibr) await this.#letRegister(account, { token, expiresAt, localpart: undefined })
    const address = account.jid.toString()
    const uri = `xmpp:${uriAddress(address)}?roster;preauth=${token}${ibr ? ';ibr=y' : ''}`
    return this.#invitation(uri, `/contact/${encodeURIComponent(address)}/${token}`, expiresAt)
  }

  /** XEP-0401 §5.4 */
  async createAccount({ account }: Session, values: CommandValues): Promise<Element> {
    this.#charge(account)
    const { token, expiresAt } = this.#newToken()
    const localpart = values['username']?.[0]?.trim() || undefined
    const becomeContacts = ['1', 'true'].includes(values['roster-subscription']?.[0] ?? '')
    if (becomeContacts) await this.#insert(account, token, expiresAt)
    await this.#letRegister(account, { token, expiresAt, localpart })
    const { domain } = account.jid
    const address = localpart === undefined ? domain : uriAddress(`${localpart}@${domain}`)
    return this.#invitation(`xmpp:${address}?register;preauth=${token}`, `/enrol/${token}`, expiresAt)
  }

  /** XEP-0379 §3.4: whether the token in a request is one of this account; it is used then. One that is not is as none (§4.1). */
  async redeem(owner: AccountRef, stanza: Element): Promise<true | undefined> {
    const token = stanza.child('preauth', NS_PARS)?.attrs['token']
    if (token === undefined) return undefined
    const { contactInvites } = this.#options
    const hash = hashInvite(token)
    const now = this.#host.clock.now()
    if ((await contactInvites.find(hash, now)) !== owner.id) return undefined
    return (await contactInvites.take(hash, now)) || undefined
  }

  /** XEP-0401 §5.5: the new account and whoever invited it are contacts. */
  async welcome(account: AccountRef, token: string): Promise<undefined> {
    const { contactInvites, accounts } = this.#options
    const hash = hashInvite(token)
    const now = this.#host.clock.now()
    const inviterId = await contactInvites.find(hash, now)
    const inviter = inviterId === undefined ? undefined : await accounts.findById(inviterId)
    if (inviter?.state !== 'active' || !(await contactInvites.take(hash, now))) return
    try {
      await this.#host.need('presence').befriend(inviter, account)
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error // a roster is full: they can ask each other
    }
  }

  #charge({ id }: AccountRef): void {
    if (!this.#budgets.take(id)) throw refuse.tooMany()
  }

  #newToken(): { readonly token: string; readonly expiresAt: number } {
    const { random, clock } = this.#host
    const seconds = Math.floor((clock.now() + INVITE_MS) / 1000)
    return { token: random.token(TOKEN_BYTES), expiresAt: seconds * 1000 }
  }

  async #insert({ id: accountId }: AccountRef, token: string, expiresAt: number): Promise<void> {
    const invite = { tokenHash: hashInvite(token), accountId, expiresAt }
    if (!(await this.#options.contactInvites.insert(invite, INVITES_MAX, this.#host.clock.now())))
      throw refuse.tooMany()
  }

  /** An invite to make one account, where the inviter's own is: in its domain and its organisation. Without it the token is worth nothing else. */
  async #letRegister(
    { id, jid }: AccountRef,
    { token, expiresAt, localpart }: { token: string; expiresAt: number; localpart: string | undefined },
  ): Promise<void> {
    const { accounts, contactInvites } = this.#options
    const organisationId = (await accounts.findById(id))?.organisationId
    const wanted = { id: this.#host.random.uuid(), domain: jid.domain, localpart, organisationId, expiresAt }
    try {
      await accounts.accountInvites.create({ ...wanted, plan: undefined, uses: 1 }, token)
    } catch (error) {
      this.#budgets.giveBack(id)
      await contactInvites.take(hashInvite(token), this.#host.clock.now())
      throw refusalOf(error)
    }
  }

  /** XEP-0401 §5.1 */
  #invitation(uri: string, path: string, expiresAt: number): Element {
    const fields: [string, string, string][] = [
      ['FORM_TYPE', 'hidden', FORM_TYPE],
      ['uri', 'text-single', uri],
      ['landing-url', 'text-single', this.#options.contacts.publicOrigin() + path],
      ['expire', 'text-single', new Date(expiresAt).toISOString().replace('.000Z', 'Z')], // XEP-0082 §3.2
    ]
    return element(
      'x',
      NS_DATA,
      { type: 'result' },
      ...fields.map(([name, type, value]) =>
        element('field', NS_DATA, { var: name, type }, element('value', NS_DATA, {}, value)),
      ),
    )
  }
}

function refusalOf(error: unknown): unknown {
  if (error instanceof OrganisationError) return refuse.notNow()
  if (!(error instanceof AccountError)) return error
  if (error.code === 'ACCOUNT_EXISTS') return refuse.taken()
  return error.code === 'INVITE_LIMIT' ? refuse.notNow() : refuse.name()
}

/** RFC 5122 §2.2 */
function uriAddress(address: string): string {
  return encodeURIComponent(address).replaceAll('%40', '@')
}
