/** Dovecot's administration over HTTP (doveadm HTTP API of Dovecot 2.3): `who` and `kick`. Rejects with MailboxServerError. */
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
} as const

export class MailboxServerError extends OperationalError {
  override readonly name = 'MailboxServerError'

  constructor(code: keyof typeof REASONS, options?: { cause?: unknown }) {
    super(code, REASONS[code], options)
  }
}

const ANSWER_MS_MAX = 10_000
/** `who` has some hundred bytes for each user with a session. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024
/** EX_NOHOST of sysexits(3): nobody to kick. */
const NOBODY = 68

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

/** `[["doveadmResponse", rows, tag]]`; Dovecot 2.3 writes all rows but the first between the list and the tag. */
async function command(
  place: DoveadmPlace,
  clock: Clock,
  name: string,
  parameters: object,
): Promise<unknown[]> {
  const answer = parse(await post(place, JSON.stringify([[name, parameters, name]]), clock))
  const [first] = listOf(answer)
  const [kind, ...rows] = listOf(first)
  if (kind === 'doveadmResponse') return rows.flat()
  if (kind === 'error' && fieldOf(rows[0], 'exitCode') === NOBODY) return []
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

async function post({ url, key }: DoveadmPlace, body: string, clock: Clock): Promise<string> {
  const abort = new AbortController()
  const limit = clock.after(ANSWER_MS_MAX, () => abort.abort())
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
      signal: abort.signal,
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
