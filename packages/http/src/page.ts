/** A page of plain HTML: no script, nothing from elsewhere, styles within it that the Content-Security-Policy names by their hash. */
import { createHash } from 'node:crypto'
import { assert } from '@sealpost/errors'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { PageLanguage } from './page-language.ts'

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2330; --paper: #f4f5f8; --card: #fff; --line: #d9dde6; --accent: #2b5fd9; --on-accent: #fff; --soft: #5b6577 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf2; --paper: #12151c; --card: #1b2029; --line: #323a48; --accent: #8fb0ff; --on-accent: #10182c; --soft: #a3adbf } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif }
main { width: 100%; max-width: 36rem; padding: clamp(1.5rem, 5vw, 2.5rem); background: var(--card); border: 1px solid var(--line); border-radius: 14px }
.brand { display: flex; gap: .6rem; align-items: center; margin: 0 0 1.5rem; color: var(--soft); font-weight: 600; letter-spacing: .02em }
h1 { margin: 0 0 .75rem; font-size: 1.6rem; line-height: 1.25 }
p { margin: 0 0 1rem } .soft { color: var(--soft) }
h2 { margin: 2rem 0 .6rem; font-size: 1.15rem; line-height: 1.3 }
.brand img { height: 2rem; max-width: 8rem; object-fit: contain }
.help { margin: 2rem 0 0 }
a { color: var(--accent) }
ul { margin: 0 0 1rem; padding-left: 1.3rem; overflow-wrap: anywhere }
label { display: block; margin: 0 0 1rem; font-weight: 600 }
input, textarea { display: block; width: 100%; margin-top: .3rem; padding: .65rem .8rem; font: inherit; font-weight: 400; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 8px }
textarea { font: .9rem/1.5 ui-monospace, monospace; resize: vertical }
fieldset { margin: 0 0 1rem; padding: .6rem 1rem; border: 1px solid var(--line); border-radius: 8px } legend { padding: 0 .3rem; font-weight: 600 }
[hidden] { display: none !important }
.choice { display: flex; gap: .6rem; align-items: baseline; margin: .3rem 0; font-weight: 400; overflow-wrap: anywhere } .choice input { width: auto; margin: 0 }
details { margin-top: 1.5rem } summary { cursor: pointer } .qr { margin: 1rem 0 0 } .qr svg { display: block; width: min(100%, 16rem); height: auto; border-radius: 8px }
form:not(:last-child) { margin-bottom: 1.2rem }
button, .button { display: inline-block; padding: .7rem 1.3rem; font: inherit; font-weight: 600; color: var(--on-accent); background: var(--accent); border: 0; border-radius: 8px; cursor: pointer; text-decoration: none }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
pre { margin: 0 0 1rem; padding: .9rem 1rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; font: .9rem/1.5 ui-monospace, monospace; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; user-select: all }
.alert { padding: .7rem 1rem; border: 1px solid currentColor; border-radius: 8px }
`

/** In one piece: the hash is that of every character between the tags. */
const STYLE_ELEMENT = `<style>${STYLE}</style>`
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/** Of whom a page is; what is undefined is as ours. */
export interface PageLook {
  readonly name: string | undefined
  /** `#rrggbb` each, of the line with the name. */
  readonly colours: { readonly background: string; readonly text: string } | undefined
  readonly logo: { readonly type: string; readonly bytes: Buffer } | undefined
  /** Where its readers get help, `https:` or `mailto:`. */
  readonly supportUrl: string | undefined
  /** In which the page is written. */
  readonly language: PageLanguage
}

const looks = new WeakMap<FastifyRequest, PageLook>()

/** From now on pages of `app` look as is found for each request, unless they are told otherwise. */
export function lookAs(app: FastifyInstance, lookOf: (request: FastifyRequest) => Promise<PageLook>): void {
  app.addHook('onRequest', async (request) => {
    looks.set(request, await lookOf(request))
  })
}

const OURS: PageLook = {
  name: undefined,
  colours: undefined,
  logo: undefined,
  supportUrl: undefined,
  language: 'en',
}
const HELP = { en: 'Help', fr: 'Aide' } as const
const NAME = 'Sealpost'
const COLOUR = /^#[0-9a-f]{6}$/i

/** One style element of the page, and its hash for the policy. */
interface Style {
  readonly element: string
  readonly hash: string
}

const COMMON: Style = { element: STYLE_ELEMENT, hash: STYLE_HASH }

function stylesOf({ colours }: PageLook): readonly Style[] {
  if (colours === undefined) return [COMMON]
  assert(COLOUR.test(colours.background) && COLOUR.test(colours.text))
  const text = `.brand { padding: .6rem .9rem; border-radius: 8px; background: ${colours.background}; color: ${colours.text} }`
  const hash = createHash('sha256').update(text).digest('base64')
  return [COMMON, { element: `<style>${text}</style>`, hash }]
}

function policyOf(styles: readonly Style[], { logo }: PageLook): string {
  return [
    "default-src 'none'",
    `style-src ${styles.map(({ hash }) => `'sha256-${hash}'`).join(' ')}`,
    ...(logo === undefined ? [] : ['img-src data:']),
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** HTML that is safe to send: made by `html` only. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Template of HTML: strings put into it are escaped, pieces of HTML and lists of them are not. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | Html | readonly Html[])[]
): Html {
  return new Html(String.raw({ raw: parts }, ...values.map(write)))
}

function write(value: string | Html | readonly Html[]): string {
  if (typeof value === 'string') return value.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
  return value instanceof Html ? value.text : value.map(({ text }) => text).join('')
}

function brandOf({ logo, name = NAME }: PageLook): Html {
  if (logo === undefined) return html`${name}`
  const source = `data:${logo.type};base64,${logo.bytes.toString('base64')}`
  return html`<img src="${source}" alt="" />${name}`
}

/** Sends a whole page, never to be cached. */
export function sendPage(
  reply: FastifyReply,
  status: number,
  title: string,
  body: Html,
  look: PageLook = looks.get(reply.request) ?? OURS,
): FastifyReply {
  const { name = NAME, supportUrl, language } = look
  const styles = stylesOf(look)
  const page = html`<!doctype html>
    <html lang="${language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${title} · ${name}</title>
        ${styles.map(({ element }) => new Html(element))}
      </head>
      <body>
        <main>
          <p class="brand">${brandOf(look)}</p>
          <h1>${title}</h1>
          ${body}
          ${supportUrl === undefined ? '' : html`<p class="help"><a href="${supportUrl}">${HELP[language]}</a></p>`}
        </main>
      </body>
    </html> `
  return reply
    .code(status)
    .header('content-security-policy', policyOf(styles, look))
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer') // The address of the page is a secret.
    .type('text/html; charset=utf-8')
    .send(page.text)
}
