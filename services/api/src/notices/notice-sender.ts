/**
 * Sends what notices have to say, one mail after another: no faster than the mail relay likes beside its own work, and from where it was when the process was
 * killed. Each account gets one mail of a notice: the one that was under way when the process was killed is counted as uncertain and not sent again.
 */
import type { Account } from '@sealpost/accounts'
import { errorCode } from '@sealpost/errors'
import { MailError, type Relay } from '@sealpost/ports'
import type { Clock } from '@sealpost/runtime'
import type { Letters } from '../letters/letters.ts'
import { noticeChat, noticeLetter } from './letter.ts'
import type { Notice, NoticeStore } from './store.ts'

export interface NoticeSenderOptions {
  readonly store: NoticeStore
  readonly letters: Pick<Letters, 'send'>
  readonly relay: Pick<Relay, 'announce'>
  /** Active accounts by id, after that one; of an organisation and all below it, if told. */
  readonly accountsAfter: (
    after: string | undefined,
    limit: number,
    organisationId?: string,
  ) => Promise<readonly Account[]>
  readonly findAccount: (id: string) => Promise<Account | undefined>
  /** Where notices are shown. */
  readonly link: () => string
  readonly clock: Clock
  /** Of one mail after another. */
  readonly mailsPerSecond: number
  readonly onFailed: (code: string) => void
}

const TURN_MS = 1_000
const NOTICES_MAX = 20
/** After the mail relay was away or busy. */
const PAUSE_MS = 30_000

export class NoticeSender implements AsyncDisposable {
  readonly #options: NoticeSenderOptions
  #timer: Disposable | undefined
  #running: Promise<void> | undefined
  #begun = false
  /** Woken while it was at work. */
  #again = false
  #stopped = false
  /** What became of the mail under way, while it could not be written down. */
  #unwritten: (() => Promise<void>) | undefined

  constructor(options: NoticeSenderOptions) {
    this.#options = options
  }

  /** There may be something to send: from now on, until there is nothing more. */
  wake(): void {
    this.#again = this.#running !== undefined
    if (this.#running === undefined && this.#timer === undefined) this.#after(TURN_MS)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    this.#timer?.[Symbol.dispose]()
    await this.#running
  }

  #after(ms: number): void {
    if (this.#stopped) return
    this.#timer = this.#options.clock.after(ms, () => {
      this.#timer = undefined
      this.#running = this.#turn().finally(() => {
        this.#running = undefined
      })
    })
  }

  /** Sends what one second allows. */
  async #turn(): Promise<void> {
    try {
      this.#again = false
      const more = await this.#work()
      if (more || this.#again) this.#after(TURN_MS)
    } catch (error) {
      this.#options.onFailed(errorCode(error))
      this.#after(PAUSE_MS)
    }
  }

  /** Whether there is more to send. */
  async #work(): Promise<boolean> {
    const { store, mailsPerSecond } = this.#options
    if (this.#unwritten !== undefined) await this.#write(this.#unwritten)
    const notices = await store.unsent(NOTICES_MAX)
    if (!this.#begun) for (const notice of notices) await this.#afterKill(notice)
    this.#begun = true
    let left = mailsPerSecond
    for (const notice of notices) {
      if (notice.chat === 'pending') await this.#say(notice)
      if (notice.mail === 'pending' && left > 0) left -= await this.#sendMails(notice, left)
    }
    return left <= 0 || notices.length === NOTICES_MAX
  }

  /** Whether the mail that was under way was sent nobody knows. */
  async #afterKill({ id, mailClaimed }: Notice): Promise<void> {
    if (mailClaimed !== undefined) await this.#options.store.settleMail(id, mailClaimed, 'uncertain')
  }

  async #say(notice: Notice): Promise<void> {
    const { store, relay } = this.#options
    const { id, audience, title } = notice
    if (!(await store.claimChat(id))) return
    const accountIds = await this.#idsOf(audience)
    await relay.announce({ id, subject: title, body: noticeChat(notice), accountIds })
  }

  /** Undefined: everybody. */
  async #idsOf(audience: Notice['audience']): Promise<string[] | undefined> {
    if (audience.to === 'account') return [audience.id]
    if (audience.to !== 'organisation') return undefined
    const ids: string[] = []
    for (let after: string | undefined; ; after = ids.at(-1)) {
      const page = await this.#options.accountsAfter(after, 200, audience.id)
      if (page.length === 0) return ids
      ids.push(...page.map(({ id }) => id))
    }
  }

  /** How many were sent of at most `limit`; fewer when they all are. */
  async #sendMails(notice: Notice, limit: number): Promise<number> {
    const current = await this.#options.store.find(notice.id)
    let after = current?.mailAfter
    const accounts = await this.#recipients(notice.audience, after, limit)
    for (const account of accounts) {
      if (this.#stopped || !(await this.#sendMail(notice, account, after))) return limit
      after = account.id
    }
    if (accounts.length < limit) await this.#options.store.endMail(notice.id)
    return accounts.length
  }

  async #recipients(
    audience: Notice['audience'],
    after: string | undefined,
    limit: number,
  ): Promise<readonly Account[]> {
    const { accountsAfter, findAccount } = this.#options
    if (audience.to === 'organisation') return accountsAfter(after, limit, audience.id)
    if (audience.to !== 'account') return accountsAfter(after, limit)
    const account = after === undefined ? await findAccount(audience.id) : undefined
    return account === undefined || account.state === 'terminated' ? [] : [account]
  }

  /** False when somebody else sends the mails of this notice. */
  async #sendMail(notice: Notice, { id, jid }: Account, after: string | undefined): Promise<boolean> {
    const { store, letters, link } = this.#options
    if (!(await store.claimMail(notice.id, id, after))) return false
    try {
      await letters.send({ to: jid.toString(), ...noticeLetter(notice, link()) })
    } catch (error) {
      // Not taken, and not for good: the relay is away or full.
      if (!(error instanceof MailError) || error.code === 'MAIL_DEFERRED') {
        await this.#write(() => store.releaseMail(notice.id, id))
        throw error
      }
      await this.#write(() => store.settleMail(notice.id, id, 'refused'))
      return true
    }
    await this.#write(() => store.settleMail(notice.id, id, 'mailed'))
    return true
  }

  /** Tried again in the next turn if it fails: a mail that stays under way would keep all others of its notice waiting. */
  async #write(outcome: () => Promise<void>): Promise<void> {
    this.#unwritten = outcome
    await outcome()
    this.#unwritten = undefined
  }
}
