/**
 * RFC 8058: the pages behind the links in mails of lists. Looking at one changes nothing, since mail scanners look at all of them; a button does it, or for leaving the
 * POST of a mail program. Plain HTML without script.
 */
import { html, lookAs, sendPage } from '@sealpost/http'
import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  Html,
  PageLook,
} from '@sealpost/http'
import type { Lists, ShownList } from '../lists/lists.ts'

export interface ListPagesOptions {
  readonly lists: Lists
  readonly lookOf: (request: FastifyRequest) => Promise<PageLook>
}

const FORM_BYTES_MAX = 4 * 1024
const hide = true
const confirming = { schema: { hide }, config: { rateLimit: { max: 60 } } } as const
/** Of providers, for all their users. */
const leaving = { schema: { hide }, config: { rateLimit: { max: 3_000 } } } as const

interface WithLink {
  Params: { link: string }
}

export const listPages: FastifyPluginAsync<ListPagesOptions> = async (app, { lists, lookOf }) => {
  lookAs(app, lookOf)
  // A form has nothing to say beside its link: RFC 8058 §3.2 lets it come as either type.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string', bodyLimit: FORM_BYTES_MAX }, (_request, _body, done) =>
    done(null, undefined),
  )
  confirmPages(app, lists)
  leavePages(app, lists)
  await Promise.resolve()
}

function confirmPages(app: FastifyInstance, lists: Lists): void {
  app.get<WithLink>('/lists/confirm/:link', confirming, async ({ params }, reply) => {
    const list = await lists.showAsked(params.link)
    if (list === undefined) return sendGone(reply)
    return sendPage(
      reply,
      200,
      'Do you want mail of this list?',
      html`${nameOf(list)}
        <p>
          If you confirm, its mail may be sent to you. You can leave it at any time, by a link in every mail.
        </p>
        <form method="post"><button>I want it</button></form>
        <p class="soft">If you do not want it, close the page: nothing is sent to you.</p>`,
    )
  })
  app.post<WithLink>('/lists/confirm/:link', confirming, async ({ params }, reply) => {
    const list = await lists.confirm(params.link)
    if (list === undefined) return sendGone(reply)
    return sendPage(reply, 200, 'You are on the list', nameOf(list))
  })
}

function leavePages(app: FastifyInstance, lists: Lists): void {
  app.get<WithLink>('/lists/leave/:link', leaving, async ({ params }, reply) => {
    const list = await lists.showLeaving(params.link)
    if (list === undefined) return sendGone(reply)
    return sendPage(
      reply,
      200,
      'Leave this list?',
      html`${nameOf(list)}
        <p>No mail of it will reach you any more.</p>
        <form method="post"><button>Leave the list</button></form>`,
    )
  })
  app.post<WithLink>('/lists/leave/:link', leaving, async ({ params }, reply) => {
    const list = await lists.leave(params.link)
    if (list === undefined) return sendGone(reply)
    return sendPage(reply, 200, 'You have left the list', nameOf(list))
  })
}

function nameOf({ listId, owner }: ShownList): Html {
  const of = owner === undefined ? html`` : html` of ${owner}`
  return html`<p>The list <strong>${listId}</strong>${of}.</p>`
}

function sendGone(reply: FastifyReply): FastifyReply {
  return sendPage(
    reply,
    404,
    'This link does not work any more',
    html`<p>It was used, it is older than seven days, or the list is gone.</p>`,
  )
}
