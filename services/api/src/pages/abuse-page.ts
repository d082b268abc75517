/** /abuse: the form by which anybody reports abuse; no script, nothing from elsewhere. */
import { html, type FastifyInstance, type FastifyReply, type Html } from '@sealpost/http'
import type { AbuseDesk } from '../abuse/abuse-desk.ts'
import { AbuseError } from '../abuse/abuse-error.ts'
import { ABUSE_CATEGORIES, type AbuseCategory } from '../abuse/store.ts'
import type { SendBranded } from './branded-pages.ts'
import { hidden, parseForms } from './invite-pages.ts'

const FORM_BYTES_MAX = 128 * 1024
/** Of one client. */
const sending = { schema: { hide: true }, config: { rateLimit: { max: 6 } } } as const
/** A person does not see it; a program fills it in. */
const HONEYPOT = 'website'
const TITLE = 'Report abuse'

const WORDS: Readonly<Record<AbuseCategory, string>> = {
  spam: 'Messages that nobody asked for',
  fraud: 'Fraud, or somebody who pretends to be another',
  malware: 'Harmful programs',
  harassment: 'Harassment or threats',
  illegal: 'Something that the law forbids',
  other: 'Something else',
}

/** Bounds in characters. */
const FIELDS = {
  first_name: 100,
  last_name: 100,
  contact: 320,
  about: 320,
  text: 8_000,
  headers: 16_000,
} as const
type Field = keyof typeof FIELDS
type Filled = Readonly<Record<Field | 'category', string>>

export async function registerAbusePage(
  app: FastifyInstance,
  abuse: AbuseDesk,
  send: SendBranded,
): Promise<void> {
  await app.register(async (scope) => {
    parseForms(scope, FORM_BYTES_MAX)
    scope.get('/abuse', hidden, (_request, reply) => send(reply, 200, TITLE, form(read(undefined))))
    scope.post<{ Body: URLSearchParams | undefined }>('/abuse', sending, ({ body }, reply) =>
      receive(abuse, send, body, reply),
    )
  })
}

async function receive(
  abuse: AbuseDesk,
  send: SendBranded,
  body: URLSearchParams | undefined,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const filled = read(body)
  const category = ABUSE_CATEGORIES.find((each) => each === filled.category)
  const why = problemOf(filled, category)
  if (why !== undefined || category === undefined)
    return send(reply, 422, TITLE, form(filled, why ?? 'Say what it is.'))
  if ((body?.get(HONEYPOT) ?? '') !== '') return send(reply, 200, 'Thank you', thanks())
  const { first_name, last_name, contact, about, text, headers } = filled
  try {
    const id = await abuse.report({
      category,
      about,
      text,
      ...(headers === '' ? {} : { headers }),
      reporter: { first_name, last_name, contact },
    })
    return await send(reply, 200, 'Thank you', thanks(id))
  } catch (error) {
    if (error instanceof AbuseError) return send(reply, 503, TITLE, form(filled, `${error.message}.`))
    throw error
  }
}

function read(body: URLSearchParams | undefined): Filled {
  const names = [...Object.keys(FIELDS), 'category'] as (Field | 'category')[]
  return Object.fromEntries(names.map((name) => [name, (body?.get(name) ?? '').trim()])) as Filled
}

function problemOf(filled: Filled, category: AbuseCategory | undefined): string | undefined {
  const long = (Object.keys(FIELDS) as Field[]).find((name) => filled[name].length > FIELDS[name])
  if (long !== undefined) return `${long.replace('_', ' ')} has at most ${String(FIELDS[long])} characters.`
  if (category === undefined) return 'Say what it is.'
  if (filled.about === '') return 'Say whom or what it is about.'
  if (filled.text === '') return 'Say what happened.'
  return undefined
}

function form(filled: Filled, why?: string): Html {
  const input = (name: Field, label: string, type = 'text'): Html =>
    html`<label
      >${label}<input
        type="${type}"
        name="${name}"
        value="${filled[name]}"
        maxlength="${String(FIELDS[name])}"
    /></label>`
  const area = (name: Field, label: string, rows: string): Html =>
    html`<label
      >${label}<textarea name="${name}" rows="${rows}" maxlength="${String(FIELDS[name])}">
${filled[name]}</textarea>
    </label>`
  return html`${why === undefined ? '' : html`<p class="alert" role="alert">${why}</p>`}
    <p>
      Tell whoever runs this server what somebody does with it. What you write is read by them alone, and
      forgotten half a year after it was dealt with.
    </p>
    <form method="post">
      <fieldset>
        <legend>What is it?</legend>
        ${ABUSE_CATEGORIES.map(
          (category) =>
            html`<label class="choice"
              ><input
                type="radio"
                name="category"
                value="${category}"
                ${filled.category === category ? 'checked' : ''}
                required
              />
              ${WORDS[category]}</label
            >`,
        )}
      </fieldset>
      ${input('about', 'The address that it is about')} ${area('text', 'What happened', '6')}
      ${area('headers', 'The header of the message, if you have it (optional; not what it says)', '4')}
      <p class="soft">
        A report is acted upon when we know who makes it. Without your first and last name and an address or
        telephone number that works, it is kept apart.
      </p>
      ${input('first_name', 'First name')} ${input('last_name', 'Last name')}
      ${input('contact', 'Address or telephone number')}
      <label hidden>Leave this empty<input name="${HONEYPOT}" tabindex="-1" autocomplete="off" /></label>
      <button>Send the report</button>
    </form>`
}

function thanks(id?: string): Html {
  return html`<p>Your report has arrived. Thank you.</p>
    ${
      id === undefined
        ? ''
        : html`<p>If you write to us about it, name this number:</p>
            <pre>${id}</pre>`
    }`
}
