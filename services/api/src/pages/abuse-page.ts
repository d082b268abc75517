/** /abuse: the form by which anybody reports abuse; no script, nothing from elsewhere. */
import { html, type FastifyInstance, type FastifyReply, type Html, languageOf } from '@sealpost/http'
import type { AbuseDesk } from '../abuse/abuse-desk.ts'
import { AbuseError } from '../abuse/abuse-error.ts'
import { ABUSE_CATEGORIES, type AbuseCategory } from '../abuse/store.ts'
import { ABUSE_WORDS, type AbuseField, type AbuseWords } from './abuse-words.ts'
import type { SendBranded } from './branded-pages.ts'
import { hidden, parseForms } from './invite-pages.ts'

const FORM_BYTES_MAX = 128 * 1024
/** Of one client. */
const sending = { schema: { hide: true }, config: { rateLimit: { max: 6 } } } as const
/** A person does not see it; a program fills it in. */
const HONEYPOT = 'website'

/** Bounds in characters. */
const FIELDS: Readonly<Record<AbuseField, number>> = {
  first_name: 100,
  last_name: 100,
  contact: 320,
  about: 320,
  text: 8_000,
  headers: 16_000,
}
type Filled = Readonly<Record<AbuseField | 'category', string>>

export async function registerAbusePage(
  app: FastifyInstance,
  abuse: AbuseDesk,
  send: SendBranded,
): Promise<void> {
  await app.register(async (scope) => {
    parseForms(scope, FORM_BYTES_MAX)
    scope.get('/abuse', hidden, (_request, reply) => {
      const words = wordsFor(reply)
      return send(reply, 200, words.title, form(words, read(undefined)), words)
    })
    scope.post<{ Body: URLSearchParams | undefined }>('/abuse', sending, ({ body }, reply) =>
      receive(abuse, send, body, reply),
    )
  })
}

function wordsFor(reply: FastifyReply): AbuseWords {
  return ABUSE_WORDS[languageOf(reply.request)]
}

async function receive(
  abuse: AbuseDesk,
  send: SendBranded,
  body: URLSearchParams | undefined,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const words = wordsFor(reply)
  const filled = read(body)
  const category = ABUSE_CATEGORIES.find((each) => each === filled.category)
  const again = (status: number, why: string) =>
    send(reply, status, words.title, form(words, filled, why), words)
  if (category === undefined) return again(422, words.missing.category)
  const why = problemOf(words, filled)
  if (why !== undefined) return again(422, why)
  if ((body?.get(HONEYPOT) ?? '') !== '') return send(reply, 200, words.thanks, thanks(words), words)
  try {
    const id = await abuse.report(reportOf(filled, category))
    return await send(reply, 200, words.thanks, thanks(words, id), words)
  } catch (error) {
    if (error instanceof AbuseError) return again(503, words.full)
    throw error
  }
}

function read(body: URLSearchParams | undefined): Filled {
  const names = [...Object.keys(FIELDS), 'category'] as (AbuseField | 'category')[]
  return Object.fromEntries(names.map((name) => [name, (body?.get(name) ?? '').trim()])) as Filled
}

function reportOf(filled: Filled, category: AbuseCategory): Parameters<AbuseDesk['report']>[0] {
  const { first_name, last_name, contact, about, text, headers } = filled
  const reporter = { first_name, last_name, contact }
  return { category, about, text, ...(headers === '' ? {} : { headers }), reporter }
}

function problemOf({ fields, missing, long }: AbuseWords, filled: Filled): string | undefined {
  const names = Object.keys(FIELDS) as AbuseField[]
  const tooLong = names.find((name) => filled[name].length > FIELDS[name])
  if (tooLong !== undefined) return long(fields[tooLong], FIELDS[tooLong])
  if (filled.about === '') return missing.about
  return filled.text === '' ? missing.text : undefined
}

function form(words: AbuseWords, filled: Filled, why?: string): Html {
  const input = (name: AbuseField): Html =>
    html`<label
      >${words.fields[name]}<input name="${name}" value="${filled[name]}" maxlength="${String(FIELDS[name])}"
    /></label>`
  const area = (name: AbuseField, rows: string): Html =>
    html`<label
      >${words.fields[name]}<textarea name="${name}" rows="${rows}" maxlength="${String(FIELDS[name])}">
${filled[name]}</textarea>
    </label>`
  return html`${why === undefined ? '' : html`<p class="alert" role="alert">${why}</p>`}
    <p>${words.intro}</p>
    <form method="post">
      <fieldset>
        <legend>${words.what}</legend>
        ${ABUSE_CATEGORIES.map((category) => choice(words, category, filled))}
      </fieldset>
      ${input('about')} ${area('text', '6')} ${area('headers', '4')}
      <p class="soft">${words.named}</p>
      ${input('first_name')} ${input('last_name')} ${input('contact')}
      <label hidden>Leave this empty<input name="${HONEYPOT}" tabindex="-1" autocomplete="off" /></label>
      <button>${words.submit}</button>
    </form>`
}

function choice({ categories }: AbuseWords, category: AbuseCategory, filled: Filled): Html {
  const checked = filled.category === category ? 'checked' : ''
  return html`<label class="choice"
    ><input type="radio" name="category" value="${category}" ${checked} required />
    ${categories[category]}</label
  >`
}

function thanks(words: AbuseWords, id?: string): Html {
  const number =
    id === undefined
      ? ''
      : html`<p>${words.number}</p>
          <pre>${id}</pre>`
  return html`<p>${words.arrived}</p>
    ${number}`
}
