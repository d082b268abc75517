/** A whole server, as `npm start` runs it, with the panel on it; a browser that trusts its certificate; administrators with passkeys. */
import { createHash, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import type { Deployment } from '@sealpost/dev-env'
import type { Browser, Page } from 'playwright-core'
import { deploy } from '../e2e/shape.ts'
import { launch } from './browser.ts'

/** A host of an organisation's pages, which the browser finds here. */
export const BRANDED_HOST = 'mail.etoile.example'

export interface Scene extends AsyncDisposable {
  readonly deployment: Deployment
  readonly browser: Browser
  /** `https://localhost:PORT` */
  readonly origin: string
  /** Link that the first start has printed. */
  readonly firstInvite: string
  /** Asks over the control socket, as the owner; throws what is no success. */
  owner<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T>
}

/** Nobody answers there, at once: pages that ask DNS need not wait. */
const NO_DNS = '127.0.0.1:9'

/** Modules that are off unless asked for have pages, too. The gateway is nowhere: no code is sent. */
const MODULES = {
  AFFILIATES: 'on',
  PHONE_GATEWAY_URL: 'https://gateway.invalid/',
  PHONE_GATEWAY_SECRET: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
} as const

/** `dnsServer`: a resolver, `ADDRESS:PORT`; none answers unless it is given. */
export async function openScene({
  dnsServer = NO_DNS,
}: { readonly dnsServer?: string } = {}): Promise<Scene> {
  await using stack = new AsyncDisposableStack()
  const { deployment } = stack.use(
    await deploy('all-in-one', { env: { DNS_SERVERS: dnsServer, ...MODULES } }),
  )
  const certificate = new X509Certificate(await readFile(join(deployment.dataDir, 'tls/cert.pem')))
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' })
  const pin = createHash('sha256').update(key).digest('base64')
  const args = [
    `--ignore-certificate-errors-spki-list=${pin}`,
    `--host-resolver-rules=MAP ${BRANDED_HOST} 127.0.0.1`,
  ]
  const browser = stack.adopt(await launch(args), (one) => one.close())
  const [firstInvite = ''] = /https:\S+\/admin\/invite\/\S+/.exec(deployment.output) ?? []
  const held = stack.move()
  return {
    deployment,
    browser,
    origin: new URL(firstInvite).origin,
    firstInvite,
    owner: (method, path, body) => askOwner(join(deployment.dataDir, 'ctl.sock'), method, path, body),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

async function askOwner<T>(socketPath: string, method: string, path: string, body: unknown): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  const headers = {
    'sealpost-reason': 'test',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  const sent = httpRequest({ socketPath, method, path, headers, agent: false }, (answer) => {
    let text = ''
    answer.setEncoding('utf8').on('data', (part: string) => (text += part))
    answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
  })
  sent.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body))
  const { status, text } = await promise
  if (status >= 300) throw new Error(`${method} ${path}: ${String(status)} ${text}`)
  return JSON.parse(text) as T
}

/** Gives a page a device with passkeys: it has user verification, and whoever holds it agrees to everything. */
export async function addAuthenticator(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page)
  await session.send('WebAuthn.enable')
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
}

/** Follows an administrator's link in the page, which has an authenticator, up to the panel. */
export async function enrol(page: Page, link: string, name: string): Promise<void> {
  await page.goto(link)
  await page.getByLabel('Name').fill(name)
  await page.getByRole('button', { name: 'Make a passkey' }).click()
  await page.getByRole('link', { name: 'Go on to the panel' }).click()
  await page.getByRole('navigation', { name: 'Menu' }).waitFor()
}

/** Signs in to the page of an account, in any language. */
export async function signInToAccount(page: Page, jid: string, password: string): Promise<void> {
  await page.goto('/account')
  await page.locator('input[type=email]').fill(jid)
  await page.locator('input[type=password]').fill(password)
  await page.locator('button[type=submit]').click()
  await page.locator('#main').waitFor()
}
