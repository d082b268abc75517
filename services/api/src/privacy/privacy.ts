/**
 * What people ask about their own data: access, correction, deletion, portability, objection. Each request is answered within thirty days. Deletion is the
 * person's own to confirm, and ends the account.
 */
import type { Account, AccountsDomain, Page } from '@sealpost/accounts'
import type { Clock, Random } from '@sealpost/runtime'
import { cutPage } from '../cut-page.ts'
import { addDays, dayOf, formatPlace, parsePlace } from '../day.ts'
import { RightsError } from '../rights-error.ts'
import type { PrivacyKind, PrivacyOrigin, PrivacyQuery, PrivacyRequest, PrivacyStore } from './store.ts'

export interface PrivacyAsk {
  readonly kind: PrivacyKind
  readonly details: string | undefined
}

export interface PrivacyListQuery extends Omit<PrivacyQuery, 'after' | 'dueBefore'> {
  readonly cursor?: string | undefined
  readonly overdue?: boolean | undefined
}

/** Refusals are RightsErrors. */
export interface Privacy {
  /**
   * Asked by the account itself. Deletion needs the password again, and ends the account at once. What the account can do itself (access and portability, unless
   * it says more) is answered with how. Throws PASSWORD_NOT_CONFIRMED, PRIVACY_DETAILS_MISSING, PRIVACY_REQUEST_LIMIT.
   */
  ask(account: Account, ask: PrivacyAsk, password: string | undefined): Promise<PrivacyRequest>
  /** Came another way, on this day. Throws DAY_IN_FUTURE, PRIVACY_DETAILS_MISSING, PRIVACY_REQUEST_LIMIT. */
  record(account: Account, ask: PrivacyAsk, receivedOn: string | undefined): Promise<PrivacyRequest>
  /** The person confirms the deletion that was recorded. Throws as `ask`, PRIVACY_REQUEST_UNKNOWN, PRIVACY_REQUEST_CLOSED, PRIVACY_NOT_DELETION. */
  confirm(account: Account, id: string, password: string): Promise<PrivacyRequest>
  /** Throws PRIVACY_REQUEST_UNKNOWN, PRIVACY_REQUEST_CLOSED. */
  close(id: string, state: 'answered' | 'refused', answer: string): Promise<PrivacyRequest>
  /** Throws PRIVACY_REQUEST_UNKNOWN. */
  find(id: string): Promise<PrivacyRequest>
  /** The newest first. Throws CURSOR_MALFORMED. */
  list(query: PrivacyListQuery): Promise<Page<PrivacyRequest>>
  eraseAccount(accountId: string): Promise<void>
  /** To be called daily or more often. */
  forget(): Promise<void>
}

export interface PrivacyOptions {
  readonly store: PrivacyStore
  readonly accounts: Pick<AccountsDomain, 'terminate'>
  /** Whether it is the account's password; takes as many guesses as a sign-in. */
  readonly confirmPassword: (account: Account, password: string) => Promise<boolean>
  readonly clock: Pick<Clock, 'now'>
  readonly random: Pick<Random, 'uuid'>
}

export const ANSWER_DAYS = 30
const OPEN_MAX = 20
const KEPT_DAYS = 3 * 366
const EXPORT_ANSWER =
  'Everything that is held of you is at /v1/me/export, for other chat servers with ?format=xep-0227.'
const DELETED_ANSWER = 'The account was terminated, and its data erased.'

/** What is asked for cannot be known without words. */
const NEEDS_DETAILS: readonly PrivacyKind[] = ['correction', 'objection']

export function createPrivacy(options: PrivacyOptions): Privacy {
  return new StoredPrivacy(options)
}

class StoredPrivacy implements Privacy {
  readonly #options: PrivacyOptions

  constructor(options: PrivacyOptions) {
    this.#options = options
  }

  async ask(account: Account, ask: PrivacyAsk, password: string | undefined): Promise<PrivacyRequest> {
    if (ask.kind === 'deletion') await this.#check(account, password)
    const request = await this.#add(account, ask, 'account', this.#today())
    if (ask.kind === 'deletion') return this.#delete(account, request)
    const byItself = (ask.kind === 'access' || ask.kind === 'portability') && ask.details === undefined
    return byItself ? this.close(request.id, 'answered', EXPORT_ANSWER) : request
  }

  async record(account: Account, ask: PrivacyAsk, receivedOn = this.#today()): Promise<PrivacyRequest> {
    if (receivedOn > this.#today()) throw new RightsError('DAY_IN_FUTURE')
    return this.#add(account, ask, 'administrator', receivedOn)
  }

  async confirm(account: Account, id: string, password: string): Promise<PrivacyRequest> {
    const request = await this.#options.store.find(id)
    if (request?.accountId !== account.id) throw new RightsError('PRIVACY_REQUEST_UNKNOWN')
    if (request.kind !== 'deletion') throw new RightsError('PRIVACY_NOT_DELETION')
    if (request.state !== 'open') throw new RightsError('PRIVACY_REQUEST_CLOSED')
    await this.#check(account, password)
    return this.#delete(account, request)
  }

  async close(id: string, state: 'answered' | 'refused', answer: string): Promise<PrivacyRequest> {
    const closed = await this.#options.store.close(id, { state, answer, closedOn: this.#today() })
    const request = await this.find(id)
    if (!closed) throw new RightsError('PRIVACY_REQUEST_CLOSED')
    return request
  }

  async find(id: string): Promise<PrivacyRequest> {
    const request = await this.#options.store.find(id)
    if (request === undefined) throw new RightsError('PRIVACY_REQUEST_UNKNOWN')
    return request
  }

  async list({
    cursor,
    limit,
    overdue = false,
    ...filters
  }: PrivacyListQuery): Promise<Page<PrivacyRequest>> {
    const dueBefore = overdue ? this.#today() : undefined
    const after = parsePlace(cursor)
    const rows = await this.#options.store.list({ ...filters, after, dueBefore, limit: limit + 1 })
    return cutPage(rows, limit, ({ receivedOn, id }) => formatPlace({ at: receivedOn, id }))
  }

  eraseAccount(accountId: string): Promise<void> {
    return this.#options.store.eraseAccount(accountId, this.#today())
  }

  forget(): Promise<void> {
    return this.#options.store.forget(dayOf(this.#options.clock.now(), -KEPT_DAYS))
  }

  async #check(account: Account, password: string | undefined): Promise<void> {
    const { confirmPassword } = this.#options
    if (password === undefined || !(await confirmPassword(account, password)))
      throw new RightsError('PASSWORD_NOT_CONFIRMED')
  }

  async #add(
    account: Account,
    { kind, details }: PrivacyAsk,
    origin: PrivacyOrigin,
    receivedOn: string,
  ): Promise<PrivacyRequest> {
    if (NEEDS_DETAILS.includes(kind) && details === undefined)
      throw new RightsError('PRIVACY_DETAILS_MISSING')
    const request: PrivacyRequest = {
      id: this.#options.random.uuid(),
      accountId: account.id,
      kind,
      state: 'open',
      origin,
      details,
      receivedOn,
      dueOn: addDays(receivedOn, ANSWER_DAYS),
      closedOn: undefined,
      answer: undefined,
    }
    if (!(await this.#options.store.add(request, OPEN_MAX))) throw new RightsError('PRIVACY_REQUEST_LIMIT')
    return request
  }

  /** Through the erasure ledger, which closes the request as well if the process is killed before this does. */
  async #delete(account: Account, request: PrivacyRequest): Promise<PrivacyRequest> {
    const { accounts, store } = this.#options
    await accounts.terminate(account.jid)
    const closing = { state: 'answered', answer: DELETED_ANSWER, closedOn: this.#today() } as const
    await store.close(request.id, closing)
    return { ...request, ...closing }
  }

  #today(): string {
    return dayOf(this.#options.clock.now())
  }
}
