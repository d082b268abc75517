/** Dovecot's administration over HTTP (doveadm HTTP API of Dovecot 2.3): sessions, and what is destroyed in mailboxes. Rejects with MailboxServerError. */
import { request as requestHttp } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Secret } from '@sealpost/config'
import { OperationalError } from '@sealpost/errors'
import type { Clock } from '@sealpost/runtime'

export interface DoveadmPlace {
  /** Origin of its listener. */
  readonly url: URL
  /** Its `doveadm_api_key`. */
  readonly key: Secret
}

const REASONS = {
  MAILBOX_SERVER_UNREACHABLE: 'The mailbox server does not answer doveadm requests',
  MAILBOX_SERVER_REFUSED: 'The mailbox server refuses the key for doveadm',
  MAILBOX_SERVER_ANSWER: 'The mailbox server answers doveadm requests with something else',
  MAILBOX_SERVER_KEEPS: 'The mailbox server has mails of somebody whose mailboxes were erased',
} as const

export class MailboxServerError extends OperationalError {
  override readonly name = 'MailboxServerError'

  constructor(code: keyof typeof REASONS, options?: { cause?: unknown }) {
    super(code, REASONS[code], options)
  }
}

const ANSWER_MS_MAX = 10_000
/** Of commands that go through all mails of a user. */
const MAILS_MS_MAX = 120_000
/** `who` has some hundred bytes for each user with a session. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024
/** EX_NOHOST of sysexits(3): nobody to kick, no such mailbox. */
const NOT_FOUND = 68
/** `auth_username_chars` of Dovecot, as they are unless changed: it has no mailboxes for other names. */
const SERVABLE = /^[\w.@-]+$/

/** Names of the users who have sessions. */
export async function who(place: DoveadmPlace, clock: Clock): Promise<string[]> {
  return (await command(place, clock, 'who', {})).flatMap((row) => {
    const name = fieldOf(row, 'username')
    return typeof name === 'string' ? [name] : []
  })
}

/** Ends all sessions of a user. */
export async function kick(place: DoveadmPlace, user: string, clock: Clock): Promise<void> {
  // It is a pattern there, which cannot be escaped. Whoever else `?` stands for signs in again.
  await command(place, clock, 'kick', { mask: [user.replaceAll('*', '?')] })
}

/** Whether Dovecot can have mailboxes for a name. */
export function isServable(user: string): boolean {
  return SERVABLE.test(user)
}

export interface MailboxOwner {
  /** Dovecot logs it: the id of the account, which its userdb knows, too. */
  readonly user: string
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Destroys what came into any mailbox of a user more than so many days ago. */
export async function expungeOld(
  place: DoveadmPlace,
  { user, days, ...owner }: MailboxOwner & { days: number },
): Promise<void> {
  const query = ['mailbox', '*', 'savedbefore', `${String(days)}d`]
  await command(place, owner.clock, 'expunge', { user, query }, owner.signal)
}

/** Destroys all mails and mailboxes of a user, INBOX with what is cached of its mails. Repeatable; all is gone when it resolves. */
export async function eraseMailboxes(
  place: DoveadmPlace,
  { user, clock, signal }: MailboxOwner,
): Promise<void> {
  const ask = (name: string, parameters: object): Promise<unknown[]> =>
    command(place, clock, name, { user, ...parameters }, signal)
  const query = ['mailbox', '*', 'all']
  await ask('expunge', { query })
  const names = (await ask('mailboxList', {})).map((row) => fieldOf(row, 'mailbox'))
  const others = names.filter((name) => typeof name === 'string' && name !== INBOX)
  if (others.length > 0) await ask('mailboxDelete', { subscriptions: true, mailbox: others })
  await ask('mailboxCachePurge', { mailbox: [INBOX] })
  if ((await ask('search', { query })).length > 0) throw new MailboxServerError('MAILBOX_SERVER_KEEPS')
}

const INBOX = 'INBOX'

/** `[["doveadmResponse", rows, tag]]`; Dovecot 2.3 writes all rows but the first between the list and the tag. */
async function command(
  place: DoveadmPlace,
  clock: Clock,
  name: string,
  parameters: object,
  signal?: AbortSignal,
): Promise<unknown[]> {
  const answer = parse(await post(place, JSON.stringify([[name, parameters, name]]), clock, signal))
  const [first] = listOf(answer)
  const [kind, ...rows] = listOf(first)
  if (kind === 'doveadmResponse') return rows.slice(0, -1).flat()
  if (kind === 'error' && fieldOf(rows[0], 'exitCode') === NOT_FOUND) return []
  throw new MailboxServerError('MAILBOX_SERVER_ANSWER')
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new MailboxServerError('MAILBOX_SERVER_ANSWER', { cause })
  }
}

/** `signal` is of a command that takes its time. */
async function post(
  { url, key }: DoveadmPlace,
  body: string,
  clock: Clock,
  signal?: AbortSignal,
): Promise<string> {
  const abort = new AbortController()
  const limit = clock.after(signal === undefined ? ANSWER_MS_MAX : MAILS_MS_MAX, () => abort.abort())
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  try {
    const request = send(new URL('/doveadm/v1', url), {
      method: 'POST',
      headers: {
        Authorization: `X-Dovecot-API ${Buffer.from(key.reveal()).toString('base64')}`,
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(body),
      },
      agent: false,
      signal: signal === undefined ? abort.signal : AbortSignal.any([abort.signal, signal]),
    })
    const answering = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve).once('error', reject)
    })
    request.end(body)
    return await read(await answering)
  } catch (cause) {
    if (cause instanceof MailboxServerError) throw cause
    throw new MailboxServerError('MAILBOX_SERVER_UNREACHABLE', { cause })
  } finally {
    limit[Symbol.dispose]()
  }
}

async function read(response: IncomingMessage): Promise<string> {
  if (response.statusCode !== 200) {
    response.destroy()
    const isKey = response.statusCode === 401 || response.statusCode === 403
    throw new MailboxServerError(isKey ? 'MAILBOX_SERVER_REFUSED' : 'MAILBOX_SERVER_ANSWER')
  }
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > ANSWER_BYTES_MAX) throw new MailboxServerError('MAILBOX_SERVER_ANSWER')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
