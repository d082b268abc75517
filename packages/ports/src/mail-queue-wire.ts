/** The port to mail that waits, over HTTP: its paths, and its answers as they are read on the other side. */
import { fields, type Fields } from './answer.ts'
import type { QueuedMail, QueuedRecipient } from './mail-queue.ts'
import { PortError } from './port-error.ts'

/** As a router writes them. The list takes `limit` and `account`; answers are `{ items }`, and `{ changed }` for POST. */
export const MAIL_QUEUE_PATHS = {
  queue: '/internal/mail/queue',
  mail: '/internal/mail/queue/:id',
  change: '/internal/mail/queue/:id/:change',
} as const

export const QUEUED_MAX = 200
const RECIPIENTS_MAX = 1_000
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const DOMAIN = /^[^\s@]{1,255}$/
const STATUS = /^[245]\.\d{1,3}\.\d{1,3}$/

/** Throws PORT_FAILED, as the other reader does. */
export function readQueued(answer: unknown): QueuedMail[] {
  return list(fields(answer)['items'], QUEUED_MAX).map((item) => ({
    id: text(item['id'], UUID),
    accountId: optional(item['accountId'], (value) => text(value, UUID)),
    acceptedAt: count(item['acceptedAt']),
    bytes: count(item['bytes']),
    hold: optional(item['hold'], holdReason),
    recipients: list(item['recipients'], RECIPIENTS_MAX).map(readRecipient),
  }))
}

export function readChanged(answer: unknown): boolean {
  const { changed } = fields(answer)
  if (typeof changed !== 'boolean') throw new PortError('PORT_FAILED')
  return changed
}

function readRecipient(item: Fields): QueuedRecipient {
  return {
    domain: text(item['domain'], DOMAIN),
    attempts: count(item['attempts']),
    nextAt: count(item['nextAt']),
    reason: optional(item['reason'], (value) => {
      const reason = fields(value)
      return { code: count(reason['code']), status: text(reason['status'], STATUS) }
    }),
  }
}

function holdReason(value: unknown): 'operator' | 'suspended' {
  if (value === 'operator' || value === 'suspended') return value
  throw new PortError('PORT_FAILED')
}

function list(value: unknown, max: number): Fields[] {
  if (!Array.isArray(value) || value.length > max) throw new PortError('PORT_FAILED')
  return value.map(fields)
}

function text(value: unknown, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw new PortError('PORT_FAILED')
  return value
}

function count(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new PortError('PORT_FAILED')
  return value
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value)
}
