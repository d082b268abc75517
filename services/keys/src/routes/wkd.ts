/**
 * draft-koch-openpgp-webkey-service §3.1, §4.1, §4.5: Web Key Directory, direct and advanced, for the domains that are served here, and where keys are submitted by mail.
 * User ids may have names (no `mailbox-only`), and each submission is confirmed by mail (no `auth-submit`).
 */
import { domainToASCII } from 'node:url'
import { KEY_SUBMISSION_NAME } from '@sealpost/accounts'
import { Type } from '@sealpost/http'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from '@sealpost/http'
import { readZBase32 } from '../directory/z-base-32.ts'
import type { Directory } from '../directory/directory.ts'
import { localPartHash } from '../directory/mailbox.ts'
import type { KeysEvents } from '../events.ts'
import { DRAFT_VERSION } from '../web-key-service/submission-mail.ts'
import type { SubmissionKeys } from '../web-key-service/submission-keys.ts'
import { answerAnybody } from './answer-anybody.ts'
import { tellWhenAway } from './problems.ts'
import { sendCertificates } from './send-certificates.ts'

export interface WkdOptions {
  readonly directory: Directory
  readonly submissionKeys: Pick<SubmissionKeys, 'addressOf' | 'secretOf'>
  readonly events: KeysEvents
  /** Domains served here. */
  readonly domains: readonly string[]
}

const ROOT = '/.well-known/openpgpkey'
const HASH_BYTES = 20
const PLAIN = 'text/plain; charset=utf-8'
const SUBMISSION_HASH = localPartHash(KEY_SUBMISSION_NAME)

export const wkd: FastifyPluginAsync<WkdOptions> = async (app, options) => {
  answerAnybody(app)
  tellWhenAway(app)
  const served = new Set(options.domains.map(domainToASCII))
  /** §3.1: of the advanced method in the path, of the direct one the host. Undefined when it is not served here. */
  const domainOf = (request: FastifyRequest): string | undefined => {
    const { domain = request.hostname } = request.params as { domain?: string }
    const ascii = domainToASCII(domain)
    return served.has(ascii) ? ascii : undefined
  }
  for (const [root, method] of [
    [ROOT, 'direct'],
    [`${ROOT}/:domain`, 'advanced'],
  ] as const) {
    keyRoute(app, `${root}/hu/:hash`, { ...options, method, domainOf })
    for (const [name, write] of FILES)
      app.get(`${root}/${name}`, { schema: { hide: true } }, (request, reply) => {
        const domain = domainOf(request)
        const address = domain && options.submissionKeys.addressOf(domain)
        return address === undefined ? notFound(reply) : reply.type(PLAIN).send(write(address))
      })
  }
  app.get(`${ROOT}/*`, { schema: { hide: true } }, (_request, reply) => notFound(reply))
  await Promise.resolve()
}

/** §4.1: one line, the address. §4.5: keywords, a line each. */
const FILES: readonly (readonly [string, (address: string) => string])[] = [
  ['submission-address', (address) => `${address}\n`],
  ['policy', (address) => `protocol-version: ${String(DRAFT_VERSION)}\nsubmission-address: ${address}\n`],
]

/** The same for every address without a key, whyever it has none. */
function notFound(reply: FastifyReply): FastifyReply {
  return reply.code(404).type(PLAIN).send('No such key\n')
}

interface KeyRouteOptions extends WkdOptions {
  readonly method: 'direct' | 'advanced'
  readonly domainOf: (request: FastifyRequest) => string | undefined
}

function keyRoute(app: FastifyInstance, path: string, options: KeyRouteOptions): void {
  const { directory, submissionKeys, events, method, domainOf } = options
  const schema = {
    summary: `Look up the key of a mail address by the hash of its local part (${method} method)`,
    tags: ['keys'],
    response: { 404: Type.String() },
  }
  app.get(path, { schema }, async (request, reply) => {
    const domain = domainOf(request)
    const hash = readZBase32((request.params as { hash: string }).hash)
    const { l: localPart } = request.query as { l?: unknown }
    if (domain === undefined || hash?.length !== HASH_BYTES) return notFound(reply)
    // Made when it is first asked for.
    if (hash.equals(SUBMISSION_HASH)) await submissionKeys.secretOf(domain)
    const asked = typeof localPart === 'string' ? localPart : undefined
    const bytes = await directory.findForMailbox(domain, hash, asked)
    events.lookup('address', bytes !== undefined)
    return bytes === undefined
      ? notFound(reply)
      : sendCertificates(request, reply, { bytes, type: 'application/octet-stream' })
  })
}
