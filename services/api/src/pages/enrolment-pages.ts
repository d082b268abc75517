/** The pages behind the links of enrolment: choosing the password of an account, and making one. They need no JavaScript. Looking at one uses nothing up. */
import { AccountError, type AccountInvite } from '@sealpost/accounts'
import { Html, html, type FastifyInstance, type FastifyReply } from '@sealpost/http'
import type { CommandContext } from '../commands/command.ts'
import type { SendBranded } from './branded-pages.ts'
import { qrSvg } from '../joining/qr.ts'
import { hidden, parseForms, sendGone, type Form, type WithToken } from './invite-pages.ts'

/** What a link is for: an account that is there already, or one that is to be made. */
type Purpose = (
  | { readonly kind: 'password' }
  | { readonly kind: 'account'; readonly invite: AccountInvite }
) & {
  /** Whose pages these are, if the account belongs to an organisation or will. */
  readonly organisationId: string | undefined
}

const TITLES = { password: 'Choose your password', account: 'Make your account' } as const

/** Registers the pages and, for them only, the parser of HTML forms. */
export async function registerEnrolmentPages(
  app: FastifyInstance,
  context: CommandContext,
  send: SendBranded,
): Promise<void> {
  await app.register(async (scope) => {
    parseForms(scope)

    scope.get<WithToken>('/enrol/:token', hidden, async ({ params: { token } }, reply) => {
      const purpose = await purposeOf(context, token)
      if (purpose === undefined) return sendGone(reply, send)
      return send(reply, 200, TITLES[purpose.kind], formOf(context, token, purpose), purpose.organisationId)
    })

    scope.post<Form>('/enrol/:token', hidden, async ({ params: { token }, body }, reply) => {
      const purpose = await purposeOf(context, token)
      if (purpose === undefined) return sendGone(reply, send)
      return enrol({ context, send }, reply, { token, purpose, form: body ?? new URLSearchParams() })
    })
  })
}

async function purposeOf({ accounts }: CommandContext, token: string): Promise<Purpose | undefined> {
  const known = await accounts.invites.show(token)
  if (known?.purpose === 'password') {
    const account = known.accountId === undefined ? undefined : await accounts.findById(known.accountId)
    return { kind: 'password', organisationId: account?.organisationId }
  }
  const invite = await accounts.accountInvites.show(token)
  return invite && { kind: 'account', invite, organisationId: invite.organisationId }
}

interface Enrolment {
  readonly token: string
  readonly purpose: Purpose
  readonly form: URLSearchParams
}

async function enrol(
  { context, send }: { readonly context: CommandContext; readonly send: SendBranded },
  reply: FastifyReply,
  enrolment: Enrolment,
): Promise<FastifyReply> {
  const { token, purpose, form } = enrolment
  const again = (why: string) =>
    send(
      reply,
      422,
      TITLES[purpose.kind],
      html`<p class="alert" role="alert">${why}</p>
        ${formOf(context, token, purpose, form.get('name') ?? '')}`,
      purpose.organisationId,
    )
  const password = form.get('password') ?? ''
  if (password !== form.get('repeated')) return again('The two passwords differ.')
  try {
    const address = await use(context, enrolment, password)
    if (address === undefined) return sendGone(reply, send)
    const title = purpose.kind === 'password' ? 'Your password is set' : 'Your account is made'
    return await send(reply, 200, title, enrolled(address), purpose.organisationId)
  } catch (error) {
    if (error instanceof AccountError) return again(`${error.message}.`)
    throw error
  }
}

/** The address of the account; undefined when the link is gone. Throws AccountError. */
async function use(
  context: CommandContext,
  { token, purpose, form }: Enrolment,
  password: string,
): Promise<string | undefined> {
  const { accounts, joining } = context
  const verifiers = await context.deriveVerifiers(password)
  if (purpose.kind === 'account') {
    const name = form.get('name')?.trim() ?? ''
    const account = await accounts.accountInvites.register(token, name === '' ? undefined : name, verifiers)
    return account?.jid.toString()
  }
  return (await joining.redeemPassword(token, verifiers))?.jid.toString()
}

function formOf({ links }: CommandContext, token: string, purpose: Purpose, name = ''): Html {
  return html` ${purpose.kind === 'password' ? html`<p>This link was made for the owner of one account. It works once.</p>` : offer(purpose.invite)}
    <form method="post">
      ${purpose.kind === 'account' && purpose.invite.localpart === undefined ? nameField(purpose.invite, name) : ''}
      <label
        >Password<input type="password" name="password" autocomplete="new-password" maxlength="1023" required
      /></label>
      <label
        >The same again<input
          type="password"
          name="repeated"
          autocomplete="new-password"
          maxlength="1023"
          required
      /></label>
      <button>${purpose.kind === 'password' ? 'Set the password' : 'Make the account'}</button>
    </form>
    <details>
      <summary>Go on with another device</summary>
      <p class="soft">Scan this with its camera: it is the link of this page.</p>
      <figure class="qr" role="img" aria-label="QR code of the link of this page">
        ${new Html(qrSvg(links.enrolment(token)))}
      </figure>
    </details>`
}

function offer({ domain, localpart, uses, used }: AccountInvite): Html {
  const left = uses - used
  const times = left === 1 ? 'It works once.' : `It works ${String(left)} more times.`
  if (localpart === undefined)
    return html`<p>This link was made so that you can have an account at ${domain}. ${times}</p>`
  return html`<p>This link was made so that you can have this account. ${times}</p>
    <pre>${localpart}@${domain}</pre>`
}

function nameField({ domain }: AccountInvite, name: string): Html {
  return html`<label
      >Name<input
        name="name"
        value="${name}"
        autocomplete="username"
        autocapitalize="none"
        spellcheck="false"
        maxlength="1023"
        aria-describedby="name-hint"
    /></label>
    <p class="soft" id="name-hint">
      Your address will be this name @${domain}. It need not be yours: leave it empty, and you get one that
      means nothing.
    </p>`
}

function enrolled(address: string): Html {
  return html` <p>
      Sign in to your chat or mail program with this address and the password you have just chosen:
    </p>
    <pre>${address}</pre>`
}
