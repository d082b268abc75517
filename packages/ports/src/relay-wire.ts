/** The relay's port over HTTP: its paths, and its answers as they are read on the other side. */
import { count, DAY, fields, flag, list, optional, text, UUID } from './answer.ts'
import type { RelayDevice, RelayQueue } from './relay.ts'

/**
 * As a router writes them; `account` and `device` are UUIDs. Answers are `{ items }`, `{ revoked }` for DELETE, `{ reached }` for POST of an
 * Announcement, `{ id }` for POST of a NewRelayDevice, `{ done }` for POST of `{ label }` and of nothing to sign-out, `{ known }` for POST of `{ type }`.
 */
export const RELAY_PATHS = {
  devices: '/internal/relay/accounts/:account/devices',
  label: '/internal/relay/accounts/:account/devices/:device/label',
  signOut: '/internal/relay/accounts/:account/devices/:device/sign-out',
  deviceType: '/internal/relay/accounts/:account/device-type',
  device: '/internal/relay/accounts/:account/devices/:device',
  queues: '/internal/relay/accounts/:account/queues',
  announce: '/internal/relay/announcements',
} as const

/** Whom one announcement may name. */
export const ANNOUNCED_MAX = 100_000

/** An account has a handful; more is no answer of ours. */
const ITEMS_MAX = 1_000
export const LABEL = /^[^\p{Cc}]{1,64}$/u

/** Throws PORT_FAILED, as the other readers do. */
export function readDevices(answer: unknown): RelayDevice[] {
  return list(fields(answer)['items'], ITEMS_MAX).map((item) => ({
    id: text(item['id'], UUID),
    createdOn: text(item['createdOn'], DAY),
    lastSeenOn: text(item['lastSeenOn'], DAY),
    registered: flag(item['registered']),
    waiting: count(item['waiting']),
    overrun: flag(item['overrun']),
    label: optional(item['label'], (value) => text(value, LABEL)),
    typed: flag(item['typed']),
    bound: flag(item['bound']),
  }))
}

export function readQueues(answer: unknown): RelayQueue[] {
  return list(fields(answer)['items'], ITEMS_MAX).map((item) => ({
    deviceId: optional(item['deviceId'], (value) => text(value, UUID)),
    messages: count(item['messages']),
    bytes: count(item['bytes']),
    oldestAgeSeconds: optional(item['oldestAgeSeconds'], count),
  }))
}

export function readRevoked(answer: unknown): boolean {
  return flag(fields(answer)['revoked'])
}

export function readBound(answer: unknown): string | undefined {
  return optional(fields(answer)['id'], (value) => text(value, UUID))
}

export function readDone(answer: unknown): boolean {
  return flag(fields(answer)['done'])
}

export function readKnown(answer: unknown): boolean {
  return flag(fields(answer)['known'])
}

export function readReached(answer: unknown): number {
  return count(fields(answer)['reached'])
}
