/**
 * The web panel: `/admin` for administrators, `/account` for owners of accounts, `/status` for everybody. One page serves them all and finds its way by its
 * address; what it shows it asks of the API. The built files are few and small: they are kept in memory, compressed ahead of time.
 */
import { createHash, randomBytes } from 'node:crypto'
import { glob, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { NONCE_PLACEHOLDER, PANEL_BASE, PANEL_DIRECTORY } from '@sealpost/admin-ui'
import { html, sendPage, type FastifyInstance, type FastifyReply, type FastifyRequest } from '@sealpost/http'

const PAGE = 'index.html'
/** Names with a hash of their content: what they name never changes. */
const HASHED = 'assets/'
const NONCE_BYTES = 18

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** In order of preference. */
const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const

interface BuiltFile {
  readonly bytes: Buffer
  readonly type: string
  readonly etag: string
  /** By content coding (RFC 9110 §8.4.1). */
  readonly encoded: ReadonlyMap<string, Buffer>
}

interface Panel {
  readonly page: string
  /** By path below PANEL_BASE. */
  readonly files: ReadonlyMap<string, BuiltFile>
}

const hidden = { schema: { hide: true } } as const

/** Registers the pages and their files. Without a built panel the pages say how to build it. */
export async function registerPanel(
  app: FastifyInstance,
  directory: string = PANEL_DIRECTORY,
): Promise<void> {
  const panel = await readPanel(directory)
  const page = (_request: FastifyRequest, reply: FastifyReply) =>
    panel === undefined ? sendNotBuilt(reply) : sendPanel(reply, panel)
  for (const path of ['/admin', '/admin/*', '/account', '/account/*', '/status']) app.get(path, hidden, page)
  if (panel === undefined) return
  for (const [name, file] of panel.files) {
    const cacheControl = name.startsWith(HASHED) ? 'public, max-age=31536000, immutable' : 'no-cache'
    app.get(`${PANEL_BASE}${name}`, hidden, (request, reply) => sendFile(request, reply, file, cacheControl))
  }
  // An asset that is no more must not be answered with a page.
  app.get(`${PANEL_BASE}${HASHED}*`, hidden, (_request, reply) => reply.callNotFound())
}

async function readPanel(directory: string): Promise<Panel | undefined> {
  const page = await readFile(join(directory, PAGE), 'utf8').catch(() => undefined)
  if (page === undefined) return undefined
  const paths = await Array.fromAsync(glob('**/*.*', { cwd: directory }))
  const files = new Map<string, BuiltFile>()
  for (const path of paths) {
    const type = TYPES[extname(path)]
    if (type === undefined) continue
    const bytes = await readFile(join(directory, path))
    const encoded = new Map<string, Buffer>()
    for (const [coding, suffix] of ENCODINGS)
      if (paths.includes(`${path}${suffix}`))
        encoded.set(coding, await readFile(join(directory, path + suffix)))
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
    files.set(path, { bytes, type, etag, encoded })
  }
  return { page, files }
}

function policy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

function sendPanel(reply: FastifyReply, { page }: Panel): FastifyReply {
  const nonce = randomBytes(NONCE_BYTES).toString('base64')
  return reply
    .headers({ 'content-security-policy': policy(nonce), 'cache-control': 'no-store' })
    .type('text/html; charset=utf-8')
    .send(page.replaceAll(NONCE_PLACEHOLDER, nonce))
}

function sendNotBuilt(reply: FastifyReply): FastifyReply {
  return sendPage(
    reply,
    503,
    'The panel is not built',
    html`<p>Build it, then start the server again:</p>
      <pre>npm run build</pre>`,
  )
}

function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  file: BuiltFile,
  cacheControl: string,
): FastifyReply {
  void reply.headers({ 'cache-control': cacheControl, etag: file.etag, vary: 'accept-encoding' })
  if (request.headers['if-none-match'] === file.etag) return reply.code(304).send()
  const coding = ENCODINGS.find(([name]) => file.encoded.has(name) && accepts(request, name))?.[0]
  if (coding !== undefined) void reply.header('content-encoding', coding)
  return reply.type(file.type).send(coding === undefined ? file.bytes : file.encoded.get(coding))
}

/** RFC 9110 §12.5.3; a coding that is not named is not asked for. */
function accepts({ headers }: FastifyRequest, coding: string): boolean {
  const accepted = headers['accept-encoding']
  return [accepted ?? []].flat().some((value) =>
    value.split(',').some((part) => {
      const [name = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase())
      return name === coding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
    }),
  )
}
