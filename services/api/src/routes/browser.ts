/** The session cookie, and what keeps pages of other origins from using it: SameSite, the header Origin, and a token that only pages of ours can read. */
import {
  ACCOUNT_COOKIE,
  clearHostCookie,
  HttpProblem,
  isConfidential,
  readHostCookie,
  readShownSession,
  setHostCookie,
  type FastifyReply,
  type FastifyRequest,
  type ShownSession,
} from '@sealpost/http'
import { csrfOf, isCsrfOf } from '../access/sessions.ts'
import type { Browser } from '../commands/command.ts'

/** Of administrators. */
const COOKIE = 'session'

const reject = {
  noTls: () => new HttpProblem(403, 'tls-required', 'A session begins over TLS only'),
  origin: () => new HttpProblem(403, 'origin-refused', 'Pages of another origin may not do that'),
  csrf: () => new HttpProblem(403, 'csrf-token-refused', 'The header X-CSRF-Token is missing or wrong'),
} as const

export function readSession(request: FastifyRequest): ShownSession | undefined {
  return readShownSession(request, COOKIE)
}

export function clearSession(reply: FastifyReply): void {
  clearHostCookie(reply, COOKIE)
}

export function readAccountSession(request: FastifyRequest): ShownSession | undefined {
  return readShownSession(request, ACCOUNT_COOKIE)
}

export function clearAccountSession(reply: FastifyReply): void {
  clearHostCookie(reply, ACCOUNT_COOKIE)
}

/**
 * Where pages of accounts are: at our own address, and at any other by which a browser has reached us, such as the host of an organisation. Cookies are of one
 * host, and no page elsewhere can have a browser say that it is here.
 */
export function originsOfAccounts({ host }: Pick<ShownSession, 'host'>, own: string): readonly string[] {
  return [own, `https://${host}`]
}

/** What about a request says that no page of ours has sent it; undefined: nothing. `origins`: where our pages are. */
export function foreignness(
  { token, changes, origin, csrf }: ShownSession,
  origins: readonly string[],
): 'origin' | 'csrf' | undefined {
  if (!changes) return undefined
  if (origin === undefined || !origins.includes(origin)) return 'origin'
  return csrf !== undefined && isCsrfOf(token, csrf) ? undefined : 'csrf'
}

/** Of a request that is believed for its cookie. */
export function checkSentByUs(shown: ShownSession, origins: readonly string[]): void {
  const found = foreignness(shown, origins)
  if (found !== undefined) throw reject[found]()
}

export function browserOf(request: FastifyRequest, reply: FastifyReply, origin: string): Browser {
  return {
    ...cookieOf(request, reply, COOKIE),
    checkMayStart: () => checkMayStart(request, [origin]),
    account: {
      ...cookieOf(request, reply, ACCOUNT_COOKIE),
      checkMayStart: () => checkMayStart(request, originsOfAccounts(request, origin)),
    },
    client: request.ip,
  }
}

function checkMayStart(request: FastifyRequest, origins: readonly string[]): void {
  if (!isConfidential(request)) throw reject.noTls()
  const { origin } = request.headers
  if (origin !== undefined && !origins.includes(origin)) throw reject.origin()
}

function cookieOf(
  request: FastifyRequest,
  reply: FastifyReply,
  name: string,
): Pick<Browser, 'csrf' | 'start' | 'end'> {
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
