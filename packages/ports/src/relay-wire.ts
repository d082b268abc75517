/** The relay's port over HTTP: its paths, and its answers as they are read on the other side. */
import { fields, type Fields } from './answer.ts'
import { PortError } from './port-error.ts'
import type { RelayDevice, RelayQueue } from './relay.ts'

/** As a router writes them; `account` and `device` are UUIDs. Answers are `{ items }`, and `{ revoked }` for DELETE. */
export const RELAY_PATHS = {
  devices: '/internal/relay/accounts/:account/devices',
  device: '/internal/relay/accounts/:account/devices/:device',
  queues: '/internal/relay/accounts/:account/queues',
} as const

/** An account has a handful; more is no answer of ours. */
const ITEMS_MAX = 1_000
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const DAY = /^\d{4}-\d\d-\d\d$/

/** Throws PORT_FAILED, as the other readers do. */
export function readDevices(answer: unknown): RelayDevice[] {
  return readItems(answer).map((item) => ({
    id: text(item['id'], UUID),
    createdOn: text(item['createdOn'], DAY),
    lastSeenOn: text(item['lastSeenOn'], DAY),
    registered: flag(item['registered']),
    waiting: count(item['waiting']),
    overrun: flag(item['overrun']),
  }))
}

export function readQueues(answer: unknown): RelayQueue[] {
  return readItems(answer).map((item) => ({
    deviceId: optional(item['deviceId'], (value) => text(value, UUID)),
    messages: count(item['messages']),
    bytes: count(item['bytes']),
    oldestAgeSeconds: optional(item['oldestAgeSeconds'], count),
  }))
}

export function readRevoked(answer: unknown): boolean {
  return flag(fields(answer)['revoked'])
}

function readItems(answer: unknown): Fields[] {
  const { items } = fields(answer)
  if (!Array.isArray(items) || items.length > ITEMS_MAX) throw new PortError('PORT_FAILED')
  return items.map(fields)
}

function text(value: unknown, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw new PortError('PORT_FAILED')
  return value
}

function flag(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new PortError('PORT_FAILED')
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
