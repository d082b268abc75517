/** RFC 7929: what the administrator of a domain may put into its zone, so that keys are found by DNS. Made from what is published; nothing here signs or serves a zone. */
import { createHash } from 'node:crypto'
import { domainToASCII } from 'node:url'
import { normalizeAddress } from '@sealpost/openpgp'
import { Type } from '@sealpost/http'
import type { FastifyPluginAsync } from '@sealpost/http'
import { mailboxOf } from '../directory/mailbox.ts'
import type { Directory } from '../directory/directory.ts'
import type { KeysEvents } from '../events.ts'
import { answerAnybody } from './answer-anybody.ts'
import { tellWhenAway } from './problems.ts'

export interface DaneOptions {
  readonly directory: Directory
  readonly events: KeysEvents
  /** Domains served here. */
  readonly domains: readonly string[]
}

/** §3: of the SHA-256 of the local part, as it is written. */
const OWNER_BYTES = 28
/** RFC 1035 §3.2.1: a longer record would keep a name server from loading the zone. */
const RDATA_BYTES_MAX = 0xffff
const PLAIN = 'text/plain; charset=utf-8'

export const dane: FastifyPluginAsync<DaneOptions> = async (app, { directory, events, domains }) => {
  answerAnybody(app)
  tellWhenAway(app)
  const served = new Set(domains.map(domainToASCII))
  const schema = {
    summary: 'A record of DNS (OPENPGPKEY) with the key that is published for an address',
    tags: ['keys'],
    params: Type.Object({ address: Type.String({ maxLength: 320 }) }),
    response: { 200: Type.String(), 404: Type.String() },
  }
  app.get<{ Params: { address: string } }>('/keys/v1/dane/:address', { schema }, async (request, reply) => {
    const address = normalizeAddress(request.params.address)
    const mailbox = address === undefined ? undefined : mailboxOf(address)
    const known = address !== undefined && mailbox !== undefined && served.has(mailbox.domain)
    const key = known ? await directory.findForMailbox(mailbox.domain, mailbox.hash) : undefined
    events.lookup('address', key !== undefined)
    void reply.type(PLAIN)
    if (!known || key === undefined) return reply.code(404).send('No such key\n')
    if (key.length > RDATA_BYTES_MAX) return reply.code(404).send('This key is too large for DNS\n')
    const owner = ownerName(address.slice(0, address.indexOf('@')), mailbox.domain)
    return reply.send(`${owner} IN OPENPGPKEY ${key.toString('base64')}\n`)
  })
  await Promise.resolve()
}

/** §3 */
function ownerName(localPart: string, domain: string): string {
  const digest = createHash('sha256').update(localPart).digest().subarray(0, OWNER_BYTES)
  return `${digest.toString('hex')}._openpgpkey.${domain}.`
}
