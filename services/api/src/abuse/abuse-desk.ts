/**
 * The abuse desk: reports by form, from accounts, and by mail to abuse@ in one view; who may be named, and what is done from each. Of a report nothing is kept beyond what
 * the reporter sent, and that only sealed.
 */
import type { AccountsDomain } from '@sealpost/accounts'
import { errorCode } from '@sealpost/errors'
import { parseJid } from '@sealpost/jid'
import type { MailDesk } from '@sealpost/ports'
import type { Clock, Random } from '@sealpost/runtime'
import type { Letters } from '../letters/letters.ts'
import type { Webhooks } from '../webhooks/webhooks.ts'
import { dayOf } from '../day.ts'
import { AbuseError } from './abuse-error.ts'
import type { ReportSealing } from './sealing.ts'
import type {
  AbuseAction,
  AbuseCategory,
  AbuseOutcome,
  AbuseStore,
  ReportCount,
  ReportQuery,
  StoredReport,
} from './store.ts'

/** Open reports; those with names and those without each have so much room. */
const OPEN_MAX = 5_000
/** Mails at the desk that one look takes into the view. */
const MAILS_MAX = 500
const DAY_MS = 24 * 60 * 60_000
const CLOSED_KEPT_DAYS = 180
const KEPT_DAYS = 365
/** RFC 1035 §2.3.4, of names that are no address of ours. */
const DOMAIN = /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/

export interface Reporter {
  readonly first_name: string
  readonly last_name: string
  /** An address or a telephone number. */
  readonly contact: string
}

/** As the reporter wrote it. */
export interface ReportContent {
  /** Whom or what it is about: an address of ours, or of whom we should not take mail. */
  readonly about: string
  readonly text: string
  /** The header of the message that it is about. */
  readonly headers?: string
}

export interface NewReport extends ReportContent {
  readonly category: AbuseCategory
  readonly reporter: Partial<Reporter>
}

export interface ReportingAccount {
  readonly id: string
  /** Over the API, or with a chat client. */
  readonly source: 'account' | 'chat'
}

export interface Report extends StoredReport {
  readonly from: Partial<Reporter> | undefined
  readonly said: ReportContent | undefined
}

export interface AbuseDeskOptions {
  readonly store: AbuseStore
  readonly sealing: ReportSealing
  readonly accounts: Pick<AccountsDomain, 'find' | 'findById' | 'suspend' | 'mailConduct'>
  readonly mails: MailDesk
  readonly letters: Pick<Letters, 'send'>
  readonly webhooks: Pick<Webhooks, 'along'>
  readonly domains: readonly string[]
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}

/** Refusals are AbuseErrors, AccountErrors, PortErrors and MailErrors. */
export class AbuseDesk {
  readonly #options: AbuseDeskOptions

  constructor(options: AbuseDeskOptions) {
    this.#options = options
  }

  /** The id, by which the reporter may refer to it. `by`: the account that reports, signed in. Throws REPORTS_FULL. */
  async report(wanted: NewReport, by?: ReportingAccount): Promise<string> {
    const { store, sealing, random, webhooks } = this.#options
    const id = random.uuid()
    const { category, reporter, about, text, headers } = wanted
    const named = isNamed(reporter)
    const accountId = await this.#accountOf(about)
    const report: StoredReport = {
      id,
      source: by?.source ?? 'form',
      category,
      named,
      accountId,
      reporterId: by?.id,
      reporter: Object.values(reporter).some((value) => value !== '')
        ? sealing.seal(id, 'reporter', reporter)
        : undefined,
      content: sealing.seal(id, 'content', { about, text, ...(headers === undefined ? {} : { headers }) }),
      state: 'new',
      outcome: undefined,
      actions: [],
      receivedOn: this.#today(),
      closedOn: undefined,
    }
    const isAdded = await webhooks.along('abuse.reported', { report_id: id, category, named }, (tell) =>
      store.add(report, OPEN_MAX, tell),
    )
    if (!isAdded) throw new AbuseError('REPORTS_FULL')
    return id
  }

  /** Takes new mails at the desk into the view first: what they say stays there. */
  async list(query: ReportQuery): Promise<StoredReport[]> {
    if (query.after === undefined) await this.#takeMails()
    return this.#options.store.list(query)
  }

  async show(id: string): Promise<Report> {
    const { store, sealing } = this.#options
    const report = known(await store.find(id))
    const { reporter, content } = report
    return {
      ...report,
      from: reporter && (sealing.open(id, 'reporter', reporter) as Partial<Reporter>),
      said: content && (sealing.open(id, 'content', content) as ReportContent),
    }
  }

  /** Throws REPORT_CLOSED. */
  async setState(id: string, state: 'new' | 'in-work'): Promise<StoredReport> {
    await this.#open(id)
    return known(await this.#options.store.change(id, { state }))
  }

  /** A mail that it came by is destroyed. */
  async close(id: string, outcome: AbuseOutcome): Promise<StoredReport> {
    const { store, mails, webhooks } = this.#options
    const { source } = await this.#open(id)
    if (source === 'mail') await mails.done(id)
    const change = { state: 'closed', outcome, closedOn: this.#today() } as const
    const closed = await webhooks.along('abuse.closed', { report_id: id, outcome }, (tell) =>
      store.change(id, change, tell),
    )
    return known(closed)
  }

  counts(): Promise<ReportCount[]> {
    return this.#options.store.counts()
  }

  /** Tells the account by mail that it was reported. */
  warn(id: string, jid: string | undefined, words: string | undefined): Promise<StoredReport> {
    return this.#act(id, 'warn', async (report) => {
      const account = await this.#subject(report, jid)
      const { category } = report
      await this.#options.letters.send({
        to: account.jid.toString(),
        subject: 'A report about your account',
        lines: [
          'Somebody reported your account to whoever runs this server:',
          '',
          `    ${CATEGORY_WORDS[category]}`,
          ...(words === undefined ? [] : ['', words]),
          '',
          'If it goes on, your account may be restricted or suspended. To object,',
          `write to abuse@${account.jid.domain}.`,
        ],
      })
    })
  }

  /** Lets the account send so many messages a day and no more. */
  restrict(id: string, jid: string | undefined, messagesPerDay: number): Promise<StoredReport> {
    return this.#act(id, 'restrict', async (report) => {
      const account = await this.#subject(report, jid)
      await this.#options.accounts.mailConduct.setLimit(account.jid, messagesPerDay)
    })
  }

  suspend(id: string, jid: string | undefined): Promise<StoredReport> {
    return this.#act(id, 'suspend', async (report) => {
      const account = await this.#subject(report, jid)
      await this.#options.accounts.suspend(account.jid, 'abuse')
    })
  }

  /** Takes no mail from a domain of others for thirty days. */
  block(id: string, sender: string): Promise<StoredReport> {
    const { domains, mails } = this.#options
    const domain = sender.slice(sender.lastIndexOf('@') + 1).toLowerCase()
    if (!DOMAIN.test(domain) || domains.includes(domain)) throw new AbuseError('SENDER_MALFORMED')
    return this.#act(id, 'block', () => mails.block(domain))
  }

  eraseAccount(accountId: string): Promise<void> {
    return this.#options.store.eraseAccount(accountId)
  }

  eraseOld(): Promise<void> {
    return this.#options.store.eraseOld(this.#today(-CLOSED_KEPT_DAYS), this.#today(-KEPT_DAYS))
  }

  async #act(
    id: string,
    action: AbuseAction,
    act: (report: StoredReport) => Promise<void>,
  ): Promise<StoredReport> {
    const { store } = this.#options
    const report = await this.#open(id)
    await act(report)
    await store.acted(id, action)
    return known(await store.change(id, { state: 'in-work' }))
  }

  async #open(id: string): Promise<StoredReport> {
    const report = known(await this.#options.store.find(id))
    if (report.state === 'closed') throw new AbuseError('REPORT_CLOSED')
    return report
  }

  /** The account that is named now, or else that of the report. */
  async #subject({ accountId }: StoredReport, jid: string | undefined) {
    const { accounts } = this.#options
    const account =
      jid === undefined
        ? accountId && (await accounts.findById(accountId))
        : await accounts.find(parseJid(jid).bare)
    if (account === undefined || account === '') throw new AbuseError('REPORT_NAMES_NOBODY')
    return account
  }

  async #accountOf(about: string): Promise<string | undefined> {
    try {
      return (await this.#options.accounts.find(parseJid(about.trim()).bare))?.id
    } catch (error) {
      if (errorCode(error).startsWith('JID')) return undefined
      throw error
    }
  }

  async #takeMails(): Promise<void> {
    const { mails, store } = this.#options
    let after: string | undefined
    for (let taken = 0; taken < MAILS_MAX;) {
      const page = await mails.list(after)
      for (const { id, feedback, acceptedAt } of page)
        if ((await store.find(id)) === undefined)
          await store.add(mailReport(id, feedback, dayOf(acceptedAt)), OPEN_MAX)
      const last = page.at(-1)
      if (last === undefined || last.id === after) return
      after = last.id
      taken += page.length
    }
  }

  #today(days = 0): string {
    return dayOf(this.#options.clock.now() + days * DAY_MS)
  }
}

const CATEGORY_WORDS: Readonly<Record<AbuseCategory, string>> = {
  spam: 'It sends messages that nobody asked for.',
  fraud: 'It deceives people.',
  malware: 'It spreads harmful programs.',
  harassment: 'It harasses people.',
  illegal: 'It is used for what the law forbids.',
  other: 'It breaks the rules of acceptable use.',
}

function mailReport(id: string, feedback: string | undefined, receivedOn: string): StoredReport {
  const category = feedback === 'fraud' ? 'fraud' : feedback === 'virus' ? 'malware' : 'other'
  return {
    id,
    source: 'mail',
    category: feedback === 'abuse' ? 'spam' : category,
    named: true, // It has a sender who can be answered.
    accountId: undefined,
    reporterId: undefined,
    reporter: undefined,
    content: undefined,
    state: 'new',
    outcome: undefined,
    actions: [],
    receivedOn,
    closedOn: undefined,
  }
}

/** As the policy asks: first and last name, and an address or telephone number that can work. */
export function isNamed({
  first_name: first = '',
  last_name: last = '',
  contact = '',
}: Partial<Reporter>): boolean {
  const hasNames = [first, last].every((name) => /\p{L}/u.test(name))
  return (
    hasNames &&
    (/^[^@\s]+@[^@\s]+\.[^@\s]{2,}$/.test(contact.trim()) ||
      /^\+?(?:[\s().-]*\d){7,15}$/.test(contact.trim()))
  )
}

function known(report: StoredReport | undefined): StoredReport {
  if (report === undefined) throw new AbuseError('REPORT_UNKNOWN')
  return report
}
