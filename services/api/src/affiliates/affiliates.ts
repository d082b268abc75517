/** Referrals without tracking: a click leaves nothing here, what it gives says only whose link it was and on which day, under a key of ours. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { AccountsDomain } from '@sealpost/accounts'
import type { Clock, Random } from '@sealpost/runtime'
import { addDays, dayOf } from '../day.ts'
import {
  ACTIVE_DAYS,
  AffiliateError,
  CLICK_DAYS,
  REVERSAL_DAYS,
  settle,
  STATEMENT_DAYS,
  type Affiliate,
  type Statement,
} from './affiliate.ts'
import type { AffiliateStore } from './store.ts'

const AFFILIATES_MAX = 1_000
const CODE_BYTES = 12
const PAGE = 200
const TOKEN = /^[\w-]{43}$/

export interface AffiliatesOptions {
  readonly store: AffiliateStore
  readonly accounts: AccountsDomain
  /** 32 bytes, the same after a restart. */
  readonly key: Buffer
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}

/** Refusals are AffiliateErrors. */
export class Affiliates {
  readonly #options: AffiliatesOptions

  constructor(options: AffiliatesOptions) {
    this.#options = options
  }

  async create(label: string, commissionCents: number): Promise<Affiliate> {
    const { store, random } = this.#options
    const id = random.uuid()
    const affiliate = {
      id,
      label,
      commissionCents,
      code: random.token(CODE_BYTES),
      closed: false,
      createdOn: this.#today(),
    }
    if (!(await store.insert(affiliate, AFFILIATES_MAX))) throw new AffiliateError('AFFILIATE_LIMIT')
    return affiliate
  }

  list(): Promise<Affiliate[]> {
    return this.#options.store.list()
  }

  async close(id: string): Promise<void> {
    if (!(await this.#options.store.close(id))) throw new AffiliateError('AFFILIATE_UNKNOWN')
  }

  async statements(id: string): Promise<Statement[]> {
    if (!(await this.list()).some((each) => each.id === id)) throw new AffiliateError('AFFILIATE_UNKNOWN')
    return this.#options.store.statements(id)
  }

  /** What stands for a click of today on the link with that code. Throws REFERRAL_GONE. */
  async click(code: string): Promise<string> {
    const affiliate = (await this.list()).find((each) => each.code === code && !each.closed)
    if (affiliate === undefined) throw new AffiliateError('REFERRAL_GONE')
    return this.#token(affiliate.id, this.#today()).toString('base64url')
  }

  /** Somebody signed up who came by a click. Throws REFERRAL_GONE, REFERRAL_TAKEN. */
  async signUp(token: string, subjectId: string): Promise<void> {
    const { store, random } = this.#options
    const affiliate = TOKEN.test(token) ? await this.#affiliateOf(Buffer.from(token, 'base64url')) : undefined
    if (affiliate === undefined) throw new AffiliateError('REFERRAL_GONE')
    const referral = { id: random.uuid(), affiliateId: affiliate.id, subjectId }
    if (!(await store.refer(referral, this.#today()))) throw new AffiliateError('REFERRAL_TAKEN')
  }

  /** A downgrade or a chargeback. Throws REFERRAL_UNKNOWN. */
  async reverse(subjectId: string): Promise<void> {
    if (!(await this.#options.store.reverse(subjectId, this.#today())))
      throw new AffiliateError('REFERRAL_UNKNOWN')
  }

  /** The billing system says that whoever was referred pays for less from now on. Nothing happens to others; repeatable. */
  async downgraded(subjectId: string): Promise<void> {
    await this.#options.store.reverse(subjectId, this.#today())
  }

  /** The billing system says that a payment was taken back: what is qualified is reversed, what is not never will be, nor is the subject referred again. Repeatable. */
  async chargedBack(subjectId: string): Promise<void> {
    await this.#options.store.chargeBack(subjectId, this.#today())
  }

  /** Counts active days, qualifies, issues statements, forgets. Repeatable. */
  async run(): Promise<void> {
    const { store } = this.#options
    const today = this.#today()
    for (let after: string | undefined; ;) {
      const open = await store.open(today, after, PAGE)
      for (const { id, subjectId, activeDays, countedOn } of open) {
        const passed = (Date.parse(today) - Date.parse(countedOn)) / 86_400_000
        const days = Math.min(ACTIVE_DAYS, activeDays + ((await this.#isActive(subjectId)) ? passed : 0))
        await store.counted(id, days, days === ACTIVE_DAYS, today)
      }
      after = open.at(-1)?.id
      if (open.length < PAGE) break
    }
    for (const affiliate of await this.list()) await this.#issueStatements(affiliate, today)
    await store.forget(addDays(today, -REVERSAL_DAYS))
  }

  async #issueStatements({ id, createdOn, commissionCents }: Affiliate, today: string): Promise<void> {
    const { store } = this.#options
    const statements = await store.statements(id)
    let last = statements.at(-1)
    let paidBefore = statements.some(({ payableCents }) => payableCents > 0)
    let month = last === undefined ? `${createdOn.slice(0, 7)}-01` : nextMonth(last.month)
    for (; addDays(nextMonth(month), STATEMENT_DAYS - 1) <= today; month = nextMonth(month)) {
      const cents = (await store.qualified(id, month)) * commissionCents
      last = { month, cents, ...settle(last?.carriedCents ?? 0, cents, paidBefore), issuedOn: today }
      paidBefore ||= last.payableCents > 0
      await store.issue(id, last)
    }
  }

  async #isActive(subjectId: string): Promise<boolean> {
    const { accounts } = this.#options
    const subject = (await accounts.findById(subjectId)) ?? (await accounts.organisations.find(subjectId))
    return subject?.state === 'active'
  }

  /** Of the last ninety days, whose link it was. */
  async #affiliateOf(token: Buffer): Promise<Affiliate | undefined> {
    const days = Array.from({ length: CLICK_DAYS + 1 }, (_, ago) => addDays(this.#today(), -ago))
    const affiliates = (await this.list()).filter(({ closed }) => !closed)
    return affiliates.find(({ id }) => days.some((day) => timingSafeEqual(this.#token(id, day), token)))
  }

  #token(affiliateId: string, day: string): Buffer {
    return createHmac('sha256', this.#options.key).update(`${affiliateId} ${day}`).digest()
  }

  #today(): string {
    return dayOf(this.#options.clock.now())
  }
}

function nextMonth(month: string): string {
  const next = new Date(`${month}T00:00:00Z`)
  next.setUTCMonth(next.getUTCMonth() + 1)
  return next.toISOString().slice(0, 10)
}
