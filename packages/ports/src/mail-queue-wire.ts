/** The port to mail that waits, over HTTP: its paths, and its answers as they are read on the other side. */
import { count, fields, type Fields, flag, list, oneOf, optional, text, UUID } from './answer.ts'
import type { QueuedMail, QueuedRecipient } from './mail-queue.ts'

/** As a router writes them. The list takes `limit` and `account`; answers are `{ items }`, and `{ changed }` for POST. */
export const MAIL_QUEUE_PATHS = {
  queue: '/internal/mail/queue',
  mail: '/internal/mail/queue/:id',
  change: '/internal/mail/queue/:id/:change',
} as const

export const QUEUED_MAX = 200
const RECIPIENTS_MAX = 1_000
const DOMAIN = /^[^\s@]{1,255}$/
const HOLD_REASONS = ['operator', 'suspended'] as const
const WORDS = /^\P{Cc}{1,500}$/u
const STATUS = /^[245]\.\d{1,3}\.\d{1,3}$/

/** Throws PORT_FAILED, as the other reader does. */
export function readQueued(answer: unknown): QueuedMail[] {
  return list(fields(answer)['items'], QUEUED_MAX).map((item) => ({
    id: text(item['id'], UUID),
    accountId: optional(item['accountId'], (value) => text(value, UUID)),
    acceptedAt: count(item['acceptedAt']),
    bytes: count(item['bytes']),
    hold: optional(item['hold'], (value) => oneOf(value, HOLD_REASONS)),
    recipients: list(item['recipients'], RECIPIENTS_MAX).map(readRecipient),
  }))
}

export function readChanged(answer: unknown): boolean {
  return flag(fields(answer)['changed'])
}

function readRecipient(item: Fields): QueuedRecipient {
  return {
    domain: text(item['domain'], DOMAIN),
    attempts: count(item['attempts']),
    nextAt: count(item['nextAt']),
    reason: optional(item['reason'], (value) => {
      const reason = fields(value)
      return {
        code: count(reason['code']),
        status: text(reason['status'], STATUS),
        words: optional(reason['words'], (words) => text(words, WORDS)),
      }
    }),
  }
}
