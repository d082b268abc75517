/** Sessions of administrators: a cookie of 256 random bits, kept as its SHA-256; over at rest and in the end. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { dayOf } from '@sealpost/accounts'
import type { Clock, Random } from '@sealpost/runtime'
import { AccessError } from './access-error.ts'
import type { AccessStore, AdministratorRow, SessionMethod, SessionRow, SessionStore } from './store.ts'

export const TOKEN_BYTES = 32
export const TOKEN_PATTERN = /^[A-Za-z0-9_-]{43}$/
/** When sessions are over by themselves; in milliseconds. */
export interface SessionTimes {
  /** Nothing was asked for so long. */
  readonly restMs: number
  /** From the beginning, however busy it is. */
  readonly lifeMs: number
}

export const SESSION_TIMES: SessionTimes = { restMs: 30 * 60_000, lifeMs: 12 * 3_600_000 }
/** How long somebody who has proven themselves may do what cannot be taken back. */
const PROOF_MS = 5 * 60_000
/** How finely rest is measured. */
export const TOUCH_MS = 60_000

export interface Session {
  readonly id: string
  readonly administrator: AdministratorRow
  /** Until when what cannot be taken back is allowed; undefined: it is not. Milliseconds since the epoch. */
  readonly provedUntil: number | undefined
}

export interface Sessions {
  /** Signing in is a proof. The token is for the cookie, and answered here only. */
  start(administratorId: string, method: SessionMethod): Promise<string>
  /** Undefined: there is none, or not any more. */
  find(token: string): Promise<Session | undefined>
  /** Five minutes from now, in milliseconds since the epoch. */
  prove(id: string): Promise<number>
  /** Those that are worth something, the newest first. */
  list(administratorId: string): Promise<SessionRow[]>
  /** SESSION_UNKNOWN. */
  end(administratorId: string, id: string): Promise<void>
  eraseExpired(): Promise<void>
}

interface Parts {
  readonly store: SessionStore
  readonly administrators: Pick<AccessStore, 'recordUse'>
  readonly clock: Clock
  readonly random: Random
  readonly times: SessionTimes
}

export function createSessions({ store, administrators, clock, random, times }: Parts): Sessions {
  return {
    async start(administratorId, method) {
      const token = random.token(TOKEN_BYTES)
      const now = clock.now()
      const began = { startedAt: now, seenAt: now, provedAt: now }
      await store.insertSession({ id: random.uuid(), administratorId, method, ...began }, hashToken(token))
      await administrators.recordUse(administratorId, dayOf(now))
      return token
    },

    async find(token) {
      if (!TOKEN_PATTERN.test(token)) return undefined
      const found = await store.session(hashToken(token))
      if (found === undefined || isOver(found.session, times, clock.now())) return undefined
      const { session, administrator } = found
      const now = clock.now()
      if (session.seenAt + TOUCH_MS <= now) await store.touchSession(session.id, now)
      const provedUntil = session.provedAt + PROOF_MS
      return { id: session.id, administrator, provedUntil: provedUntil > now ? provedUntil : undefined }
    },

    async prove(id) {
      const now = clock.now()
      await store.proveSession(id, now)
      return now + PROOF_MS
    },

    list: async (administratorId) =>
      (await store.sessions(administratorId)).filter((session) => !isOver(session, times, clock.now())),

    async end(administratorId, id) {
      if (!(await store.endSession(administratorId, id))) throw new AccessError('SESSION_UNKNOWN')
    },

    eraseExpired: () => store.eraseSessions(clock.now() - times.lifeMs, clock.now() - times.restMs),
  }
}

/** By rest or by age. */
function isOver(
  { startedAt, seenAt }: Pick<SessionRow, 'startedAt' | 'seenAt'>,
  { restMs, lifeMs }: SessionTimes,
  now: number,
): boolean {
  return startedAt + lifeMs <= now || seenAt + restMs <= now
}

export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** What a page of ours sends back with each change, since it can read it and no page of another origin can. */
export function csrfOf(token: string): string {
  return createHmac('sha256', token).update('sealpost csrf').digest('base64url')
}

export function isCsrfOf(token: string, shown: string): boolean {
  const [expected, given] = [Buffer.from(csrfOf(token)), Buffer.from(shown)]
  return expected.length === given.length && timingSafeEqual(expected, given)
}
