/**
 * Mailing lists of accounts, as far as consent goes: who was asked, who confirmed by a link that only its mailbox got, and who left. The members themselves are known to
 * the account; here is the record without which no mail of the list reaches them (docs/decisions/0021).
 */
import { createHash } from 'node:crypto'
import type { Account, Accounts } from '@sealpost/accounts'
import { type EmailAddress, formatAddress, parseAddress } from '@sealpost/mail'
import { Blinding, type BudgetRate, Budgets, type Clock, type Random } from '@sealpost/runtime'
import type { SmtpEvents } from '../events.ts'
import type { OwnMail } from '../own-mail.ts'
import { confirmLetter } from './list-letter.ts'
import type { ListRow, ListStore, MemberCounts } from './list-store.ts'
import { ListsError } from './lists-error.ts'
import type { MemberHashes } from './member-hashes.ts'

export type MemberState = 'asked' | 'confirmed' | 'left'

export interface Member {
  readonly state: MemberState
  /** Days in UTC. */
  readonly confirmedOn: string | undefined
  readonly leftOn: string | undefined
}

/** What a page tells of a list. */
export interface ShownList {
  readonly listId: string
  /** Address of the account; undefined: it is gone. */
  readonly owner: string | undefined
}

export interface ListsOptions {
  readonly store: ListStore
  readonly hashes: MemberHashes
  readonly accounts: Pick<Accounts, 'findById'>
  readonly mail: OwnMail
  /** Where the links lead. */
  readonly origin: () => string
  /** How many addresses an account may ask in a day. */
  readonly asksPerDay: (accountId: string) => Promise<number>
  readonly clock: Clock
  readonly random: Random
  readonly events: Pick<SmtpEvents, 'listMember'>
}

const LISTS_MAX = 20
const DAY_MS = 86_400_000
/** How long somebody has to confirm. */
const LINK_MS = 7 * DAY_MS
/** Mails that ask one address, of all accounts together. */
const PER_ADDRESS: BudgetRate = { burst: 3, perSecond: 3 / 86_400 }
/** Accounts and addresses remembered for these limits. */
const REMEMBERED_MAX = 20_000
const TOKEN_BYTES = 32
const TOKEN = /^[\w-]{43}$/
/** RFC 2919 §2: a dot-atom of at least two labels; in lower case here, since it is compared without case (§6). */
const LIST_ID = /^(?=.{3,128}$)[a-z0-9](?:[\w-]*[a-z0-9])?(?:\.[a-z0-9](?:[\w-]*[a-z0-9])?)+$/

/** The canonical form. Throws LIST_NAME_MALFORMED. */
export function parseListId(text: string): string {
  const name = text.toLowerCase()
  if (!LIST_ID.test(name)) throw new ListsError('LIST_NAME_MALFORMED')
  return name
}

/** Throws ListsError for what is refused, DbError, and QueueError when a mail cannot be sent now. */
export class Lists implements Disposable {
  readonly #options: ListsOptions
  readonly #stack = new DisposableStack()
  readonly #blinding: Blinding
  readonly #addresses: Budgets
  /** How many each account has asked today. */
  readonly #asked = new Map<string, number>()

  constructor(options: ListsOptions) {
    const { clock, random, store } = options
    this.#options = options
    this.#addresses = this.#stack.use(new Budgets(PER_ADDRESS, REMEMBERED_MAX, clock))
    this.#blinding = this.#stack.use(new Blinding(clock, random, () => this.#addresses.clear()))
    this.#stack.use(clock.every(DAY_MS, () => this.#asked.clear()))
    this.#stack.use(clock.every(DAY_MS, () => store.collect(clock.now())))
  }

  async list(accountId: string): Promise<readonly (MemberCounts & { readonly listId: string })[]> {
    return await this.#options.store.list(accountId)
  }

  /** Repeating it changes nothing. */
  async create(accountId: string, name: string): Promise<string> {
    const { store, random } = this.#options
    const listId = parseListId(name)
    if (!(await store.create({ id: random.uuid(), accountId, listId }, LISTS_MAX)))
      throw new ListsError('LISTS_TOO_MANY')
    return listId
  }

  async remove(accountId: string, name: string): Promise<void> {
    if (!(await this.#options.store.remove(accountId, name.toLowerCase())))
      throw new ListsError('LIST_UNKNOWN')
  }

  /** Sends the mail that asks. An address that was asked before gets a new link; the old one ends. */
  async ask(account: Account, name: string, address: string): Promise<void> {
    const { store, hashes, random, clock, mail, origin, events } = this.#options
    const list = await this.#find(account.id, name)
    const recipient = parseRecipient(address)
    const hash = hashes.of(list.id, recipient)
    const before = await store.member(list.id, hash)
    if (before !== undefined) refuse(before)
    await this.#limit(account.id, recipient)
    const token = random.token(TOKEN_BYTES)
    if (!(await store.ask(list.id, hash, hashOf(token), clock.now() + LINK_MS)))
      throw new ListsError('MEMBER_CONFIRMED')
    const link = `${origin()}/lists/confirm/${token}`
    try {
      await mail.send(recipient, confirmLetter(account.jid.toString(), list.listId, link))
    } catch (error) {
      await store.forget(list.id, hash)
      throw error
    }
    events.listMember('asked')
  }

  async member(accountId: string, name: string, address: string): Promise<Member> {
    const { store, hashes } = this.#options
    const list = await this.#find(accountId, name)
    const found = await store.member(list.id, hashes.of(list.id, parseRecipient(address)))
    if (found === undefined) throw new ListsError('MEMBER_UNKNOWN')
    const { confirmedOn, leftOn } = found
    const state = leftOn === undefined ? (confirmedOn === undefined ? 'asked' : 'confirmed') : 'left'
    return { state, confirmedOn, leftOn }
  }

  /** The account takes an address off; that one has left is remembered all the same. */
  async removeMember(accountId: string, name: string, address: string): Promise<void> {
    const { store, hashes } = this.#options
    const list = await this.#find(accountId, name)
    await store.forget(list.id, hashes.of(list.id, parseRecipient(address)))
  }

  /** What a mailed link asks about; undefined: it does not work any more. */
  async showAsked(token: string): Promise<ShownList | undefined> {
    const { store, clock } = this.#options
    if (!TOKEN.test(token)) return undefined
    return await this.#shown(await store.asked(hashOf(token), clock.now()))
  }

  async confirm(token: string): Promise<ShownList | undefined> {
    const { store, clock, events } = this.#options
    if (!TOKEN.test(token)) return undefined
    const list = await store.confirm(hashOf(token), clock.now(), this.#today())
    if (list !== undefined) events.listMember('confirmed')
    return await this.#shown(list)
  }

  /** Undefined: the link is none of ours, or the list is gone. */
  async showLeaving(link: string): Promise<ShownList | undefined> {
    const membership = this.#options.hashes.readLink(link)
    return membership && (await this.#shown(await this.#options.store.findById(membership.list)))
  }

  async leave(link: string): Promise<ShownList | undefined> {
    const { store, hashes, events } = this.#options
    const membership = hashes.readLink(link)
    const list = membership && (await store.leave(membership.list, membership.address, this.#today()))
    if (list !== undefined) events.listMember('left')
    return await this.#shown(list)
  }

  /** What an account needs to send a mail of a list to one recipient: undefined when it has no such list; no link when the recipient does not want it. */
  async membership(
    accountId: string,
    listId: string,
    recipient: EmailAddress,
  ): Promise<{ readonly leave: string | undefined } | undefined> {
    const { store, hashes, origin } = this.#options
    const list = await store.find(accountId, listId)
    if (list === undefined) return undefined
    const address = hashes.of(list.id, recipient)
    const [confirmed] = await store.confirmed([list.id], [address])
    if (confirmed === undefined) return { leave: undefined }
    return { leave: `${origin()}/lists/leave/${hashes.link({ list: list.id, address })}` }
  }

  /** Those of the recipients that are on no list of the account, or have not confirmed. */
  async unconfirmed(
    accountId: string,
    recipients: readonly EmailAddress[],
  ): Promise<readonly EmailAddress[]> {
    const { store, hashes } = this.#options
    const lists = await store.listsOf(accountId)
    if (lists.length === 0) return recipients
    const known = recipients.map((recipient) => lists.map((list) => hashes.of(list, recipient)))
    const confirmed = new Set(
      (await store.confirmed(lists, known.flat())).map((hash) => hash.toString('hex')),
    )
    return recipients.filter((_, at) => known[at]?.every((hash) => !confirmed.has(hash.toString('hex'))))
  }

  /** Of a terminated account; repeatable. */
  erase(accountId: string): Promise<void> {
    return this.#options.store.erase(accountId)
  }

  [Symbol.dispose](): void {
    this.#stack.dispose()
  }

  async #find(accountId: string, name: string): Promise<ListRow> {
    const list = await this.#options.store.find(accountId, name.toLowerCase())
    if (list === undefined) throw new ListsError('LIST_UNKNOWN')
    return list
  }

  /** Counts one mail that asks. */
  async #limit(accountId: string, recipient: EmailAddress): Promise<void> {
    const most = await this.#options.asksPerDay(accountId)
    const asked = this.#asked.get(accountId) ?? 0
    const isTooFast = asked >= most
    const key = this.#blinding.blind('address', formatAddress(recipient).toLowerCase())
    if (isTooFast || !this.#addresses.take(key)) {
      this.#options.events.listMember('limited')
      throw new ListsError('MEMBERS_TOO_FAST')
    }
    this.#asked.set(accountId, asked + 1)
  }

  async #shown(list: ListRow | undefined): Promise<ShownList | undefined> {
    if (list === undefined) return undefined
    const account = await this.#options.accounts.findById(list.accountId)
    return { listId: list.listId, owner: account?.jid.toString() }
  }

  #today(): string {
    return new Date(this.#options.clock.now()).toISOString().slice(0, 10)
  }
}

function refuse({
  confirmedOn,
  leftOn,
}: {
  confirmedOn: string | undefined
  leftOn: string | undefined
}): void {
  if (leftOn !== undefined) throw new ListsError('MEMBER_LEFT')
  if (confirmedOn !== undefined) throw new ListsError('MEMBER_CONFIRMED')
}

function parseRecipient(text: string): EmailAddress {
  const address = parseAddress(text)
  if (address === undefined) throw new ListsError('ADDRESS_MALFORMED')
  return address
}

/** SHA-256: by what the store knows a token of 256 random bits. */
function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
