/**
 * VKS version 1, the API of keys.openpgp.org (https://keys.openpgp.org/about/api): lookups in plain text, POST in JSON with a member `error` for what goes wrong.
 * Keys of version 6 are taken and verified as others are; they are answered by their fingerprint of 64 digits alone, since the clients of this API that
 * look for a key id or an address break on them.
 */
import { isConnectionError } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import { boundJson, Type } from '@sealpost/http'
import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  Static,
} from '@sealpost/http'
import { OpenPgpError, writeArmor } from '@sealpost/openpgp'
import { MailError, PortError } from '@sealpost/ports'
import { CertificateWorkerError } from '../certificates/certificate-worker.ts'
import { DirectoryError } from '../directory/directory.ts'
import type { Directory, Submission } from '../directory/directory.ts'
import type { Needle } from '../directory/store.ts'
import { parseSearch, SearchError } from '../directory/search.ts'
import type { KeysEvents } from '../events.ts'
import { answerAnybody } from './answer-anybody.ts'
import { JSON_BYTES_MAX, UPLOADS_PER_MINUTE } from './take-upload.ts'
import type { UploadTokens } from '../verification/upload-token.ts'
import { VerificationError } from '../verification/verification.ts'
import type { CertificateStatus, Verification } from '../verification/verification.ts'

export interface VksOptions {
  readonly directory: Directory
  readonly verification: Verification
  readonly tokens: UploadTokens
  readonly events: KeysEvents
}

/** Of one client. */
const REQUESTS_PER_MINUTE = 30
const RETRY_AFTER_SECONDS = 60
/** More than a certificate has. */
const ADDRESSES_MAX = 50

const Text = Type.String()
const Failure = Type.Object({ error: Type.String() })
const Status = Type.Object({
  key_fpr: Type.String(),
  status: Type.Record(
    Type.String(),
    Type.Union([
      Type.Literal('unpublished'),
      Type.Literal('published'),
      Type.Literal('revoked'),
      Type.Literal('pending'),
    ]),
  ),
  token: Type.String(),
})
/** Several keys at once: their fingerprints, and no token, as keys.openpgp.org does it. */
const Uploaded = Type.Union([Status, Type.Array(Type.String())])
const UploadBody = Type.Object({ keytext: Type.String() })
const RequestBody = Type.Object({
  token: Type.String(),
  addresses: Type.Array(Type.String(), { maxItems: ADDRESSES_MAX }),
})
const failures = { '4xx': Failure, '5xx': Failure } as const
const tags = ['keys']

export const vks: FastifyPluginAsync<VksOptions> = async (app, options) => {
  answerAnybody(app)
  app.setErrorHandler((error, request, reply) => sendFailure(error, request, reply, options))
  app.removeContentTypeParser('text/plain')
  boundJson(app, { depthMax: 2, valuesMax: 2 * ADDRESSES_MAX })
  app.addContentTypeParser('application/pgp-keys', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  )
  lookupRoute(app, 'fingerprint', options)
  lookupRoute(app, 'keyid', options)
  lookupRoute(app, 'email', options)
  uploadRoute(app, options)
  requestRoute(app, options)
  for (const path of ['upload', 'request-verify'])
    app.options(`/vks/v1/${path}`, { schema: { hide: true } }, (_request, reply) =>
      reply
        .code(204)
        .header('access-control-allow-methods', 'POST, OPTIONS')
        .header('access-control-allow-headers', 'content-type')
        .header('access-control-max-age', 86_400)
        .send(),
    )
  await Promise.resolve()
}

type LookupName = 'fingerprint' | 'keyid' | 'email'

function lookupRoute(app: FastifyInstance, name: LookupName, { directory, events }: VksOptions): void {
  app.get<{ Params: { what: string } }>(
    `/vks/v1/by-${name}/:what`,
    {
      schema: {
        summary: `Look up a key by ${name}`,
        tags,
        params: Type.Object({ what: Type.String() }),
        response: { 200: Text, 400: Text, 404: Text },
      },
    },
    async ({ params }, reply) => {
      const needle = readNeedle(name, params.what)
      if (needle === undefined) {
        events.lookupRefused()
        return sendText(reply, 400, `This is no ${WORDS[name]}.`)
      }
      const all = await directory.find(needle)
      const found = all.filter(({ fingerprint }) => name === 'fingerprint' || fingerprint.length === 40)
      events.lookup(needle.kind, found.length > 0)
      if (found.length === 0)
        return sendText(
          reply,
          404,
          all.length === 0 ? 'No key found' : 'This key is of version 6: look it up by fingerprint',
        )
      const checksum = found.every(({ fingerprint }) => fingerprint.length === 40)
      const bytes = Buffer.concat(found.map((each) => each.bytes))
      return reply.type('application/pgp-keys').send(writeArmor('PUBLIC KEY BLOCK', bytes, { checksum }))
    },
  )
}

const WORDS = { fingerprint: 'fingerprint', keyid: 'long key id', email: 'mail address' } as const
const HEX = { fingerprint: /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/, keyid: /^[0-9A-F]{16}$/ } as const

/** The API asks clients for upper case; lower case is read as well, a prefix is not. */
function readNeedle(name: LookupName, text: string): Needle | undefined {
  if (name !== 'email') {
    const value = text.toUpperCase()
    const kind = name === 'keyid' ? 'key-id' : 'fingerprint'
    return HEX[name].test(value) ? { kind, value } : undefined
  }
  try {
    const search = parseSearch(text)
    return search.kind === 'address' ? { kind: 'address', value: search.value } : undefined
  } catch (error) {
    if (error instanceof SearchError) return undefined
    throw error
  }
}

function uploadRoute(app: FastifyInstance, options: VksOptions): void {
  const { directory, events } = options
  app.post<{ Body: unknown }>(
    '/vks/v1/upload',
    {
      schema: {
        summary: 'Upload a key',
        description:
          'JSON with the armored or Base64 key in `keytext`; or the key itself as application/pgp-keys.',
        tags,
        body: { content: { 'application/json': { schema: UploadBody } } },
        response: { 200: Uploaded, ...failures },
      },
      bodyLimit: JSON_BYTES_MAX,
      config: { rateLimit: { max: UPLOADS_PER_MINUTE } },
    },
    async ({ body }, reply) => {
      const upload = Buffer.isBuffer(body) ? body : readKeytext(body)
      if (upload === undefined) return sendError(reply, 400, 'Send JSON with the key in keytext.')
      const submission = await directory.submit(upload)
      for (const { outcome } of submission.certificates) events.submitted(outcome)
      return answerUpload(submission, reply, options)
    },
  )
}

async function answerUpload(
  { certificates }: Submission,
  reply: FastifyReply,
  { verification, tokens }: VksOptions,
): Promise<FastifyReply> {
  const taken = certificates.filter(({ outcome }) => outcome !== 'ignored')
  const [first, ...more] = taken
  if (first === undefined)
    return certificates.length > 0
      ? sendError(reply, 403, 'The owner of this key had it removed from this directory.')
      : sendError(reply, 422, 'Nothing in this is signed by its own key, or its kind is not supported.')
  if (more.length > 0) return reply.send(taken.map(({ fingerprint }) => fingerprint))
  const { fingerprint, named } = first
  const status = await verification.status({ fingerprint, named: (each) => named.includes(each) })
  if (status === undefined) return sendError(reply, 503, 'The key was removed meanwhile.')
  return reply.send(describe(status, tokens))
}

function describe(
  { fingerprint, addresses }: CertificateStatus,
  tokens: UploadTokens,
): Static<typeof Status> {
  return {
    key_fpr: fingerprint,
    status: { ...addresses },
    token: tokens.make(fingerprint, Object.keys(addresses)),
  }
}

/** Armor is told by its line; anything else in the alphabet of Base64 is that. What it really is, the certificate layer says. In linear time: it runs where lookups are answered. */
function readKeytext(body: unknown): Buffer | undefined {
  const { keytext } = (body ?? {}) as { keytext?: unknown }
  if (typeof keytext !== 'string') return undefined
  const isBase64 = !keytext.includes('-----BEGIN') && !/[^A-Za-z0-9+/=\s]/.test(keytext)
  return Buffer.from(keytext, isBase64 ? 'base64' : 'utf8')
}

function requestRoute(app: FastifyInstance, { verification, tokens, events }: VksOptions): void {
  app.post<{ Body: Static<typeof RequestBody> }>(
    '/vks/v1/request-verify',
    {
      schema: {
        summary: 'Have links sent that publish a key for addresses',
        tags,
        body: RequestBody,
        response: { 200: Status, ...failures },
      },
      config: { rateLimit: { max: REQUESTS_PER_MINUTE } },
    },
    async ({ body, ip }, reply) => {
      const uploaded = tokens.read(body.token)
      if (uploaded === undefined)
        return sendError(reply, 400, 'This token is not valid, or an hour old. Upload the key again.')
      const status = await verification.request(uploaded, body.addresses, ip)
      events.verification('requested')
      return reply.send(describe(status, tokens))
    },
  )
}

const LATER = new Set([
  'CERTIFICATES_BUSY',
  'CERTIFICATES_LATE',
  'CERTIFICATES_ENDED',
  'KEYS_CONTENDED',
  'VERIFICATION_BUSY',
])

/** Every failure in the API's form; unknown ones are for the common handler, which logs their code. */
function sendFailure(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  { events }: VksOptions,
): FastifyReply {
  const [status, text] = explain(error)
  if (status === undefined) throw error
  events.uploadRefused(errorCode(error))
  if (status === 503 || status === 429) {
    if (!reply.hasHeader('retry-after')) reply.header('retry-after', RETRY_AFTER_SECONDS)
  }
  return request.method === 'POST' ? sendError(reply, status, text) : sendText(reply, status, text)
}

function explain(error: unknown): readonly [number, string] | readonly [undefined, ''] {
  if (error instanceof OpenPgpError) return [error.code === 'OPENPGP_TOO_LARGE' ? 413 : 422, error.message]
  if (error instanceof VerificationError) {
    const { code, message } = error
    return [code === 'VERIFICATION_LIMITED' ? 429 : code === 'VERIFICATION_UNKNOWN' ? 404 : 503, message]
  }
  if (error instanceof MailError || error instanceof PortError)
    return [503, `No mail was sent. ${error.message}.`]
  if (error instanceof CertificateWorkerError || error instanceof DirectoryError)
    return [LATER.has(error.code) ? 503 : 409, error.message]
  if (isConnectionError(error)) return [503, 'The directory is away. Try again later.']
  const { statusCode, validation } = error as { statusCode?: unknown; validation?: unknown }
  if (validation !== undefined)
    return [400, 'The request is not as https://keys.openpgp.org/about/api describes it.']
  const status = typeof statusCode === 'number' ? statusCode : (error as { status?: unknown }).status
  return typeof status === 'number' && status >= 400 && status < 500
    ? [status, WHY[status] ?? 'The request is not valid.']
    : [undefined, '']
}

const WHY: Readonly<Record<number, string>> = {
  400: 'The request is not valid JSON, or has more in it than a key needs.',
  413: 'This is larger than the directory takes.',
  415: 'Send application/json.',
  429: 'Too many requests. Try again later.',
}

function sendError(reply: FastifyReply, status: number, error: string): FastifyReply {
  return reply.code(status).type('application/json').send(JSON.stringify({ error }))
}

function sendText(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply.code(status).type('text/plain; charset=utf-8').send(`${text}\n`)
}
