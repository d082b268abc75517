/** rspamd over HTTP, `POST /checkv2`: the envelope in header fields, the mail as the body, its verdict as JSON. */
import { request as requestHttp } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { formatAddress } from '@sealpost/mail'
import type { Clock } from '@sealpost/runtime'
import type { Content } from '../../content.ts'
import type { Transaction } from '../../reception/stage.ts'
import { ScannerError, wholeMail } from './scanner.ts'

export type RspamdAction = 'accept' | 'mark' | 'defer' | 'reject'

const SCAN_MS_MAX = 60_000
const ANSWER_BYTES_MAX = 1024 * 1024

/** rspamd's words for what it asks for. */
const ACTIONS: Readonly<Record<string, RspamdAction>> = {
  'no action': 'accept',
  greylist: 'defer',
  'add header': 'mark',
  'rewrite subject': 'mark',
  'soft reject': 'defer',
  reject: 'reject',
}

/** Throws ScannerError. */
export async function scanWithRspamd(
  transaction: Transaction,
  content: Content,
  { url, clock }: { url: URL; clock: Clock },
): Promise<RspamdAction> {
  const abort = new AbortController()
  const limit = clock.after(SCAN_MS_MAX, () => abort.abort())
  try {
    const text = await post(new URL('/checkv2', url), envelopeFields(transaction), content, abort.signal)
    return understand(text)
  } catch (cause) {
    if (cause instanceof ScannerError) throw cause
    throw new ScannerError(abort.signal.aborted ? 'SCANNER_TIMEOUT' : 'SCANNER_UNREACHABLE', { cause })
  } finally {
    limit[Symbol.dispose]()
  }
}

async function post(
  url: URL,
  headers: Record<string, string | string[]>,
  content: Content,
  signal: AbortSignal,
): Promise<string> {
  const length = content.header.length + content.bodyBytes
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  const request = send(url, {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'message/rfc822', 'Content-Length': length },
    signal,
  })
  const answering = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject)
  })
  answering.catch(() => undefined)
  // An answer may come before the whole was sent, as when it is too long.
  const sending = pipeline(Readable.from(wholeMail(content), { objectMode: false }), request)
  sending.catch(() => undefined)
  const response = await answering
  let text = ''
  for await (const chunk of response as AsyncIterable<Buffer>) {
    text += chunk.toString()
    if (text.length > ANSWER_BYTES_MAX) throw new ScannerError('SCANNER_ANSWER')
  }
  if (response.statusCode !== 200) throw new ScannerError('SCANNER_ANSWER')
  return text
}

function understand(text: string): RspamdAction {
  let action: unknown
  try {
    ;({ action } = JSON.parse(text) as { action?: unknown })
  } catch (cause) {
    throw new ScannerError('SCANNER_ANSWER', { cause })
  }
  const known = typeof action === 'string' ? ACTIONS[action] : undefined
  if (known === undefined) throw new ScannerError('SCANNER_ANSWER')
  return known
}

/** The user is named by the account's id: rspamd keeps what it is told. */
function envelopeFields({ client, envelope, id }: Transaction): Record<string, string | string[]> {
  return {
    IP: client.address,
    Helo: printable(client.helo),
    From: envelope.sender === undefined ? '<>' : printable(formatAddress(envelope.sender)),
    Rcpt: envelope.recipients.map(({ address }) => printable(formatAddress(address))),
    'Queue-Id': id,
    ...(client.account === undefined ? {} : { User: client.account.id }),
  }
}

/** Header fields of HTTP are Latin-1: addresses beyond ASCII go as their bytes in UTF-8. */
function printable(text: string): string {
  return Buffer.from(text.replaceAll(/\p{Cc}/gu, '')).toString('latin1')
}
