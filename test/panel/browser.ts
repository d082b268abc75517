/** Debian's Chromium, told to keep to itself, and pages that notice what a panel must never do. */
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'

const EXECUTABLE = '/usr/bin/chromium'
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Of a slow machine. */
const START_MS_MAX = 120_000
const PATIENCE_MS = 90_000

export const DESKTOP = { width: 1280, height: 800 } as const
export const PHONE = { width: 360, height: 740 } as const

export type Language = 'en' | 'fr'

export interface Reader {
  readonly language?: Language
}

/** `args` besides the quiet ones. */
export function launch(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: [...QUIET, ...args], timeout: START_MS_MAX })
}

export interface WatchedPage extends AsyncDisposable {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors on the console, violations of the Content-Security-Policy, requests to other hosts. Empty when all is well. */
  readonly faults: readonly string[]
}

/** What the browser itself says of an answer of 4xx or 5xx; the panel shows those to the reader. */
const ANSWERED = /^Failed to load resource: the server responded with a status of [45]/

/** A browser of its own, as of one who has never been here. */
export async function openPage(browser: Browser, origin: string, reader: Reader = {}): Promise<WatchedPage> {
  const { language = 'en' } = reader
  const context = await browser.newContext({
    baseURL: origin,
    viewport: DESKTOP,
    locale: language === 'fr' ? 'fr-CA' : 'en-CA',
    timezoneId: 'America/Toronto',
    reducedMotion: 'reduce',
  })
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  const faults: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' && !ANSWERED.test(message.text())) faults.push(message.text())
  })
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (url.protocol !== 'data:' && url.origin !== origin) faults.push(`asked another host: ${url.origin}`)
  })
  return { page, context, faults, [Symbol.asyncDispose]: () => context.close() }
}
