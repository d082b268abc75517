/** RFC 9116: whom to tell of a weakness. Not signed: who can change what this server serves could sign, too. */
import type { FastifyInstance } from '@sealpost/http'
import type { Clock } from '@sealpost/runtime'

const DAY_MS = 86_400_000
/** §2.5.5: less than a year ahead. The file is made anew for each who asks, so it never ends while somebody runs the server. */
const GOOD_FOR_DAYS = 180

export interface SecurityTxtOptions {
  /** The first domain: mail to its postmaster always reaches the operators. */
  readonly domain: string
  readonly origin: () => string
  readonly clock: Pick<Clock, 'now'>
}

export function registerSecurityTxt(
  app: FastifyInstance,
  { domain, origin, clock }: SecurityTxtOptions,
): void {
  app.get('/.well-known/security.txt', { schema: { hide: true } }, (_request, reply) => {
    const day = Math.floor(clock.now() / DAY_MS) + GOOD_FOR_DAYS
    const fields = [
      `Contact: mailto:postmaster@${domain}`,
      `Expires: ${new Date(day * DAY_MS).toISOString()}`,
      'Preferred-Languages: en',
      `Canonical: ${origin()}/.well-known/security.txt`,
    ]
    return reply.type('text/plain; charset=utf-8').send(fields.map((field) => `${field}\r\n`).join(''))
  })
}
