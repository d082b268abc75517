/**
 * Every page of the panel, in light and dark, on a desk and on a phone: axe finds nothing serious, the console stays silent, the policy holds, no other host is
 * asked. `npm run screenshots` writes what they look like.
 */
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seriousFaults } from './axe.ts'
import { LINKED_ADMIN_PAGES, LINKED_PAGES, makeLinks } from './behind-links.ts'
import { DESKTOP, openPage, PHONE, type WatchedPage } from './browser.ts'
import { furnish, PASSWORD } from './furnish.ts'
import { ACCOUNT_PAGES, ADMIN_PAGES, PUBLIC_PAGES, type ShownPage } from './places.ts'
import { takeScreenshot } from './screenshot.ts'
import { addAuthenticator, enrol, openScene, signInToAccount, type Scene } from './scene.ts'

/** Each page is loaded in both languages, and seen in the two views of each. */
const LANGUAGES = [
  {
    language: 'en',
    views: [
      { name: 'desk-light', size: DESKTOP, scheme: 'light' },
      { name: 'phone-dark', size: PHONE, scheme: 'dark' },
    ],
  },
  {
    language: 'fr',
    views: [
      { name: 'phone-light', size: PHONE, scheme: 'light' },
      { name: 'desk-dark', size: DESKTOP, scheme: 'dark' },
    ],
  },
] as const
type View = (typeof LANGUAGES)[number]['views'][number]

const SHOTS = process.env['SCREENSHOTS']

/** Every page once, and on a phone where that is another thing. */
function isShot(view: View['name'], onPhone = false): boolean {
  return view === 'desk-light' || (view === 'phone-dark' && onPhone)
}

let scene: Scene
let links: Awaited<ReturnType<typeof makeLinks>>
let cookies: Awaited<ReturnType<WatchedPage['context']['cookies']>>

beforeAll(async () => {
  scene = await openScene()
  await using first = await openPage(scene.browser, scene.origin)
  await addAuthenticator(first.page)
  await enrol(first.page, scene.firstInvite, 'Camille Tremblay')
  cookies = await first.context.cookies()
  await furnish(scene)
  links = await makeLinks(scene)
})

afterAll(() => scene[Symbol.asyncDispose]())

/** On a busy machine. */
const DRAWN_MS = 15_000

/** Everything has been asked, answered and drawn. */
async function settle(page: Page): Promise<void> {
  await page.locator('h1').waitFor()
  await page.waitForLoadState('networkidle')
  await expect.poll(() => page.locator('[class*=loading]').count(), { timeout: DRAWN_MS }).toBe(0)
}

async function look(
  { page }: WatchedPage,
  { size, scheme, name: view }: View,
  { name, onPhone }: ShownPage,
): Promise<void> {
  await page.setViewportSize(size)
  await page.emulateMedia({ colorScheme: scheme })
  const isPanel = (await page.locator('#root').count()) > 0
  if (isPanel) await page.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor()
  if (SHOTS !== undefined && isShot(view, onPhone))
    await takeScreenshot(page, join(SHOTS, `${name}-${view}.webp`))
  const sideways = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
  expect({ view, sideways, serious: await seriousFaults(page) }).toEqual({ view, sideways: 0, serious: [] })
}

async function judge(shown: WatchedPage, views: readonly View[], place: ShownPage): Promise<void> {
  const { page, faults } = shown
  await settle(page)
  expect(await page.getByRole('alert').allTextContents(), 'says that something is wrong').toEqual([])
  for (const view of views) await look(shown, view, place)
  expect(faults).toEqual([])
}

describe.each(LANGUAGES)('in $language', ({ language, views }) => {
  let shown: WatchedPage
  beforeAll(async () => {
    shown = await openPage(scene.browser, scene.origin, { language })
    await shown.context.addCookies(cookies)
  })
  afterAll(() => shown[Symbol.asyncDispose]())

  test.each(ADMIN_PAGES)('$name', async (place) => {
    await shown.page.goto(place.path)
    await judge(shown, views, place)
  })

  test.each(LINKED_ADMIN_PAGES)('%s', async (name) => {
    await shown.page.goto(links[name])
    await judge(shown, views, { name, path: links[name] })
  })

  test.each(LINKED_PAGES)('%s', async (name) => {
    await using stranger = await openPage(scene.browser, scene.origin, { language })
    await stranger.page.goto(links[name])
    await judge(stranger, views, { name, path: links[name] })
  })

  test.each(PUBLIC_PAGES)('$name', async (place) => {
    await using stranger = await openPage(scene.browser, scene.origin, { language })
    await stranger.page.goto(place.path)
    await judge(stranger, views, place)
  })

  test('enrolment', async () => {
    const { url } = await scene.owner<{ url: string }>('POST', '/v1/invites/account')
    await using stranger = await openPage(scene.browser, scene.origin, { language })
    await stranger.page.goto(url)
    await judge(stranger, views, { name: 'enrolment', path: url })
  })

  describe('of an account', () => {
    let owner: WatchedPage
    beforeAll(async () => {
      owner = await openPage(scene.browser, scene.origin, { language })
      await signInToAccount(owner.page, 'alice@localhost', PASSWORD)
    })
    afterAll(() => owner[Symbol.asyncDispose]())

    test.each(ACCOUNT_PAGES)('$name', async (place) => {
      await owner.page.goto(place.path)
      await judge(owner, views, place)
    })
  })
})
