/**
 * The one-time link of an administrator leads to the panel, where they enrol with a passkey. Whoever posts to it instead gets an API key with the rights of that
 * administrator, for programs.
 */
import { html, type FastifyInstance, type FastifyReply, type Html } from '@sealpost/http'
import { scopesOfRole } from '../access/roles.ts'
import type { CommandContext } from '../commands/command.ts'
import type { SendBranded } from './branded-pages.ts'
import { ENROLMENT_WORDS, type EnrolmentWords } from './enrolment-words.ts'

export interface InvitePagesOptions {
  readonly context: CommandContext
  /** `https://HOST:PORT`, for the command that uses a new key. */
  readonly origin: () => string
  readonly send: SendBranded
}

export const hidden = { schema: { hide: true }, config: { rateLimit: { max: 60 } } } as const
const FORM_BYTES_MAX = 16 * 1024

export interface WithToken {
  Params: { token: string }
}

export type Form = WithToken & { Body: URLSearchParams | undefined }

/** Registers the pages and, for them only, the parser of HTML forms. */
export async function registerInvitePages(app: FastifyInstance, options: InvitePagesOptions): Promise<void> {
  await app.register(async (scope) => {
    parseForms(scope)
    registerAdminPages(scope, options)
  })
}

/** From now on bodies of `app` are HTML forms, and nothing else. */
export function parseForms(app: FastifyInstance, bytesMax = FORM_BYTES_MAX): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: bytesMax },
    (_request, body, done) => done(null, new URLSearchParams(String(body))),
  )
}

function registerAdminPages(app: FastifyInstance, { context, origin, send }: InvitePagesOptions): void {
  app.post<Form>('/admin/invite/:token', hidden, async ({ params }, reply) => {
    const redeemed = await context.accounts.invites.redeemAdmin(params.token, 'administrator', scopesOfRole)
    if (redeemed === undefined) return sendGone(reply, send, ENROLMENT_WORDS.en)
    return send(reply, 200, 'Your administrator key', adminKey(redeemed.token, origin()))
  })
}

function adminKey(token: string, origin: string): Html {
  return html` <p>Keep this key like a password. It is not stored here and cannot be shown again.</p>
    <pre>${token}</pre>
    <p>Put it into a file that only you can read, then administer the server from any checkout:</p>
    <pre>npm run ctl -- account list --url ${origin} --key-file FILE</pre>
    <p class="soft">On the server itself, <code>npm run ctl</code> needs no key.</p>`
}

/** For a link that leads nowhere. */
export function sendGone(
  reply: FastifyReply,
  send: SendBranded,
  { language, gone, goneAbout }: EnrolmentWords,
): Promise<FastifyReply> {
  return send(reply, 404, gone, html`<p>${goneAbout}</p>`, { language })
}
