/** Coming in: by the printed invite and a passkey, by the keyboard alone, by a recovery code; and what a session that is over does. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPage, PHONE, type WatchedPage } from './browser.ts'
import { tabTo } from './keyboard.ts'
import { addAuthenticator, openScene, type Scene } from './scene.ts'

let scene: Scene
let camille: WatchedPage
let recoveryCode = ''

beforeAll(async () => {
  scene = await openScene()
  camille = await openPage(scene.browser, scene.origin)
  await addAuthenticator(camille.page)
})

afterAll(async () => {
  await camille[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

test('the first administrator enrols with a passkey from the printed invite, and gets ten recovery codes', async () => {
  const { page } = camille
  await page.goto(scene.firstInvite)
  await page.getByLabel('Name').fill('Camille')
  await page.getByRole('button', { name: 'Make a passkey' }).click()
  const codes = (await page.getByRole('group', { name: 'Recovery codes' }).innerText()).trim().split(/\s+/)
  expect(codes).toHaveLength(10)
  recoveryCode = codes[0] ?? ''
  await page.getByRole('link', { name: 'Go on to the panel' }).click()
  await page.getByRole('navigation', { name: 'Menu' }).waitFor()
})

test('the invite works once', async () => {
  await using other = await openPage(scene.browser, scene.origin)
  await addAuthenticator(other.page)
  await other.page.goto(scene.firstInvite)
  await other.page.getByLabel('Name').fill('Mallory')
  await other.page.getByRole('button', { name: 'Make a passkey' }).click()
  expect(await other.page.getByRole('alert').innerText()).toContain('has been used')
})

test('signing out forgets; signing in again takes the keyboard alone', async () => {
  const { page } = camille
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await page.reload()
  const passkey = page.getByRole('button', { name: 'Sign in with a passkey' })
  await passkey.waitFor()
  await tabTo(page, 'Sign in with a passkey')
  await page.keyboard.press('Enter')
  await page.getByRole('navigation', { name: 'Menu' }).waitFor()
})

test('the skip link, the shortcuts and a table by the keyboard', async () => {
  const { page } = camille
  await scene.owner('POST', '/v1/accounts', { jid: 'alice@localhost', password: 'correct horse battery' })
  await page.goto('/admin/plans')
  await page.getByRole('heading', { level: 1, name: 'Plans' }).waitFor()
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.keyboard.press('g')
  await page.keyboard.press('a')
  await page.getByRole('heading', { level: 1, name: 'Accounts' }).waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('ali')
  const row = page.getByRole('rowheader', { name: 'alice@localhost' }).getByRole('link')
  await row.waitFor()
  await tabTo(page, 'alice@localhost')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'alice@localhost' }).waitFor()
  await page.reload()
  await page.getByRole('heading', { level: 1, name: 'alice@localhost' }).waitFor()
  await page.keyboard.press('Tab')
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content')
})

test('on a phone the menu is a drawer that closes when a place is chosen', async () => {
  const { page } = camille
  await page.setViewportSize(PHONE)
  await page.getByRole('button', { name: 'Open the menu' }).click()
  await page.getByRole('dialog').getByRole('link', { name: 'Domains' }).click()
  await page.getByRole('heading', { level: 1, name: 'Domains' }).waitFor()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
})

test('language and colours are chosen, and kept', async () => {
  await using reader = await openPage(scene.browser, scene.origin)
  const { page } = reader
  await page.goto('/admin')
  await page.getByLabel('Language').selectOption('fr')
  await page.getByRole('heading', { name: 'Se connecter' }).waitFor()
  await page.getByRole('button', { name: 'Passer aux couleurs sombres' }).click()
  await page.reload()
  await page.getByRole('heading', { name: 'Se connecter' }).waitFor()
  expect(await page.locator('html').getAttribute('lang')).toBe('fr')
  expect(await page.locator('html').getAttribute('data-mantine-color-scheme')).toBe('dark')
})

test('a recovery code lets in once', async () => {
  for (const isFirst of [true, false]) {
    await using device = await openPage(scene.browser, scene.origin)
    const { page } = device
    await page.goto('/admin')
    await page.getByRole('button', { name: 'Use a recovery code' }).click()
    await page.getByLabel('Name').fill('Camille')
    await page.getByLabel('Recovery code').fill(recoveryCode)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    if (isFirst) await page.getByRole('navigation', { name: 'Menu' }).waitFor()
    else await page.getByRole('alert').waitFor()
  }
})

test('nothing went wrong meanwhile', () => {
  expect(camille.faults).toEqual([])
})
