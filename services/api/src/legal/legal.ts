/**
 * Requests of authorities: received → refused | reviewed → approved → produced. What the guidelines demand is checked when a request is recorded; the rest is for
 * people. The user is told before anything is produced, unless the record forbids it: then when that is over.
 */
import type { Accounts, Page } from '@sealpost/accounts'
import { tryParseJid } from '@sealpost/jid'
import type { Clock, Random } from '@sealpost/runtime'
import { cutPage } from '../cut-page.ts'
import { dayOf, formatPlace, parsePlace } from '../day.ts'
import { RightsError } from '../rights-error.ts'
import type { DocumentSigner, SignedDocument } from './document-signer.ts'
import { produce, type Production, type ProductionFacts } from './production.ts'
import { currentReport } from './transparency.ts'
import type { LegalRequest, LegalState, LegalStore, Refusal } from './store.ts'

export type NewLegalRequest = Omit<
  LegalRequest,
  'id' | 'state' | 'accountId' | 'refusedBecause' | 'closedOn' | 'notifiedOn'
>

/** Refusals are RightsErrors. */
export interface Legal {
  /** Refused at once when it lacks what the guidelines demand; the answer says why. Throws DAY_IN_FUTURE, LEGAL_GAG_PAST. */
  record(request: NewLegalRequest): Promise<LegalRequest>
  /** Somebody has found it authentic and in order. Throws LEGAL_REQUEST_UNKNOWN, LEGAL_STATE_OTHER, as the following do. */
  review(id: string): Promise<LegalRequest>
  refuse(id: string, because: readonly Refusal[]): Promise<LegalRequest>
  /** The user is told from now on, unless it is forbidden. */
  approve(id: string): Promise<LegalRequest>
  /** Throws LEGAL_USER_NOT_TOLD. */
  produce(id: string): Promise<SignedDocument<Production>>
  /** Throws LEGAL_PRODUCTION_UNKNOWN after thirty days. */
  production(id: string): Promise<SignedDocument<Production>>
  find(id: string): Promise<LegalRequest>
  /** The newest first. Throws CURSOR_MALFORMED. */
  list(query: {
    readonly cursor?: string | undefined
    readonly limit: number
    readonly state?: LegalState | undefined
  }): Promise<Page<LegalRequest>>
  /** Those about the account, as far as it may know. */
  ofAccount(accountId: string): Promise<LegalRequest[]>
  /** Tells those who may know now. To be called daily or more often. */
  notifyDue(): Promise<void>
  /** The signed transparency report. */
  report(): Promise<string>
  eraseAccount(accountId: string): Promise<void>
  /** To be called daily or more often. */
  forget(): Promise<void>
}

export interface LegalOptions extends Omit<ProductionFacts, 'producedOn'> {
  readonly store: LegalStore
  readonly accounts: Pick<Accounts, 'find' | 'findById'>
  /** Tells the account by notice and mail; resolves when that is safe. Repeatable for one request. */
  readonly notify: (accountId: string, request: LegalRequest) => Promise<void>
  readonly signer: DocumentSigner
  readonly clock: Pick<Clock, 'now'>
  readonly random: Pick<Random, 'uuid'>
}

const KEPT_DAYS = 2 * 366
const DOCUMENT_DAYS = 30

export function createLegal(options: LegalOptions): Legal {
  return new StoredLegal(options)
}

class StoredLegal implements Legal {
  readonly #options: LegalOptions

  constructor(options: LegalOptions) {
    this.#options = options
  }

  async record(request: NewLegalRequest): Promise<LegalRequest> {
    const { store, accounts, random } = this.#options
    const today = this.#today()
    if (request.receivedOn > today) throw new RightsError('DAY_IN_FUTURE')
    if (request.gagUntil !== undefined && request.gagUntil < today) throw new RightsError('LEGAL_GAG_PAST')
    const jid = parseUsername(request.username)
    const refusedBecause = shortcomings({ ...request, username: jid?.toString() })
    const refused = refusedBecause.length > 0
    const recorded: LegalRequest = {
      ...request,
      username: jid?.toString() ?? request.username,
      id: random.uuid(),
      state: refused ? 'refused' : 'received',
      accountId: jid && (await accounts.find(jid))?.id,
      refusedBecause,
      closedOn: refused ? today : undefined,
      notifiedOn: undefined,
    }
    await store.add(recorded)
    return recorded
  }

  review(id: string): Promise<LegalRequest> {
    return this.#change(id, ['received'], 'reviewed')
  }

  refuse(id: string, refusedBecause: readonly Refusal[]): Promise<LegalRequest> {
    const change = { refusedBecause, closedOn: this.#today() }
    return this.#change(id, ['received', 'reviewed', 'approved'], 'refused', change)
  }

  async approve(id: string): Promise<LegalRequest> {
    const approved = await this.#change(id, ['reviewed'], 'approved')
    await this.#tell(approved).catch(() => undefined) // Tried again hourly, and before anything is produced.
    return this.find(id)
  }

  async produce(id: string): Promise<SignedDocument<Production>> {
    const { accounts, signer } = this.#options
    const request = await this.find(id)
    const { username, accountId } = request
    if (request.state !== 'approved' || username === undefined) throw new RightsError('LEGAL_STATE_OTHER')
    await this.#tell(request)
    const account = accountId === undefined ? undefined : await accounts.findById(accountId)
    const producedOn = this.#today()
    const document = await produce({ ...request, username }, account, { ...this.#options, producedOn })
    const signed = signer.sign(document)
    await this.#change(id, ['approved'], 'produced', {
      closedOn: producedOn,
      document: JSON.stringify(signed),
    })
    return signed
  }

  async production(id: string): Promise<SignedDocument<Production>> {
    await this.find(id)
    const text = await this.#options.store.document(id)
    if (text === undefined) throw new RightsError('LEGAL_PRODUCTION_UNKNOWN')
    return JSON.parse(text) as SignedDocument<Production>
  }

  async find(id: string): Promise<LegalRequest> {
    const request = await this.#options.store.find(id)
    if (request === undefined) throw new RightsError('LEGAL_REQUEST_UNKNOWN')
    return request
  }

  async list({ cursor, limit, state }: Parameters<Legal['list']>[0]): Promise<Page<LegalRequest>> {
    const rows = await this.#options.store.list({ after: parsePlace(cursor), limit: limit + 1, state })
    return cutPage(rows, limit, ({ receivedOn, id }) => formatPlace({ at: receivedOn, id }))
  }

  ofAccount(accountId: string): Promise<LegalRequest[]> {
    return this.#options.store.ofAccount(accountId, this.#today())
  }

  async notifyDue(): Promise<void> {
    for (const request of await this.#options.store.toNotify(this.#today())) await this.#tell(request)
  }

  report(): Promise<string> {
    return currentReport(this.#options)
  }

  eraseAccount(accountId: string): Promise<void> {
    return this.#options.store.eraseAccount(accountId)
  }

  forget(): Promise<void> {
    const now = this.#options.clock.now()
    return this.#options.store.forget(dayOf(now, -KEPT_DAYS), dayOf(now, -DOCUMENT_DAYS))
  }

  /** Unless it is forbidden, was done, or there is nobody to tell. */
  async #tell(request: LegalRequest): Promise<void> {
    const { store, notify } = this.#options
    const { id, accountId, gagUntil, notifiedOn } = request
    const today = this.#today()
    const forbidden = gagUntil !== undefined && gagUntil >= today
    if (forbidden || accountId === undefined || notifiedOn !== undefined) return
    try {
      await notify(accountId, request)
    } catch (cause) {
      throw new RightsError('LEGAL_USER_NOT_TOLD', { cause })
    }
    await store.notified(id, today)
  }

  async #change(...change: Parameters<LegalStore['change']>): Promise<LegalRequest> {
    const [id] = change
    await this.find(id)
    if (!(await this.#options.store.change(...change))) throw new RightsError('LEGAL_STATE_OTHER')
    return this.find(id)
  }

  #today(): string {
    return dayOf(this.#options.clock.now())
  }
}

/** What the guidelines demand and the request lacks. */
function shortcomings(request: NewLegalRequest): Refusal[] {
  const { receivedHow, username, officialAddress, letterhead, sought, deviceType } = request
  // A type of device can only be confirmed or denied.
  const answerable = sought.filter((each) => each !== 'device-type' || deviceType !== undefined)
  const lacking: readonly (readonly [boolean, Refusal])[] = [
    [receivedHow === 'email', 'service-by-email'],
    [username === undefined, 'no-username'],
    [officialAddress === undefined, 'no-official-address'],
    [!letterhead, 'no-letterhead'],
    [answerable.length === 0, 'nothing-sought-that-exists'],
  ]
  return lacking.flatMap(([lacks, because]) => (lacks ? [because] : []))
}

/** Undefined for what is no address of an account. */
function parseUsername(username: string | undefined) {
  const jid = username === undefined ? undefined : tryParseJid(username)
  return jid === undefined || jid.local === '' ? undefined : jid.bare
}
