/** RFC 7617: HTTP Basic, and whether a password may be shown on this connection at all. */
import type { FastifyRequest } from 'fastify'
import { isLocalSocket } from './listener.ts'

/** RFC 7617 §2.1 */
const BASIC = 'Basic realm="Sealpost", charset="UTF-8"'
/** Of no scheme that browsers know: they would ask for a password themselves, over a page that has a form for it. */
const FORM = 'Form realm="Sealpost"'

/** RFC 9110 §9.2.1 */
export const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** The value of WWW-Authenticate (RFC 9110 §11.6.1). Scripts of pages are told from programs by what browsers say of their requests (Fetch Metadata, Sec-Fetch-Dest). */
export function challengeFor({ headers }: Pick<FastifyRequest, 'headers'>): string {
  return headers['sec-fetch-dest'] === 'empty' ? FORM : BASIC
}

/** `user:password` as it was sent; undefined when the header is of another scheme or not there (RFC 9110 §11.4). */
export function readBasic({ headers }: FastifyRequest): Buffer | undefined {
  const [scheme = '', value = '', ...rest] = headers.authorization?.split(' ') ?? []
  if (scheme.toLowerCase() !== 'basic' || rest.length > 0 || value === '') return undefined
  return Buffer.from(value, 'base64')
}

/**
 * Whether a page of another origin has a browser change something here: it may remember a name and password that were once typed for us, and adds them to what any
 * page sends. Programs name no origin.
 */
export function isForeignChange(request: FastifyRequest): boolean {
  const { origin } = request.headers
  if (SAFE.has(request.method) || origin === undefined) return false
  return origin !== `${request.protocol}://${request.host}`
}

/** TLS to us, TLS to a trusted proxy, or a connection that does not leave the machine. */
export function isConfidential(request: FastifyRequest): boolean {
  if (request.protocol === 'https' || isLocalSocket(request)) return true
  const { remoteAddress = '' } = request.raw.socket
  return request.headers['x-forwarded-for'] === undefined && /^(?:::ffff:)?127\.|^::1$/.test(remoteAddress)
}
