/**
 * The public pages: looking a key up, uploading one, and asking for the links that publish it. Plain HTML without script. Nobody is signed in here, so that no page of
 * another site can make anybody do what he could not do himself; what is answered is what the protocols answer.
 */
import { html, HttpProblem, lookAs, sendPage } from '@sealpost/http'
import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  Html,
  PageLook,
} from '@sealpost/http'
import { OpenPgpError } from '@sealpost/openpgp'
import { MailError, PortError } from '@sealpost/ports'
import type { Directory, Submission, Submitted } from '../directory/directory.ts'
import { parseSearch, SearchError } from '../directory/search.ts'
import type { Listed } from '../directory/store.ts'
import type { KeysEvents } from '../events.ts'
import { toHttpProblem } from '../routes/problems.ts'
import { FORM_BYTES_MAX, formOf, UPLOADS_PER_MINUTE } from '../routes/take-upload.ts'
import { groupFingerprint } from '../verification/letters.ts'
import type { UploadTokens } from '../verification/upload-token.ts'
import { VerificationError } from '../verification/verification.ts'
import type { CertificateStatus, Verification } from '../verification/verification.ts'
import { wordsOf, type KeyWords } from './words.ts'

export interface PublicPagesOptions {
  readonly directory: Directory
  readonly verification: Verification
  readonly tokens: UploadTokens
  readonly events: KeysEvents
  readonly lookOf: (request: FastifyRequest) => Promise<PageLook>
}

const hidden = { schema: { hide: true }, config: { rateLimit: { max: 60 } } } as const
/** Keys of one upload that are shown with their addresses; of others it is only said what became of them. */
const DESCRIBED_MAX = 5
/** More than an upload has for which links can be asked. */
const ADDRESSES_MAX = 50
const LINK_FORM_BYTES_MAX = 32 * 1024

export const publicPages: FastifyPluginAsync<PublicPagesOptions> = async (app, options) => {
  app.setErrorHandler((error, _request, reply) => sendFailure(error, reply))
  lookAs(app, options.lookOf)
  app.removeAllContentTypeParsers()
  lookupPages(app, options)
  await app.register(async (forms) => {
    forms.addContentTypeParser(
      ['multipart/form-data', 'application/x-www-form-urlencoded'],
      { parseAs: 'buffer', bodyLimit: FORM_BYTES_MAX },
      (_request, body, done) => done(null, body),
    )
    uploadPage(forms, options)
    await Promise.resolve()
  })
  await app.register(async (forms) => {
    forms.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: LINK_FORM_BYTES_MAX },
      (_request, body, done) => done(null, new URLSearchParams(String(body))),
    )
    linksPage(forms, options)
    await Promise.resolve()
  })
}

function lookupPages(app: FastifyInstance, options: PublicPagesOptions): void {
  app.get('/keys', hidden, (_request, reply) =>
    sendPage(reply, 200, wordsOf(reply).directory, start(wordsOf(reply))),
  )
  app.get<{ Querystring: { search?: unknown } }>('/keys/lookup', hidden, async ({ query }, reply) => {
    const text = typeof query.search === 'string' ? query.search : ''
    const { directory, events } = options
    try {
      const needle = parseSearch(withPrefix(text.trim()))
      const found = await directory.list(needle)
      events.lookup(needle.kind, found.length > 0)
      return found.length === 0 ? sendNothing(reply, text) : sendFound(reply, found, text)
    } catch (error) {
      if (!(error instanceof SearchError)) throw error
      events.lookupRefused()
      const words = wordsOf(reply)
      const body = html`${alert(words.searchHelp)} ${lookupForm(words, text)} ${back(words)}`
      return sendPage(reply, 400, words.lookUpTitle, body)
    }
  })
}

/** People copy fingerprints in groups, and without `0x`. */
function withPrefix(text: string): string {
  const digits = text.replace(/^0x/i, '').replaceAll(/[\s:]/g, '')
  return /^[0-9a-f]{8,64}$/i.test(digits) ? `0x${digits}` : text
}

function start(words: KeyWords): Html {
  return html`<p>${words.start}</p>
    <h2>${words.lookUpTitle}</h2>
    ${lookupForm(words, '')}
    <h2>${words.uploadTitle}</h2>
    ${uploadForm(words)}
    <h2>${words.takeOffTitle}</h2>
    <p><a href="/keys/manage">${words.takeOffLink}</a>${words.takeOffRest}</p>`
}

function lookupForm(words: KeyWords, text: string): Html {
  return html`<form method="get" action="/keys/lookup">
    <label
      >${words.search}<input
        name="search"
        value="${text.slice(0, 254)}"
        maxlength="254"
        autocomplete="off"
        autocapitalize="none"
        spellcheck="false"
        required
    /></label>
    <button>${words.lookUp}</button>
  </form>`
}

function uploadForm(words: KeyWords): Html {
  return html`<form method="post" action="/keys/upload" enctype="multipart/form-data">
    <label>${words.file}<input type="file" name="keytext" accept=".asc,.pgp,.gpg,.key" /></label>
    <label
      >${words.text}<textarea
        name="keytext"
        rows="4"
        autocomplete="off"
        spellcheck="false"
        placeholder="-----BEGIN PGP PUBLIC KEY BLOCK-----"
      ></textarea>
    </label>
    <p class="soft">${words.secret}</p>
    <button>${words.upload}</button>
  </form>`
}

function back({ directory }: KeyWords): Html {
  return html`<p><a href="/keys">${directory}</a></p>`
}

function alert(text: string): Html {
  return html`<p class="alert" role="alert">${text}</p>`
}

function sendNothing(reply: FastifyReply, text: string): FastifyReply {
  const words = wordsOf(reply)
  const body = html`<p>${words.nothing}</p>
    ${lookupForm(words, text)} ${back(words)}`
  return sendPage(reply, 404, words.noKey, body)
}

function sendFound(reply: FastifyReply, found: readonly Listed[], text: string): FastifyReply {
  const words = wordsOf(reply)
  const keys = found.map((each) => describeKey(words, each))
  return sendPage(
    reply,
    200,
    words.found(found.length),
    html`${keys} ${lookupForm(words, text)} ${back(words)}`,
  )
}

function describeKey(words: KeyWords, { listing }: Listed): Html {
  const { fingerprint, version, algorithm, created, expires, revoked, userIds, subkeys } = listing
  const size = algorithm.bits === undefined ? '' : ` ${String(algorithm.bits)}`
  const state =
    revoked === undefined
      ? html`${expires === undefined ? words.noExpiry : words.expires(day(words, expires))}`
      : html`<strong>${words.revokedKey}</strong>`
  const names = userIds.map((each) => html`<li>${each.text}${each.revoked ? words.revokedName : ''}</li>`)
  const facts = words.facts(version, `${algorithm.name}${size}`, day(words, created), subkeys.length)
  return html`<pre>${groupFingerprint(fingerprint)}</pre>
    <p>${facts} ${state}</p>
    ${
      names.length === 0
        ? html`<p class="soft">${words.noNames}</p>`
        : html`<ul>
            ${names}
          </ul>`
    }
    <p>
      <a class="button" href="/vks/v1/by-fingerprint/${fingerprint}" download="${fingerprint}.asc"
        >${words.download}</a
      >
    </p>`
}

function day({ farDay }: KeyWords, seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? farDay : date.toISOString().slice(0, 10)
}

function uploadPage(app: FastifyInstance, options: PublicPagesOptions): void {
  const config = { rateLimit: { max: UPLOADS_PER_MINUTE } }
  app.post('/keys/upload', { ...hidden, config, bodyLimit: FORM_BYTES_MAX }, async (request, reply) => {
    const { directory, events } = options
    const submission = await directory.submit(bodyOf(request), formOf(request))
    for (const { outcome } of submission.certificates) events.submitted(outcome)
    return sendUploaded(reply, submission, options)
  })
}

function bodyOf({ body }: FastifyRequest): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0)
}

async function sendUploaded(
  reply: FastifyReply,
  { certificates, rejected }: Submission,
  { verification, tokens }: PublicPagesOptions,
): Promise<FastifyReply> {
  const words = wordsOf(reply)
  if (certificates.length === 0)
    return sendPage(reply, 422, words.notTaken, html`${alert(words.notSigned)} ${back(words)}`)
  const parts: Html[] = []
  for (const submitted of certificates.slice(0, DESCRIBED_MAX)) {
    const { fingerprint, named } = submitted
    const status = await verification.status({ fingerprint, named: (each) => named.includes(each) })
    parts.push(describeUploaded(words, submitted, { status, tokens }))
  }
  const more = certificates.length - parts.length
  if (more > 0) parts.push(html`<p>${words.moreTaken(more)}</p>`)
  if (rejected > 0) parts.push(html`<p>${words.moreRejected(rejected)}</p>`)
  return sendPage(reply, 200, words.taken(certificates.length), html`${parts} ${back(words)}`)
}

function describeUploaded(
  words: KeyWords,
  { fingerprint, outcome }: Submitted,
  { status, tokens }: { readonly status: CertificateStatus | undefined; readonly tokens: UploadTokens },
): Html {
  const head = html`<pre>${groupFingerprint(fingerprint)}</pre>`
  if (outcome === 'ignored' || status === undefined)
    return html`${head}
      <p>${words.removedByOwner}</p>`
  return html`${head}
    <p>${words.byFingerprint} ${explain(words, status)}</p>
    ${statusList(words, status)} ${linksForm(words, status, tokens)}`
}

function explain({ noAddress, byAddress }: KeyWords, { addresses }: CertificateStatus): string {
  return Object.keys(addresses).length === 0 ? noAddress : byAddress
}

function statusList({ statuses }: KeyWords, { addresses }: CertificateStatus): Html {
  const lines = Object.entries(addresses).map(
    ([address, word]) => html`<li>${address}: ${statuses[word]}</li>`,
  )
  return lines.length === 0
    ? html``
    : html`<ul>
        ${lines}
      </ul>`
}

function linksForm(
  words: KeyWords,
  { fingerprint, addresses }: CertificateStatus,
  tokens: UploadTokens,
): Html {
  const open = Object.entries(addresses).filter(([, word]) => word === 'unpublished' || word === 'pending')
  if (open.length === 0) return html``
  const choices = open.map(
    ([address]) =>
      html`<label class="choice"
        ><input type="checkbox" name="address" value="${address}" checked /> ${address}</label
      >`,
  )
  return html`<form method="post" action="/keys/links">
    <input type="hidden" name="token" value="${tokens.make(fingerprint, Object.keys(addresses))}" />
    <fieldset>
      <legend>${words.mailTo}</legend>
      ${choices}
    </fieldset>
    <button>${words.sendLinks}</button>
  </form>`
}

function linksPage(app: FastifyInstance, { verification, tokens, events }: PublicPagesOptions): void {
  app.post<{ Body: URLSearchParams | undefined }>('/keys/links', hidden, async ({ body, ip }, reply) => {
    const uploaded = tokens.read(body?.get('token') ?? '')
    if (uploaded === undefined)
      throw new HttpProblem(400, 'token-old', 'This page is more than an hour old. Upload the key again.')
    const addresses = body?.getAll('address').slice(0, ADDRESSES_MAX) ?? []
    const status = await verification.request(uploaded, addresses, ip)
    events.verification('requested')
    const words = wordsOf(reply)
    return sendPage(
      reply,
      200,
      words.mailbox,
      html`<p>${words.linksSent}</p>
        ${statusList(words, status)}
        <p class="soft">${words.fewMails}</p>
        ${back(words)}`,
    )
  })
}

/** Every failure as a page; unknown ones are for the common handler, which logs their code. */
function sendFailure(thrown: unknown, reply: FastifyReply): FastifyReply {
  const error = toHttpProblem(thrown)
  const [status, text] = explainFailure(error)
  if (status === undefined) throw error
  const words = wordsOf(reply)
  return sendPage(
    reply,
    status,
    words.failed,
    html`<div lang="en">${alert(text)}</div>
      ${back(words)}`,
  )
}

function explainFailure(error: unknown): readonly [number, string] | readonly [undefined, ''] {
  if (error instanceof HttpProblem) return [error.status, error.title]
  if (error instanceof OpenPgpError) return [error.code === 'OPENPGP_TOO_LARGE' ? 413 : 422, error.message]
  if (error instanceof VerificationError) {
    const { code, message } = error
    return [code === 'VERIFICATION_LIMITED' ? 429 : code === 'VERIFICATION_UNKNOWN' ? 404 : 503, message]
  }
  if (error instanceof MailError || error instanceof PortError)
    return [503, `No mail was sent. ${error.message}.`]
  const { statusCode } = error as { statusCode?: unknown }
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
    ? [statusCode, statusCode === 413 ? 'This is larger than the directory takes.' : 'The form is not valid.']
    : [undefined, '']
}
