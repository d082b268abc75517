/**
 * The pages behind the links in mails. Looking at one changes nothing, since mail scanners look at all of them; a button does it. Every page is plain HTML
 * without script, and says only what the holder of the link may know.
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
import type { KeysEvents } from '../events.ts'
import { tellWhenAway } from '../routes/problems.ts'
import { groupFingerprint } from '../verification/letters.ts'
import { VerificationError } from '../verification/verification.ts'
import type { Managed, Verification } from '../verification/verification.ts'
import { wordsOf, type KeyWords } from './words.ts'

export interface LinkPagesOptions {
  readonly verification: Verification
  readonly events: KeysEvents
  readonly lookOf: (request: FastifyRequest) => Promise<PageLook>
}

const hidden = { schema: { hide: true }, config: { rateLimit: { max: 60 } } } as const
const FORM_BYTES_MAX = 4 * 1024

interface WithToken {
  Params: { token: string }
}

type Form = { Body: URLSearchParams | undefined }

export const linkPages: FastifyPluginAsync<LinkPagesOptions> = async (app, options) => {
  tellWhenAway(app)
  lookAs(app, options.lookOf)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: FORM_BYTES_MAX },
    (_request, body, done) => done(null, new URLSearchParams(String(body))),
  )
  confirmPages(app, options)
  askPages(app, options)
  managePages(app, options)
  await Promise.resolve()
}

function confirmPages(app: FastifyInstance, { verification, events }: LinkPagesOptions): void {
  app.get<WithToken>('/keys/confirm/:token', hidden, async ({ params }, reply) => {
    const link = await verification.show(params.token, 'publish')
    if (link === undefined) return sendGone(reply)
    const words = wordsOf(reply)
    return sendPage(
      reply,
      200,
      words.publishTitle,
      html`${keyOf(words, link)}
        <p>${words.publishAbout}</p>
        <form method="post"><button>${words.publish}</button></form>
        <p class="soft">${words.notAsked}</p>`,
    )
  })

  app.post<WithToken>('/keys/confirm/:token', hidden, async ({ params }, reply) => {
    const link = await verification.confirm(params.token)
    if (link === undefined) return sendGone(reply)
    events.verification('confirmed')
    const words = wordsOf(reply)
    return sendPage(
      reply,
      200,
      words.published,
      html`${keyOf(words, link)}
        <p>${words.takeOffAgain}<a href="/keys/manage">${words.thisPage}</a>.</p>`,
    )
  })
}

function askPages(app: FastifyInstance, { verification }: LinkPagesOptions): void {
  app.get('/keys/manage', hidden, (_request, reply) => {
    const words = wordsOf(reply)
    return sendPage(
      reply,
      200,
      words.manage,
      html`<p>${words.manageAbout}</p>
        <form method="post">
          <label
            >${words.address}<input type="email" name="address" autocomplete="email" maxlength="254" required
          /></label>
          <button>${words.sendLink}</button>
        </form>
        <p><a href="/keys">${words.directory}</a></p>`,
    )
  })

  app.post<Form>('/keys/manage', hidden, async ({ body, ip }, reply) => {
    try {
      verification.requestManagement(body?.get('address') ?? '', ip)
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error
      throw new HttpProblem(429, 'too-many-mails', error.message)
    }
    const words = wordsOf(reply)
    return sendPage(
      reply,
      200,
      words.mailbox,
      html`<p>${words.linkSent}</p>
        <p class="soft">${words.fewMails}</p>`,
    )
  })
}

function managePages(app: FastifyInstance, { verification, events }: LinkPagesOptions): void {
  app.get<WithToken>('/keys/manage/:token', hidden, async ({ params }, reply) => {
    const managed = await verification.showManaged(params.token)
    if (managed === undefined) return sendGone(reply)
    const words = wordsOf(reply)
    return sendPage(reply, 200, words.manage, choices(words, managed))
  })

  app.post<WithToken & Form>('/keys/manage/:token', hidden, async ({ params, body }, reply) => {
    const action = body?.get('action')
    if (action !== 'unpublish' && action !== 'delete')
      throw new HttpProblem(400, 'action-missing', 'Choose what to do')
    const managed = await verification.manage(params.token, action)
    if (managed === undefined) return sendGone(reply)
    const deleted = action === 'delete'
    events.verification(deleted ? 'deleted' : 'unpublished')
    const words = wordsOf(reply)
    const text = deleted ? words.deletedAbout : words.unpublishedAbout
    return sendPage(reply, 200, deleted ? words.deleted : words.unpublished, html`<p>${text}</p>`)
  })
}

function choices(words: KeyWords, managed: Managed): Html {
  const deletion = managed.shared
    ? html`<p class="soft">${words.shared}</p>`
    : html`<p>${words.deleteAbout}</p>
        <form method="post"><button name="action" value="delete">${words.delete}</button></form>`
  return html`${keyOf(words, managed)}
    <p>${words.unpublishAbout}</p>
    <form method="post"><button name="action" value="unpublish">${words.unpublish}</button></form>
    ${deletion}`
}

function keyOf(words: KeyWords, { address, fingerprint }: Pick<Managed, 'address' | 'fingerprint'>): Html {
  return html`<p>${words.keyWith}</p>
    <pre>${groupFingerprint(fingerprint)}</pre>
    <p>${words.forAddress}<strong>${address}</strong>.</p>`
}

function sendGone(reply: FastifyReply): FastifyReply {
  const words = wordsOf(reply)
  return sendPage(reply, 404, words.gone, html`<p>${words.goneAbout}</p>`)
}
