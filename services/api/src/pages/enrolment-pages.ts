/** The pages behind the links of enrolment: choosing the password of an account, and making one. They need no JavaScript. Looking at one uses nothing up. */
import type { AccountInvite } from '@sealpost/accounts'
import { Html, html, type FastifyInstance, type FastifyReply, languageOf } from '@sealpost/http'
import type { CommandContext } from '../commands/command.ts'
import { qrSvg } from '../joining/qr.ts'
import type { PageCircumstances, SendBranded } from './branded-pages.ts'
import { ENROLMENT_WORDS, wordsOfRefusal, type EnrolmentWords } from './enrolment-words.ts'
import { hidden, parseForms, sendGone, type Form, type WithToken } from './invite-pages.ts'

/** What a link is for: an account that is there already, or one that is to be made. */
type Purpose = (
  | { readonly kind: 'password' }
  | { readonly kind: 'account'; readonly invite: AccountInvite }
) & {
  /** Whose pages these are, if the account belongs to an organisation or will. */
  readonly organisationId: string | undefined
}

export interface EnrolmentPagesOptions {
  readonly context: CommandContext
  readonly send: SendBranded
  /** Whether chat programs may use invites by themselves (XEP-0445). */
  readonly inBandRegistration: boolean
}

/** Registers the pages and, for them only, the parser of HTML forms. */
export async function registerEnrolmentPages(
  app: FastifyInstance,
  { context, send, inBandRegistration }: EnrolmentPagesOptions,
): Promise<void> {
  await app.register(async (scope) => {
    parseForms(scope)

    scope.get<WithToken>('/enrol/:token', hidden, async ({ params: { token } }, reply) => {
      const words = wordsFor(reply)
      const purpose = await purposeOf(context, token)
      if (purpose === undefined) return sendGone(reply, send, words)
      const form = formOf({ context, words, token, purpose, inBandRegistration })
      return send(reply, 200, words.titles[purpose.kind], form, circumstancesOf(words, purpose))
    })

    scope.post<Form>('/enrol/:token', hidden, async ({ params: { token }, body }, reply) => {
      const words = wordsFor(reply)
      const purpose = await purposeOf(context, token)
      if (purpose === undefined) return sendGone(reply, send, words)
      const enrolment = { context, words, token, purpose, inBandRegistration }
      return enrol(enrolment, body ?? new URLSearchParams(), reply, send)
    })
  })
}

function circumstancesOf({ language }: EnrolmentWords, { organisationId }: Purpose): PageCircumstances {
  return { language, organisationId }
}

function wordsFor(reply: FastifyReply): EnrolmentWords {
  return ENROLMENT_WORDS[languageOf(reply.request)]
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
  readonly context: CommandContext
  readonly words: EnrolmentWords
  readonly token: string
  readonly purpose: Purpose
  readonly inBandRegistration: boolean
}

async function enrol(
  enrolment: Enrolment,
  form: URLSearchParams,
  reply: FastifyReply,
  send: SendBranded,
): Promise<FastifyReply> {
  const { words, purpose } = enrolment
  const { kind } = purpose
  const circumstances = circumstancesOf(words, purpose)
  const again = (why: string) => {
    const body = html`<p class="alert" role="alert">${why}</p>
      ${formOf(enrolment, form.get('name') ?? '')}`
    return send(reply, 422, words.titles[kind], body, circumstances)
  }
  if ((form.get('password') ?? '') !== form.get('repeated')) return again(words.differ)
  try {
    const address = await use(enrolment, form)
    if (address === undefined) return await sendGone(reply, send, words)
    const body = html`<p>${words.signIn}</p>
      <pre>${address}</pre>`
    return await send(reply, 200, words.done[kind], body, circumstances)
  } catch (error) {
    const why = wordsOfRefusal(error, words)
    if (why !== undefined) return again(why)
    throw error
  }
}

/** The address of the account; undefined when the link is gone. Throws AccountError, OrganisationError. */
async function use(
  { context, token, purpose }: Enrolment,
  form: URLSearchParams,
): Promise<string | undefined> {
  const { accounts, joining } = context
  const verifiers = await context.deriveVerifiers(form.get('password') ?? '')
  if (purpose.kind === 'account') {
    const name = form.get('name')?.trim() ?? ''
    const account = await accounts.accountInvites.register(token, name === '' ? undefined : name, verifiers)
    return account?.jid.toString()
  }
  return (await joining.redeemPassword(token, verifiers))?.jid.toString()
}

function formOf(enrolment: Enrolment, name = ''): Html {
  const { context, words, token, purpose } = enrolment
  const asksName = purpose.kind === 'account' && purpose.invite.localpart === undefined
  return html` ${purpose.kind === 'password' ? html`<p>${words.forOwner}</p>` : offer(purpose.invite, words)}
    <form method="post">
      ${asksName ? nameField(purpose.invite, words, name) : ''} ${passwordField(words.password, 'password')}
      ${passwordField(words.repeated, 'repeated')}
      <button>${words.submit[purpose.kind]}</button>
    </form>
    ${inApp(enrolment)}
    <details>
      <summary>${words.elsewhere}</summary>
      <p class="soft">${words.scan}</p>
      <figure class="qr" role="img" aria-label="${words.qr}">
        ${new Html(qrSvg(context.links.enrolment(token)))}
      </figure>
    </details>`
}

/** XEP-0445 §2: for those who have a chat program already. */
function inApp({ words, token, purpose, inBandRegistration }: Enrolment): Html | string {
  if (purpose.kind !== 'account' || !inBandRegistration) return ''
  const { domain, localpart } = purpose.invite
  const address = localpart === undefined ? domain : `${encodeURIComponent(localpart)}@${domain}`
  return html`<p><a href="xmpp:${address}?register;preauth=${token}">${words.inApp}</a></p>`
}

function passwordField(label: string, name: string): Html {
  return html`<label
    >${label}<input type="password" name="${name}" autocomplete="new-password" maxlength="1023" required
  /></label>`
}

function offer({ domain, localpart, uses, used }: AccountInvite, words: EnrolmentWords): Html {
  const times = words.uses(uses - used)
  if (localpart === undefined) return html`<p>${words.offer(domain)} ${times}</p>`
  return html`<p>${words.offerNamed} ${times}</p>
    <pre>${localpart}@${domain}</pre>`
}

function nameField({ domain }: AccountInvite, words: EnrolmentWords, name: string): Html {
  return html`<label
      >${words.name}<input
        name="name"
        value="${name}"
        autocomplete="username"
        autocapitalize="none"
        spellcheck="false"
        maxlength="1023"
        aria-describedby="name-hint"
    /></label>
    <p class="soft" id="name-hint">${words.nameHint(domain)}</p>`
}
