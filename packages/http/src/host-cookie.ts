/** Cookies that only this very host gets back, over TLS only, and that no script reads (RFC 6265bis §4.1.3.2: `__Host-`). */
import cookie from '@fastify/cookie'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

const ATTRIBUTES = { path: '/', secure: true, httpOnly: true, sameSite: 'strict' } as const

export async function parseCookies(app: FastifyInstance): Promise<void> {
  await app.register(cookie)
}

/** The cookie `__Host-NAME`; undefined when the client sends none. */
export function readHostCookie(request: FastifyRequest, name: string): string | undefined {
  return request.cookies[`__Host-${name}`]
}

/** Until the browser is closed: how long it is worth something is decided here, not there. */
export function setHostCookie(reply: FastifyReply, name: string, value: string): void {
  reply.setCookie(`__Host-${name}`, value, ATTRIBUTES)
}

export function clearHostCookie(reply: FastifyReply, name: string): void {
  reply.clearCookie(`__Host-${name}`, ATTRIBUTES)
}
