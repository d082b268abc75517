/** The life of a user, as the panel sees it: invited, enrolled, a phone revoked, suspended, restored, exported, terminated. */
import { readFile } from 'node:fs/promises'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestClient } from '../../services/xmpp/test/client.ts'
import { openPage, type WatchedPage } from './browser.ts'
import { PASSWORD, registerDevice, signInToChat } from './furnish.ts'
import { addAuthenticator, enrol, openScene, type Scene } from './scene.ts'

const JID = 'nora@localhost'
const SUSPENDED_WITHIN_MS = 1_000

let scene: Scene
let camille: WatchedPage
let chat: TestClient

beforeAll(async () => {
  scene = await openScene()
  camille = await openPage(scene.browser, scene.origin)
  await addAuthenticator(camille.page)
  await enrol(camille.page, scene.firstInvite, 'Camille')
})

afterAll(async () => {
  await camille[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

/** The answer to AUTH PLAIN at submission: 235, or why not. */
async function submit(): Promise<string> {
  const socket = connect({
    port: scene.deployment.ports.submissions,
    host: 'localhost',
    ca: await readFile(scene.deployment.caFile),
  })
  socket.setEncoding('utf8')
  const lines = socket[Symbol.asyncIterator]() as AsyncIterator<string>
  await lines.next()
  socket.write('EHLO client.example\r\n')
  await lines.next()
  socket.write(`AUTH PLAIN ${Buffer.from(`\0${JID}\0${PASSWORD}`).toString('base64')}\r\n`)
  const { value } = (await lines.next()) as { value: string }
  socket.destroy()
  return value.slice(0, 3)
}

async function openAccount(): Promise<void> {
  await camille.page.goto(`/admin/accounts/${encodeURIComponent(JID)}`)
  await camille.page.getByRole('heading', { level: 1, name: JID }).waitFor()
}

test('an invite has a link and a QR code; with it somebody makes an account', async () => {
  const { page } = camille
  await page.goto('/admin/invites')
  await page.getByRole('button', { name: 'Create an invite' }).click()
  const dialog = page.getByRole('dialog', { name: 'Create an invite' })
  await dialog.getByLabel('Name before the @').fill('nora')
  await dialog.getByRole('button', { name: 'Create an invite' }).click()
  const made = page.getByRole('dialog', { name: 'Invite' })
  const link = await made.getByRole('group', { name: 'Link' }).locator('code').innerText()
  const code = made.getByRole('img', { name: 'QR code of the link' })
  await code.waitFor()
  await expect
    .poll(() => code.evaluate((image: unknown) => (image as { naturalWidth: number }).naturalWidth))
    .toBeGreaterThan(20)

  await using nora = await openPage(scene.browser, scene.origin)
  await nora.page.goto(link)
  await nora.page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await nora.page.getByLabel('The same again').fill(PASSWORD)
  await nora.page.getByRole('button', { name: 'Make the account' }).click()
  expect(await nora.page.locator('main').innerText()).toContain(JID)
  expect(nora.faults).toEqual([])
})

test('a phone is revoked', async () => {
  await registerDevice(scene, 'nora', 'phone')
  await openAccount()
  const { page } = camille
  await page.getByRole('button', { name: /^Revoke [0-9a-f]{8}$/ }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
  await page.getByText('No device has signed in yet.').waitFor()
})

test('suspended: the chat stream closes within a second, submission refuses', async () => {
  chat = await signInToChat(scene, 'nora', 'desk')
  expect(await submit()).toBe('235')
  await openAccount()
  const { page } = camille
  await page.getByRole('button', { name: 'Suspend' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Reason').fill('abuse')
  await page.keyboard.press('Tab')
  const ended = chat.streamError()
  const answer = page.waitForResponse((response) => response.url().endsWith('/suspend'))
  await dialog.getByRole('button', { name: 'Suspend' }).click()
  await answer
  const answered = performance.now()
  await ended
  expect(performance.now() - answered).toBeLessThan(SUSPENDED_WITHIN_MS)
  await page.getByText('Suspended', { exact: true }).waitFor()
  expect(await submit()).not.toBe('235')
})

test('restored: everything works again', async () => {
  await openAccount()
  await camille.page.getByRole('button', { name: 'Restore' }).click()
  await camille.page.getByText('Active', { exact: true }).waitFor()
  expect(await submit()).toBe('235')
  await (await signInToChat(scene, 'nora', 'desk')).close()
})

test('exported: everything but contacts', async () => {
  await openAccount()
  const { page } = camille
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export data' }).click()
  const file = await download
  expect(file.suggestedFilename()).toBe(`${JID}.json`)
  const exported = JSON.parse(await readFile(await file.path(), 'utf8')) as { account: { jid: string } }
  expect(exported.account.jid).toBe(JID)
})

test('terminated, for which a reason and the name are asked: the name is gone for ever', async () => {
  await openAccount()
  const { page } = camille
  await page.getByRole('button', { name: 'Terminate' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Reason').fill('asked for it')
  await dialog.getByLabel(`To confirm, type ${JID}`).fill('somebody@localhost')
  await dialog.getByRole('button', { name: 'Terminate' }).click()
  await dialog.getByText('This is not the same.').waitFor()
  await dialog.getByLabel(`To confirm, type ${JID}`).fill(JID)
  await dialog.getByRole('button', { name: 'Terminate' }).click()
  await page.getByText('Terminated', { exact: true }).waitFor()
  expect(await submit()).not.toBe('235')
})

test('all of it is in the audit log, whose chain is whole', async () => {
  const { page } = camille
  await page.goto('/admin/audit')
  for (const action of [
    'account.terminate',
    'account.restore',
    'account.suspend',
    'device.revoke',
    'invite.create',
  ])
    await page
      .getByRole('button', { name: new RegExp(`, ${action}$`) })
      .first()
      .waitFor()
  await page.getByRole('button', { name: 'Verify the chain' }).click()
  await page.getByText(/entries, as they were written/).waitFor()
  expect(camille.faults).toEqual([])
})
