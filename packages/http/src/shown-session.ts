/** What a request shows of the session of a page of ours: the cookie, and what keeps pages of other origins from using it. */
import type { FastifyRequest } from 'fastify'
import { SAFE } from './basic.ts'
import { readHostCookie } from './host-cookie.ts'

/** Nothing of it is believed yet. */
export interface ShownSession {
  readonly token: string
  /** Whether the request may change something (RFC 9110 §9.2.1): then the rest has to be right. */
  readonly changes: boolean
  /** Host and port under which the browser has reached us. */
  readonly host: string
  /** The headers Origin and X-CSRF-Token. */
  readonly origin: string | undefined
  readonly csrf: string | undefined
}

/** The cookie of whoever has signed in to the page of their account. */
export const ACCOUNT_COOKIE = 'account'

/** Of the cookie with this name; undefined when there is none. */
export function readShownSession(request: FastifyRequest, cookie: string): ShownSession | undefined {
  const token = readHostCookie(request, cookie)
  if (token === undefined) return undefined
  const { origin, 'x-csrf-token': csrf } = request.headers
  return {
    token,
    changes: !SAFE.has(request.method),
    host: request.host,
    origin,
    csrf: typeof csrf === 'string' ? csrf : undefined,
  }
}
