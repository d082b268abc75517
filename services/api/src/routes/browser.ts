/** The session cookie, and what keeps pages of other origins from using it: SameSite, the header Origin, and a token that only pages of ours can read. */
import {
  clearHostCookie,
  HttpProblem,
  isConfidential,
  readHostCookie,
  setHostCookie,
  type FastifyReply,
  type FastifyRequest,
} from '@sealpost/http'
import { csrfOf, isCsrfOf } from '../access/sessions.ts'
import type { Browser } from '../commands/command.ts'

/** Of administrators, and of owners of accounts. */
const COOKIE = 'session'
const ACCOUNT_COOKIE = 'account'
/** RFC 9110 §9.2.1. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

const reject = {
  noTls: () => new HttpProblem(403, 'tls-required', 'A session begins over TLS only'),
  origin: () => new HttpProblem(403, 'origin-refused', 'Pages of another origin may not do that'),
  csrf: () => new HttpProblem(403, 'csrf-token-refused', 'The header X-CSRF-Token is missing or wrong'),
} as const

export function readSessionToken(request: FastifyRequest): string | undefined {
  return readHostCookie(request, COOKIE)
}

export function clearSession(reply: FastifyReply): void {
  clearHostCookie(reply, COOKIE)
}

export function readAccountToken(request: FastifyRequest): string | undefined {
  return readHostCookie(request, ACCOUNT_COOKIE)
}

export function clearAccountSession(reply: FastifyReply): void {
  clearHostCookie(reply, ACCOUNT_COOKIE)
}

/** Of a request that is believed for its cookie. */
export function checkSentByUs({ method, headers }: FastifyRequest, token: string, origin: string): void {
  if (SAFE.has(method)) return
  if (headers.origin !== origin) throw reject.origin()
  const shown = headers['x-csrf-token']
  if (typeof shown !== 'string' || !isCsrfOf(token, shown)) throw reject.csrf()
}

export function browserOf(request: FastifyRequest, reply: FastifyReply, origin: string): Browser {
  return {
    ...cookieOf(request, reply, COOKIE),
    account: cookieOf(request, reply, ACCOUNT_COOKIE),
    client: request.ip,
    checkMayStart() {
      if (!isConfidential(request)) throw reject.noTls()
      if (request.headers.origin !== undefined && request.headers.origin !== origin) throw reject.origin()
    },
  }
}

function cookieOf(request: FastifyRequest, reply: FastifyReply, name: string): Browser['account'] {
  const token = readHostCookie(request, name)
  return {
    csrf: token && csrfOf(token),
    start(started) {
      setHostCookie(reply, name, started)
      return csrfOf(started)
    },
    end: () => clearHostCookie(reply, name),
  }
}
