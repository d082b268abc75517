/**
 * The public pages: looking a key up, uploading one, and asking for the links that publish it. Plain HTML without script. Nobody is signed in here, so that no page of
 * another site can make anybody do what he could not do himself; what is answered is what the protocols answer.
 */
import { html, HttpProblem, lookAsHosts, sendPage } from '@sealpost/http'
import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  HostLook,
  Html,
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
import type { AddressStatus, CertificateStatus, Verification } from '../verification/verification.ts'

export interface PublicPagesOptions {
  readonly directory: Directory
  readonly verification: Verification
  readonly tokens: UploadTokens
  readonly events: KeysEvents
  /** How the pages of a host look. */
  readonly lookOf: (host: string) => Promise<HostLook>
}

const hidden = { schema: { hide: true }, config: { rateLimit: { max: 60 } } } as const
/** Keys of one upload that are shown with their addresses; of others it is only said what became of them. */
const DESCRIBED_MAX = 5
/** More than an upload has for which links can be asked. */
const ADDRESSES_MAX = 50
const LINK_FORM_BYTES_MAX = 32 * 1024

export const publicPages: FastifyPluginAsync<PublicPagesOptions> = async (app, options) => {
  app.setErrorHandler((error, _request, reply) => sendFailure(error, reply))
  lookAsHosts(app, options.lookOf)
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
  app.get('/keys', hidden, (_request, reply) => sendPage(reply, 200, 'Key directory', start()))
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
      return sendPage(reply, 400, 'Look up a key', html`${alert(SEARCH_HELP)} ${lookupForm(text)} ${back}`)
    }
  })
}

const SEARCH_HELP = 'This is neither one mail address nor a whole fingerprint or a long key id of 16 digits.'

/** People copy fingerprints in groups, and without `0x`. */
function withPrefix(text: string): string {
  const digits = text.replace(/^0x/i, '').replaceAll(/[\s:]/g, '')
  return /^[0-9a-f]{8,64}$/i.test(digits) ? `0x${digits}` : text
}

function start(): Html {
  return html`<p>Find the OpenPGP key of somebody you write to, or publish your own.</p>
    <h2>Look up a key</h2>
    ${lookupForm('')}
    <h2>Upload your key</h2>
    ${uploadForm()}
    <h2>Take your key off</h2>
    <p>
      <a href="/keys/manage">Ask for a link by mail</a>, with which you take your address or your key off the
      directory, also when the key has expired or is revoked.
    </p>`
}

function lookupForm(text: string): Html {
  return html`<form method="get" action="/keys/lookup">
    <label
      >Mail address, fingerprint or long key id<input
        name="search"
        value="${text.slice(0, 254)}"
        maxlength="254"
        autocomplete="off"
        autocapitalize="none"
        spellcheck="false"
        required
    /></label>
    <button>Look up</button>
  </form>`
}

function uploadForm(): Html {
  return html`<form method="post" action="/keys/upload" enctype="multipart/form-data">
    <label>File with your public key<input type="file" name="keytext" accept=".asc,.pgp,.gpg,.key" /></label>
    <label
      >Or its text<textarea
        name="keytext"
        rows="4"
        autocomplete="off"
        spellcheck="false"
        placeholder="-----BEGIN PGP PUBLIC KEY BLOCK-----"
      ></textarea>
    </label>
    <p class="soft">
      Never upload a secret key. Your address is shown only after you have followed a link that we mail to it.
    </p>
    <button>Upload</button>
  </form>`
}

const back = html`<p><a href="/keys">Key directory</a></p>`

function alert(text: string): Html {
  return html`<p class="alert" role="alert">${text}</p>`
}

function sendNothing(reply: FastifyReply, text: string): FastifyReply {
  return sendPage(
    reply,
    404,
    'No such key',
    html`<p>Nothing is published for this. Addresses and fingerprints are compared as a whole.</p>
      ${lookupForm(text)} ${back}`,
  )
}

function sendFound(reply: FastifyReply, found: readonly Listed[], text: string): FastifyReply {
  const title = found.length === 1 ? 'One key' : `${String(found.length)} keys`
  return sendPage(reply, 200, title, html`${found.map(describeKey)} ${lookupForm(text)} ${back}`)
}

function describeKey({ listing }: Listed): Html {
  const { fingerprint, version, algorithm, created, expires, revoked, userIds, subkeys } = listing
  const size = algorithm.bits === undefined ? '' : ` ${String(algorithm.bits)}`
  const state =
    revoked === undefined
      ? html`${expires === undefined ? 'It does not expire.' : `It is valid until ${day(expires)}.`}`
      : html`<strong>It is revoked: do not use it.</strong>`
  const names = userIds.map((each) => html`<li>${each.text}${each.revoked ? ' (revoked)' : ''}</li>`)
  return html`<pre>${groupFingerprint(fingerprint)}</pre>
    <p>
      Version ${String(version)}, ${algorithm.name}${size}, made on ${day(created)}. Subkeys:
      ${String(subkeys.length)}. ${state}
    </p>
    ${
      names.length === 0
        ? html`<p class="soft">Nobody has confirmed an address of it.</p>`
        : html`<ul>
            ${names}
          </ul>`
    }
    <p>
      <a class="button" href="/vks/v1/by-fingerprint/${fingerprint}" download="${fingerprint}.asc"
        >Download the key</a
      >
    </p>`
}

function day(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? 'a day beyond all calendars' : date.toISOString().slice(0, 10)
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
  if (certificates.length === 0)
    return sendPage(
      reply,
      422,
      'This key was not taken',
      html`${alert('Nothing in it is signed by its own key, or its kind is not supported.')} ${back}`,
    )
  const parts: Html[] = []
  for (const submitted of certificates.slice(0, DESCRIBED_MAX)) {
    const { fingerprint, named } = submitted
    const status = await verification.status({ fingerprint, named: (each) => named.includes(each) })
    parts.push(describeUploaded(submitted, status, tokens))
  }
  const more = certificates.length - parts.length
  if (more > 0) parts.push(html`<p>${String(more)} more keys were taken.</p>`)
  if (rejected > 0) parts.push(html`<p>${String(rejected)} keys were not: nothing in them is signed.</p>`)
  const title = certificates.length === 1 ? 'Your key is here' : 'Your keys are here'
  return sendPage(reply, 200, title, html`${parts} ${back}`)
}

const WORDS: Readonly<Record<AddressStatus, string>> = {
  unpublished: 'not shown',
  pending: 'a link was mailed and not followed yet',
  published: 'published',
  revoked: 'revoked',
}

function describeUploaded(
  { fingerprint, outcome }: Submitted,
  status: CertificateStatus | undefined,
  tokens: UploadTokens,
): Html {
  const head = html`<pre>${groupFingerprint(fingerprint)}</pre>`
  if (outcome === 'ignored' || status === undefined)
    return html`${head}
      <p>The owner of this key had it removed from this directory, so it was not taken.</p>`
  return html`${head}
    <p>Whoever knows the fingerprint finds the key. ${explain(status)}</p>
    ${statusList(status)} ${linksForm(status, tokens)}`
}

function explain({ addresses }: CertificateStatus): string {
  return Object.keys(addresses).length === 0
    ? 'It has no address that could be published.'
    : 'It is found by an address once the owner of the address has followed a link:'
}

function statusList({ addresses }: CertificateStatus): Html {
  const lines = Object.entries(addresses).map(([address, word]) => html`<li>${address}: ${WORDS[word]}</li>`)
  return lines.length === 0
    ? html``
    : html`<ul>
        ${lines}
      </ul>`
}

function linksForm({ fingerprint, addresses }: CertificateStatus, tokens: UploadTokens): Html {
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
      <legend>Mail a link to</legend>
      ${choices}
    </fieldset>
    <button>Send the links</button>
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
    return sendPage(
      reply,
      200,
      'Look into your mailbox',
      html`<p>A link is on its way to each address that you chose. It works for a day.</p>
        ${statusList(status)}
        <p class="soft">No more than a few mails an hour are sent to one address.</p>
        ${back}`,
    )
  })
}

/** Every failure as a page; unknown ones are for the common handler, which logs their code. */
function sendFailure(thrown: unknown, reply: FastifyReply): FastifyReply {
  const error = toHttpProblem(thrown)
  const [status, text] = explainFailure(error)
  if (status === undefined) throw error
  return sendPage(reply, status, 'That did not work', html`${alert(text)} ${back}`)
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
