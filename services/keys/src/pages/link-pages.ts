/**
 * The pages behind the links in mails. Looking at one changes nothing, since mail scanners look at all of them; a button does it. Every page is plain HTML
 * without script, and says only what the holder of the link may know.
 */
import { html, HttpProblem, lookAsHosts, sendPage } from '@sealpost/http'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, HostLook, Html } from '@sealpost/http'
import type { KeysEvents } from '../events.ts'
import { tellWhenAway } from '../routes/problems.ts'
import { groupFingerprint } from '../verification/letters.ts'
import { VerificationError } from '../verification/verification.ts'
import type { Managed, Verification } from '../verification/verification.ts'

export interface LinkPagesOptions {
  readonly verification: Verification
  readonly events: KeysEvents
  /** How the pages of a host look. */
  readonly lookOf: (host: string) => Promise<HostLook>
}

const hidden = { schema: { hide: true }, config: { rateLimit: { max: 60 } } } as const
const FORM_BYTES_MAX = 4 * 1024

interface WithToken {
  Params: { token: string }
}

type Form = { Body: URLSearchParams | undefined }

export const linkPages: FastifyPluginAsync<LinkPagesOptions> = async (app, options) => {
  tellWhenAway(app)
  lookAsHosts(app, options.lookOf)
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
    return sendPage(
      reply,
      200,
      'Publish your key?',
      html`${keyOf(link)}
        <p>Everybody who looks for this address will find this key, and no other.</p>
        <form method="post"><button>Publish this key</button></form>
        <p class="soft">If you did not ask for this, close the page: nothing happens.</p>`,
    )
  })

  app.post<WithToken>('/keys/confirm/:token', hidden, async ({ params }, reply) => {
    const link = await verification.confirm(params.token)
    if (link === undefined) return sendGone(reply)
    events.verification('confirmed')
    return sendPage(
      reply,
      200,
      'Your key is published',
      html`${keyOf(link)}
        <p>To take it off again, ask for a link on <a href="/keys/manage">this page</a>.</p>`,
    )
  })
}

function askPages(app: FastifyInstance, { verification }: LinkPagesOptions): void {
  app.get('/keys/manage', hidden, (_request, reply) =>
    sendPage(
      reply,
      200,
      'Manage your key',
      html`<p>We send a link with which to take your address or your key off the directory.</p>
        <form method="post">
          <label
            >Mail address<input type="email" name="address" autocomplete="email" maxlength="254" required
          /></label>
          <button>Send the link</button>
        </form>
        <p><a href="/keys">Key directory</a></p>`,
    ),
  )

  app.post<Form>('/keys/manage', hidden, async ({ body, ip }, reply) => {
    try {
      verification.requestManagement(body?.get('address') ?? '', ip)
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error
      throw new HttpProblem(429, 'too-many-mails', error.message)
    }
    return sendPage(
      reply,
      200,
      'Look into your mailbox',
      html`<p>If a key is published for this address, a link is on its way to it.</p>
        <p class="soft">No more than a few mails an hour are sent to one address.</p>`,
    )
  })
}

function managePages(app: FastifyInstance, { verification, events }: LinkPagesOptions): void {
  app.get<WithToken>('/keys/manage/:token', hidden, async ({ params }, reply) => {
    const managed = await verification.showManaged(params.token)
    return managed === undefined ? sendGone(reply) : sendPage(reply, 200, 'Manage your key', choices(managed))
  })

  app.post<WithToken & Form>('/keys/manage/:token', hidden, async ({ params, body }, reply) => {
    const action = body?.get('action')
    if (action !== 'unpublish' && action !== 'delete')
      throw new HttpProblem(400, 'action-missing', 'Choose what to do')
    const managed = await verification.manage(params.token, action)
    if (managed === undefined) return sendGone(reply)
    const deleted = action === 'delete'
    events.verification(deleted ? 'deleted' : 'unpublished')
    const text = deleted
      ? 'The key is deleted. Nobody can upload it again; if it was revoked, that stays known.'
      : 'The address is taken off. Who knows the fingerprint of the key still finds it, without the address.'
    return sendPage(
      reply,
      200,
      deleted ? 'Your key is deleted' : 'Your address is taken off',
      html`<p>${text}</p>`,
    )
  })
}

function choices(managed: Managed): Html {
  const deletion = managed.shared
    ? html`<p class="soft">
        The key is published for other addresses too. When they are taken off as well, it can be deleted.
      </p>`
    : html`<p>Delete the key: it is not found any more, and cannot be uploaded again.</p>
        <form method="post"><button name="action" value="delete">Delete the key</button></form>`
  return html`${keyOf(managed)}
    <p>
      Take the address off: the key is not found by it any more. Who knows its fingerprint still finds it,
      without the address.
    </p>
    <form method="post"><button name="action" value="unpublish">Take the address off</button></form>
    ${deletion}`
}

function keyOf({ address, fingerprint }: Pick<Managed, 'address' | 'fingerprint'>): Html {
  return html`<p>The key with the fingerprint</p>
    <pre>${groupFingerprint(fingerprint)}</pre>
    <p>for the address <strong>${address}</strong>.</p>`
}

function sendGone(reply: FastifyReply): FastifyReply {
  return sendPage(
    reply,
    404,
    'This link does not work any more',
    html`<p>
      It was used, it is older than a day, or what it was for has changed meanwhile. Ask for a new one.
    </p>`,
  )
}
