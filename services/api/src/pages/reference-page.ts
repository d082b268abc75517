/** /v1/docs: the operations of the API on one page of plain HTML, made of the registry; nothing in it comes from elsewhere. */
import { html, sendPage, type FastifyInstance, type Html } from '@sealpost/http'
import type { Command } from '../commands/command.ts'

export function registerReferencePage(app: FastifyInstance, commands: readonly Command[]): void {
  const page = reference(commands)
  app.get('/v1/docs', { schema: { hide: true } }, (_request, reply) => sendPage(reply, 200, 'API', page))
}

function reference(commands: readonly Command[]): Html {
  const groups = Map.groupBy(commands, ({ path }) => path.split('/')[2] ?? '')
  const sections = [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, members]) =>
        html`<h2>${name}</h2>
          <ul>
            ${members.map(operation)}
          </ul>`,
    )
  return html`<p>
      The whole, with types and bounds, is in <a href="/v1/openapi.json">/v1/openapi.json</a> (OpenAPI 3.1).
    </p>
    ${sections}`
}

function operation({ method, path, summary, access, deprecated }: Command): Html {
  const old = deprecated === undefined ? '' : ' Deprecated.'
  return html`<li>
    <code>${method} ${path}</code><br />${summary}.${old} <span class="soft">${access}</span>
  </li>`
}
