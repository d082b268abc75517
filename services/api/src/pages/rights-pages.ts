/** Pages of the policies, past versions included, the signed transparency report and the data map: public. */
import { dataMapDocument } from '@sealpost/data-map'
import { html, type FastifyInstance, type FastifyReply, type Html } from '@sealpost/http'
import type { SendBranded } from './branded-pages.ts'
import { RightsError } from '../rights-error.ts'
import type { Rights } from '../rights.ts'
import type { PolicyDocument } from '../policies/policies.ts'
import { POLICY_KINDS, type PolicyKind, type PolicyVersion } from '../policies/store.ts'

const hidden = { schema: { hide: true } } as const

const NAMES: Readonly<Record<PolicyKind, string>> = {
  terms: 'Terms of service',
  'acceptable-use': 'Acceptable use',
  privacy: 'Privacy of the service',
  'website-privacy': 'Privacy of the website',
  sla: 'Service level agreement',
  guidelines: 'Guidelines for authorities',
}

interface DocumentRoute {
  Params: { kind: string; version?: string }
  Querystring: { language?: string }
}

export function registerRightsPages(
  app: FastifyInstance,
  { policies, legal }: Rights,
  send: SendBranded,
): void {
  const documents = { policies, send }
  app.get('/policies', hidden, async (_request, reply) =>
    send(reply, 200, 'Policies', index(await policies.versions())),
  )

  app.get<DocumentRoute>('/policies/:kind', hidden, ({ params, query }, reply) =>
    sendDocument(reply, documents, params, query.language),
  )

  app.get<DocumentRoute>('/policies/:kind/:version', hidden, ({ params, query }, reply) =>
    sendDocument(reply, documents, params, query.language),
  )

  app.get('/.well-known/transparency.json', hidden, async (_request, reply) =>
    sendPublished(reply, await legal.report()),
  )

  app.get('/.well-known/data-map.json', hidden, (_request, reply) => sendPublished(reply, dataMapDocument()))
}

/** JSON for everybody, to be read by programs of other sites, too. */
function sendPublished(reply: FastifyReply, document: unknown): FastifyReply {
  return reply
    .type('application/json; charset=utf-8')
    .header('cache-control', 'public, max-age=3600')
    .header('access-control-allow-origin', '*')
    .send(document)
}

async function sendDocument(
  reply: FastifyReply,
  { policies, send }: { readonly policies: Rights['policies']; readonly send: SendBranded },
  { kind: name, version }: DocumentRoute['Params'],
  language: string | undefined,
): Promise<FastifyReply> {
  const kind = POLICY_KINDS.find((each) => each === name)
  if (kind === undefined || (version !== undefined && !/^[1-9]\d{0,5}$/.test(version)))
    return sendGone(reply, send)
  try {
    const number = version === undefined ? undefined : Number(version)
    const document = await policies.document(kind, number, language)
    return await send(reply, 200, document.text.title, page(document))
  } catch (error) {
    if (error instanceof RightsError) return sendGone(reply, send)
    throw error
  }
}

function sendGone(reply: FastifyReply, send: SendBranded): Promise<FastifyReply> {
  return send(reply, 404, 'No such policy', html`<p><a href="/policies">All policies</a></p>`)
}

function index(versions: readonly PolicyVersion[]): Html {
  if (versions.length === 0) return html`<p>None has been published yet.</p>`
  return html`${POLICY_KINDS.map((kind) => {
    const ofKind = versions.filter((each) => each.kind === kind)
    if (ofKind.length === 0) return html``
    return html`<h2>${NAMES[kind]}</h2>
      <ul>
        ${ofKind.map((each) => html`<li>${link(each)}</li>`)}
      </ul>`
  })}`
}

function link({ kind, version, effectiveOn }: PolicyVersion): Html {
  const number = String(version)
  return html`<a href="/policies/${kind}/${number}">Version ${number}, in force from ${effectiveOn}</a>`
}

/** Every paragraph of the text as it is: no markup in it means anything. */
function page({ kind, version, publishedOn, effectiveOn, languages, text }: PolicyDocument): Html {
  const number = String(version)
  const others = languages.filter((each) => each !== text.language)
  return html` <p class="soft">
      Version ${number}. Published on ${publishedOn}, in force from ${effectiveOn}.
    </p>
    ${others.map(
      (each) =>
        html`<p><a hreflang="${each}" href="/policies/${kind}/${number}?language=${each}">${each}</a></p>`,
    )}
    <div lang="${text.language}">
      ${text.body
        .trim()
        .split(/\n\s*\n/)
        .map((paragraph) => html`<p>${paragraph}</p>`)}
    </div>
    <p><a href="/policies">All policies and their past versions</a></p>`
}
