/**
 * Taking a key off with the key itself: the directory writes a statement, its owner signs it, and it is carried out once. The primary key decides, also when it
 * has expired or is revoked. The statement holds for an hour and has a MAC of ours in it: a signature from another day, or for another server, says nothing.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { OperationalError } from '@sealpost/errors'
import type { Clock } from '@sealpost/runtime'
import type { CertificateWorker } from '../certificates/certificate-worker.ts'
import type { Directory } from '../directory/directory.ts'
import type { LinkStore } from './store.ts'

export type StatementAction = 'unpublish' | 'delete'

export interface Statement {
  readonly action: StatementAction
  /** Hexadecimal in upper case. */
  readonly fingerprint: string
}

const messages = {
  STATEMENT_MALFORMED: 'This is not a statement of this directory in a cleartext signature.',
  STATEMENT_OLD: 'This statement is more than an hour old. Ask for a new one.',
  STATEMENT_UNKNOWN: 'There is no such key in the directory.',
  STATEMENT_UNSIGNED: 'The statement is not signed by the primary key itself, or was changed.',
  STATEMENT_USED: 'This statement was carried out before. Ask for a new one.',
} as const

export type StatementErrorCode = keyof typeof messages

export class StatementError extends OperationalError {
  override readonly name = 'StatementError'
  declare readonly code: StatementErrorCode

  constructor(code: StatementErrorCode) {
    super(code, messages[code])
  }
}

const HOLDS_MS = 60 * 60_000
const WORDS = { unpublish: 'take all addresses off', delete: 'delete' } as const
/** As it is written: what is wanted, of which key, until when, and the MAC of all that. */
const FORM =
  /^(take all addresses off|delete) the OpenPGP key\n([0-9A-F]{40}|[0-9A-F]{64})\nThis holds until (\S{24})\.\n([0-9a-f]{64})$/m

export interface StatementsOptions {
  readonly directory: Directory
  readonly worker: Pick<CertificateWorker, 'verify'>
  readonly links: Pick<LinkStore, 'useOnce'>
  readonly clock: Clock
  /** Name of the server: its first domain. */
  readonly server: string
  readonly key: Buffer
}

export class Statements {
  readonly #options: StatementsOptions
  readonly #key: Buffer

  constructor(options: StatementsOptions) {
    this.#options = options
    this.#key = createHmac('sha256', options.key).update('statement').digest()
  }

  /** What is to be signed. Nothing is looked up for it. */
  write(statement: Statement): string {
    return this.#write(statement, new Date(this.#options.clock.now() + HOLDS_MS).toISOString())
  }

  /** Carries out what the key has signed. Throws StatementError. */
  async carryOut(message: Buffer): Promise<Statement> {
    const { directory, worker, links, clock } = this.#options
    const { statement, text, until } = this.#read(message.toString('utf8'))
    if (until <= clock.now()) throw new StatementError('STATEMENT_OLD')
    const described = await directory.describe(statement.fingerprint)
    if (described === undefined) throw new StatementError('STATEMENT_UNKNOWN')
    const signed = await worker.verify({ certificate: described.kept, message })
    if (signed?.trimEnd() !== text.trimEnd()) throw new StatementError('STATEMENT_UNSIGNED')
    const digest = createHash('sha256').update(text).digest()
    if (!(await links.useOnce(digest, until))) throw new StatementError('STATEMENT_USED')
    if (statement.action === 'delete') await directory.remove(statement.fingerprint)
    else
      for (const address of [...described.published, ...described.suspended])
        await directory.unpublish(address)
    return statement
  }

  #write({ action, fingerprint }: Statement, until: string): string {
    const { server } = this.#options
    const text = `To the key directory of ${server}:\n${WORDS[action]} the OpenPGP key\n${fingerprint}\nThis holds until ${until}.\n`
    return `${text}${createHmac('sha256', this.#key).update(text).digest('hex')}\n`
  }

  /** The statement that a message claims to hold: one that we wrote, whoever has signed it. */
  #read(message: string): { statement: Statement; text: string; until: number } {
    const [, words, fingerprint = '', until = '', shown = ''] =
      FORM.exec(message.replaceAll('\r\n', '\n')) ?? []
    if (words === undefined) throw new StatementError('STATEMENT_MALFORMED')
    const statement: Statement = { action: words === WORDS.delete ? 'delete' : 'unpublish', fingerprint }
    const text = this.#write(statement, until)
    const mac = text.trimEnd().slice(-shown.length)
    if (!timingSafeEqual(Buffer.from(shown), Buffer.from(mac)))
      throw new StatementError('STATEMENT_MALFORMED')
    return { statement, text, until: Date.parse(until) }
  }
}
