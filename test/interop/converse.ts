/** converse.js: a chat client that is a page, over WebSocket (RFC 7395), with OMEMO; in Debian's Chromium, driven as by a person. */
import { once } from 'node:events'
import { createReadStream, existsSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { UPLOAD_PATH } from '../../services/xmpp/src/modules/upload/upload.ts'
import { Transcript } from './transcript.ts'
import type { Person } from './xmpp-js.ts'

const DIST = join(import.meta.dirname, '..', '..', 'node_modules', 'converse.js', 'dist')
const WAIT_MS = 30_000
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
}

/** The page and the files of the package, on a port of the loopback. */
export class ConverseServer implements AsyncDisposable {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(): Promise<ConverseServer> {
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost')
      if (pathname === '/') response.setHeader('content-type', 'text/html; charset=utf-8').end(PAGE)
      else serveFile(normalize(pathname), response)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new ConverseServer(server)
  }

  /** By number: a page of `localhost` fetches files of `localhost` without TLS. */
  get origin(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

function serveFile(path: string, response: ServerResponse): void {
  const file = join(DIST, path)
  if (!existsSync(file)) {
    response.writeHead(404).end()
    return
  }
  response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream')
  createReadStream(file).pipe(response)
}

const PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>chat</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/converse.min.css">
<script type="module">import converse from '/converse.min.js'; globalThis.converse = converse</script></head>
<body class="converse-fullscreen"></body></html>`

interface Options {
  readonly person: Person
  readonly origin: string
  readonly webSocketUrl: string
}

/** One installation: storage of its own. */
export class Converse {
  readonly page: Page
  readonly #options: Options

  private constructor(page: Page, options: Options) {
    this.page = page
    this.#options = options
  }

  /** Opens the page, signs in, waits until the keys of OMEMO are published. Closed when the test ends. */
  static async open(browser: Browser, options: Options): Promise<Converse> {
    const context = await browser.newContext({
      ignoreHTTPSErrors: true,
      viewport: { width: 1280, height: 800 },
    })
    const page = await context.newPage()
    page.setDefaultTimeout(WAIT_MS)
    const transcript = new Transcript(`converse ${options.person.username}`, [options.person.password])
    page.on('console', (message) => transcript.add(message.type(), message.text()))
    page.on('pageerror', (error) => transcript.add('error', String(error)))
    onTestFinished(() => context.close())
    await page.goto(options.origin)
    await page.waitForFunction(() => 'converse' in globalThis)
    const converse = new Converse(page, options)
    await converse.#signIn()
    return converse
  }

  async #signIn(): Promise<void> {
    const { person, webSocketUrl } = this.#options
    const settings = {
      assets_path: '/',
      authentication: 'login',
      auto_login: true,
      jid: person.jid,
      password: person.password,
      websocket_url: webSocketUrl,
      discover_connection_methods: false,
      omemo_default: true,
      muc_nickname_from_jid: true,
      view_mode: 'fullscreen',
      i18n: 'en',
      loglevel: 'debug',
      whitelisted_plugins: ['probe'],
    }
    await this.page.evaluate(async (given) => {
      const { converse } = globalThis as unknown as { converse: ConverseGlobal }
      const published = new Promise<void>((resolve) => {
        converse.plugins.add('probe', {
          initialize() {
            const { _converse: inner } = this
            const { api } = inner
            Object.assign(globalThis, { converseApi: api })
            api.listen.on('OMEMOInitialized', () => resolve())
          },
        })
      })
      await converse.initialize(given)
      await published
    }, settings)
  }

  /** Each may see the presence of the other from now on. */
  async subscribe(jid: string): Promise<void> {
    await this.page.evaluate((to) => {
      const { converse, converseApi } = globalThis as unknown as Loaded
      const { $pres } = converse.env
      for (const type of ['subscribed', 'subscribe']) converseApi.send($pres({ to, type }))
    }, jid)
  }

  /** Opens a chat, and shows it. */
  async chatWith(jid: string): Promise<void> {
    await this.page.evaluate(async (to) => {
      const { converseApi } = globalThis as unknown as Loaded
      await converseApi.chats.open(to, {}, true)
    }, jid)
    await this.#chat(jid).locator('textarea.chat-textarea').waitFor()
  }

  /** Types a message into the chat and sends it, encrypted as it is by default here. */
  async send(jid: string, text: string): Promise<void> {
    const area = this.#chat(jid).locator('textarea.chat-textarea')
    await area.fill(text)
    await area.press('Enter')
  }

  /** Waits until the chat shows the text as a message. */
  async shows(jid: string, text: string): Promise<void> {
    await this.#chat(jid).locator('.chat-msg__text', { hasText: text }).waitFor()
  }

  /** Makes a group with its defaults: for members only, who see each other's addresses, so that OMEMO is on. */
  async makeGroup(jid: string, members: readonly string[]): Promise<void> {
    await this.#enterGroup(jid)
    await this.page.evaluate(
      async ({ to, added }) => {
        const { converse, converseApi } = globalThis as unknown as Loaded
        const { $iq } = converse.env
        for (const member of added) {
          const request = $iq({ to, type: 'set' }).c('query', {
            xmlns: 'http://jabber.org/protocol/muc#admin',
          })
          await converseApi.sendIQ(request.c('item', { affiliation: 'member', jid: member }))
        }
      },
      { to: jid, added: members },
    )
  }

  async #enterGroup(jid: string): Promise<void> {
    const nick = this.#options.person.username
    await this.page.evaluate(
      async ({ to, attributes }) => {
        const { converseApi } = globalThis as unknown as Loaded
        await converseApi.rooms.open(to, attributes, true)
      },
      { to: jid, attributes: { nick, auto_configure: true, roomconfig: {} } },
    )
    await this.#chat(jid).locator('textarea.chat-textarea').waitFor()
  }

  /** Says yes to the question that an invitation brings up. */
  async acceptInvitation(group: string): Promise<void> {
    await this.page.getByRole('button', { name: 'Confirm' }).click()
    await this.#chat(group).locator('textarea.chat-textarea').waitFor()
  }

  /** Sends a file, encrypted and uploaded (XEP-0454, XEP-0363). */
  async sendFile(jid: string, name: string, mimeType: string, content: Buffer): Promise<void> {
    const input = this.#chat(jid).locator('input.fileupload')
    await input.setInputFiles({ name, mimeType, buffer: content })
  }

  /** The next uploaded file that is fetched, as it comes from the server. */
  async fetchedFile(): Promise<Buffer> {
    const response = await this.page.waitForResponse(
      (each) => each.request().method() === 'GET' && new URL(each.url()).pathname.startsWith(UPLOAD_PATH),
    )
    return response.body()
  }

  /** Waits until the chat shows a picture that was fetched and decrypted; gives its width and height. */
  async picture(jid: string): Promise<{ width: number; height: number }> {
    const image = this.#chat(jid).locator('.chat-msg__body img:not(.avatar)').last()
    await image.waitFor()
    return image.evaluate(async (element) => {
      const shown = element as unknown as Picture
      await shown.decode()
      return { width: shown.naturalWidth, height: shown.naturalHeight }
    })
  }

  /** Written beside other pictures of failures where INTEROP_SCREENSHOTS names a directory. */
  async screenshot(name: string): Promise<Buffer> {
    const directory = process.env['INTEROP_SCREENSHOTS']
    return this.page.screenshot(directory === undefined ? {} : { path: join(directory, `${name}.png`) })
  }

  #chat(jid: string) {
    return this.page.locator(`converse-chat[jid="${jid}"], converse-muc[jid="${jid}"]`)
  }
}

interface Picture {
  readonly naturalWidth: number
  readonly naturalHeight: number
  decode(): Promise<void>
}

interface Loaded {
  readonly converse: ConverseGlobal
  readonly converseApi: ConverseApi
}

interface ConverseGlobal {
  readonly env: {
    readonly $pres: (attributes: object) => unknown
    readonly $iq: (attributes: object) => Builder
  }
  readonly plugins: {
    add(name: string, plugin: { initialize(this: { _converse: { api: ConverseApi } }): void }): void
  }
  initialize(settings: object): Promise<void>
}

interface Builder {
  c(name: string, attributes: object): Builder
}

interface ConverseApi {
  readonly listen: { on(event: string, listener: () => void): void }
  readonly chats: { open(jid: string, attributes: object, force: boolean): Promise<unknown> }
  readonly rooms: { open(jid: string, attributes: object, force: boolean): Promise<unknown> }
  send(stanza: unknown): void
  sendIQ(stanza: unknown): Promise<unknown>
}
