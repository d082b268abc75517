/**
 * The page of an invitation to become a contact (XEP-0401 §5.2, XEP-0379 §3.3): a link for chat programs, which program that could be, and the way to an account if the
 * invitation is for that, too. It needs no JavaScript and reads nothing of the invitation: whether it still works, the server says to the program.
 */
import { Html, html, type FastifyInstance, type FastifyRequest, languageOf } from '@sealpost/http'
import { type Jid, tryParseJid } from '@sealpost/jid'
import type { CommandContext } from '../commands/command.ts'
import { qrSvg } from '../joining/qr.ts'
import type { SendBranded } from './branded-pages.ts'
import { CONTACT_WORDS, type ContactWords } from './contact-words.ts'
import { ENROLMENT_WORDS } from './enrolment-words.ts'
import { hidden, sendGone } from './invite-pages.ts'

export interface ContactPageOptions {
  readonly context: Pick<CommandContext, 'accounts' | 'domains' | 'links'>
  readonly send: SendBranded
  /** Whether chat programs may use invites by themselves (XEP-0445). */
  readonly inBandRegistration: boolean
}

const TOKEN = /^[\w-]{43}$/

/** Chat programs that keep what the server asks of messages, by the system that they are for. */
const PROGRAMS = [
  { name: 'Conversations', system: 'Android', url: 'https://conversations.im/' },
  { name: 'Monal', system: 'iOS, macOS', url: 'https://monal-im.org/' },
  { name: 'Gajim', system: 'Windows, Linux', url: 'https://gajim.org/' },
  { name: 'Dino', system: 'Linux', url: 'https://dino.im/' },
] as const

interface Invitation {
  readonly address: Jid
  readonly token: string
  /** It is for an account as well. */
  readonly registers: boolean
}

export function registerContactPage(app: FastifyInstance, options: ContactPageOptions): void {
  const { context, send } = options
  app.get<{ Params: { address: string; token: string } }>(
    '/contact/:address/:token',
    hidden,
    async (request, reply) => {
      const language = languageOf(request)
      const address = parseAddress(request.params.address, context.domains)
      const { token } = request.params
      if (address === undefined || !TOKEN.test(token)) return sendGone(reply, send, ENROLMENT_WORDS[language])
      const registers = (await context.accounts.accountInvites.show(token)) !== undefined
      const words = CONTACT_WORDS[language]
      const body = bodyOf({ address, token, registers }, options, { words, request })
      return send(reply, 200, words.title(address.toString()), body, { language })
    },
  )
}

function parseAddress(text: string, domains: readonly string[]): Jid | undefined {
  const jid = tryParseJid(text)
  return jid && jid.local !== '' && jid.resource === '' && domains.includes(jid.domain) ? jid : undefined
}

function bodyOf(
  { address, token, registers }: Invitation,
  { context: { links }, inBandRegistration }: ContactPageOptions,
  { words, request }: { readonly words: ContactWords; readonly request: FastifyRequest },
): Html {
  const jid = `${encodeURIComponent(address.local)}@${address.domain}`
  const ibr = registers && inBandRegistration ? ';ibr=y' : ''
  const account = registers ? html`<p><a href="${links.enrolment(token)}">${words.account}</a></p>` : ''
  return html`<p>${words.about}</p>
    <p><a class="button" href="xmpp:${jid}?roster;preauth=${token}${ibr}">${words.add}</a></p>
    ${account}
    <h2>${words.programs}</h2>
    <p class="soft">${words.install}</p>
    <ul>
      ${programsFor(request).map(
        ({ name, system, url }) =>
          html`<li><a href="${url}" rel="noreferrer">${name}</a> <span class="soft">${system}</span></li>`,
      )}
    </ul>
    <details>
      <summary>${words.elsewhere}</summary>
      <p class="soft">${words.scan}</p>
      <figure class="qr" role="img" aria-label="${words.qr}">
        ${new Html(qrSvg(links.contact(address.toString(), token)))}
      </figure>
    </details>`
}

/** Those for the system of the browser; all of them where it does not say. */
function programsFor({ headers }: Pick<FastifyRequest, 'headers'>): readonly (typeof PROGRAMS)[number][] {
  const system = systemOf(headers['user-agent'] ?? '')
  const found = PROGRAMS.filter((program) => system !== undefined && program.system.includes(system))
  return found.length > 0 ? found : PROGRAMS
}

function systemOf(userAgent: string): string | undefined {
  if (/iPhone|iPad/.test(userAgent)) return 'iOS'
  return ['Android', 'Windows', 'Linux'].find((system) => userAgent.includes(system)) ?? macOf(userAgent)
}

function macOf(userAgent: string): string | undefined {
  return userAgent.includes('Mac OS X') ? 'macOS' : undefined
}
