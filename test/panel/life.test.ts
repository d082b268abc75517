/**
 * The life of a customer and of a user, in browsers: the first administrator, a customer with four administrators of its own, a user who is invited, enrolled, loses a
 * phone, is suspended, restored, exported, terminated.
 */
import { readFile } from 'node:fs/promises'
import { connect } from 'node:tls'
import { generateKey } from 'openpgp'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Authenticator } from '../../services/api/test/authenticator.ts'
import type { TestClient } from '../../services/xmpp/test/client.ts'
import { openPage, type WatchedPage } from './browser.ts'
import { PASSWORD, registerDevice, signInToChat } from './furnish.ts'
import { readQr } from './qr.ts'
import { seriousFaults } from './axe.ts'
import { addAuthenticator, BRANDED_HOST, enrol, openScene, signInToAccount, type Scene } from './scene.ts'

const JID = 'nora@localhost'
const NEW_PASSWORD = 'an entirely different staple'

let scene: Scene
let camille: WatchedPage
let chat: TestClient

beforeAll(async () => {
  scene = await openScene()
  camille = await openPage(scene.browser, scene.origin)
  await addAuthenticator(camille.page)
})

afterAll(async () => {
  await camille[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

/** The answer to AUTH PLAIN at submission: 235, or why not. */
async function submit(password = NEW_PASSWORD): Promise<string> {
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
  socket.write(`AUTH PLAIN ${Buffer.from(`\0${JID}\0${password}`).toString('base64')}\r\n`)
  const { value } = (await lines.next()) as { value: string }
  socket.destroy()
  return value.slice(0, 3)
}

async function openAccount(): Promise<void> {
  await camille.page.goto(`/admin/accounts/${encodeURIComponent(JID)}`)
  await camille.page.getByRole('heading', { level: 1, name: JID }).waitFor()
}

/** Has the page of a customer make the link of an administrator. */
async function inviteAdministrator(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Invite an administrator' }).click()
  const dialog = page.getByRole('dialog', { name: 'Invite an administrator' })
  await dialog.getByRole('button', { name: 'Make the link' }).click()
  const made = page.getByRole('dialog', { name: 'A link for the administrator' })
  const link = await made.getByRole('group', { name: 'Link' }).locator('code').innerText()
  await made.getByRole('button', { name: 'Done' }).click()
  await made.waitFor({ state: 'detached' })
  return link
}

/** Tries to become an administrator as a program behind a proxy does, from an address of its own; the status of the answer. */
async function tryToEnrol(link: string, number: number): Promise<number> {
  const token = link.split('/').at(-1) ?? ''
  const name = `Program ${String(number)}`
  const ask = (path: string, body: object) =>
    fetch(scene.deployment.url('api', path), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-forwarded-for': `198.18.0.${String(number + 1)}`,
        'x-forwarded-proto': 'https',
      },
      body: JSON.stringify(body),
    })
  const options = await ask('/v1/administrators/enrol/options', { token, name })
  if (!options.ok) return options.status
  const credential = new Authenticator({ origin: scene.origin }).create(await options.json())
  return (await ask('/v1/administrators/enrol', { token, name, credential })).status
}

test('the first administrator enrols from the printed invite', async () => {
  await enrol(camille.page, scene.firstInvite, 'Camille')
})

test('a customer has four administrators: of fifty who come at once for the last place one comes in, and a fifth is refused', async () => {
  const { page } = camille
  await page.goto('/admin/organisations')
  await page.getByRole('button', { name: 'Create an organisation' }).click()
  const dialog = page.getByRole('dialog', { name: 'Create an organisation' })
  await dialog.getByLabel('Name').fill('Étoile du Nord')
  await dialog.getByRole('button', { name: 'Create an organisation' }).click()
  await page.getByRole('heading', { level: 1, name: 'Étoile du Nord' }).waitFor()
  for (const name of ['Ann', 'Bea', 'Cal']) {
    await using administrator = await openPage(scene.browser, scene.origin)
    await addAuthenticator(administrator.page)
    await enrol(administrator.page, await inviteAdministrator(page), name)
    expect(administrator.faults).toEqual([])
  }
  const wanted = { role: 'org_admin', organisation: page.url().split('/').at(-1) }
  const links: string[] = []
  for (let count = 0; count < 5; count += 1)
    links.push((await scene.owner<{ url: string }>('POST', '/v1/administrators/invites', wanted)).url)
  const tries = links.flatMap((link) => Array.from({ length: 10 }, () => link))
  const statuses = await Promise.all(tries.map(tryToEnrol))
  expect(statuses.filter((status) => status === 200)).toHaveLength(1)
  expect(new Set(statuses)).toEqual(new Set([200, 404, 409]))

  const unused = links.find((_link, index) => !statuses.slice(index * 10, index * 10 + 10).includes(200))
  await using fifth = await openPage(scene.browser, scene.origin)
  await addAuthenticator(fifth.page)
  await fifth.page.goto(unused ?? '')
  await fifth.page.getByLabel('Name').fill('Dee')
  await fifth.page.getByRole('button', { name: 'Make a passkey' }).click()
  expect(await fifth.page.getByRole('alert').innerText()).toContain('four administrators')
  await page.reload()
  await page.getByRole('heading', { name: 'Administrators: 4 of 4' }).waitFor()
})

test('the host of the customer shows its look, which is set with the eyes in mind', async () => {
  const { page } = camille
  await page.getByLabel('Name', { exact: true }).fill('Étoile')
  await page.getByLabel('Host of its pages').fill(BRANDED_HOST)
  await page.getByLabel('Where its people get help').fill('https://aide.etoile.example/')
  await page.getByLabel('Background, #rrggbb').fill('#777777')
  await page.getByLabel('Text upon it, #rrggbb').fill('#888888')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('The text cannot be read on its background.').waitFor()
  await page.getByLabel('Background, #rrggbb').fill('#1a2b3c')
  await page.getByLabel('Text upon it, #rrggbb').fill('#ffffff')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Branding saved').waitFor()
  const buffer = await page.screenshot({ clip: { x: 0, y: 0, width: 48, height: 48 } })
  await page.locator('input[type=file]').setInputFiles({ name: 'logo.png', mimeType: 'image/png', buffer })
  await page.getByText('Its own').waitFor()

  const origin = `https://${BRANDED_HOST}:${new URL(scene.origin).port}`
  await using visitor = await openPage(scene.browser, origin)
  for (const path of ['/account', '/status', '/abuse']) {
    await visitor.page.goto(path)
    await visitor.page.getByText('Étoile', { exact: true }).waitFor()
    const help = visitor.page.getByRole('link', { name: 'Help' })
    expect(await help.getAttribute('href')).toBe('https://aide.etoile.example/')
    expect(await visitor.page.locator('img[src^="data:image/png;base64,"]').count()).toBe(1)
    expect(await seriousFaults(visitor.page)).toEqual([])
    expect(await visitor.page.title()).toContain('Étoile')
  }
  expect(await visitor.page.getByLabel('Leave this empty').isVisible()).toBe(false) // for programs alone
  expect(visitor.faults).toEqual([])
})

test('an invite has a link and a QR code; whoever scans it makes an account', async () => {
  const { page } = camille
  await page.goto('/admin/invites')
  await page.getByRole('button', { name: 'Create an invite' }).click()
  const dialog = page.getByRole('dialog', { name: 'Create an invite' })
  await dialog.getByLabel('Name before the @').fill('nora')
  await dialog.getByRole('button', { name: 'Create an invite' }).click()
  const made = page.getByRole('dialog', { name: 'Invite' })
  const link = await made.getByRole('group', { name: 'Link' }).locator('code').innerText()
  const scanned = await readQr(made.getByRole('img', { name: 'QR code of the link' }))
  expect(scanned).toBe(link)

  await using nora = await openPage(scene.browser, scene.origin)
  await nora.page.goto(scanned)
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

test('she signs in to her page; a new password is never sent, works everywhere, and ends what was signed in', async () => {
  // At the host of an organisation, which has the same sessions as any other.
  await using nora = await openPage(scene.browser, `https://${BRANDED_HOST}:${new URL(scene.origin).port}`)
  const { page } = nora
  const sent: string[] = []
  page.on('request', (request) => sent.push(`${request.url()} ${request.postData() ?? ''}`))
  await signInToAccount(page, JID, PASSWORD)
  await page.reload()
  await page.getByRole('link', { name: 'Signing in' }).click()
  const phone = await signInToChat(scene, 'nora', 'old')
  const fill = async (old: string, first: string, again: string): Promise<void> => {
    await page.getByLabel('Your password now').fill(old)
    await page.getByLabel('New password').fill(first)
    await page.getByLabel('The same again').fill(again)
    await page.getByRole('button', { name: 'Change the password' }).click()
  }
  await fill(PASSWORD, NEW_PASSWORD, 'mistyped')
  await page.getByText('This is not the same.').waitFor()
  await fill('guessed', NEW_PASSWORD, NEW_PASSWORD)
  await page.getByRole('alert').getByText('This did not prove who you are.').waitFor()
  const ended = phone.streamError()
  await fill(PASSWORD, NEW_PASSWORD, NEW_PASSWORD)
  await page.getByText('Password changed').waitFor()
  await ended
  expect(sent.filter((line) => line.includes(NEW_PASSWORD))).toEqual([])
  expect([await submit(PASSWORD), await submit()]).toEqual(['535', '235'])
  expect(nora.faults).toEqual([])
})

test('a program gets a password of its own, shown once, and loses it', async () => {
  await using nora = await openPage(scene.browser, scene.origin)
  const { page } = nora
  await signInToAccount(page, JID, NEW_PASSWORD)
  await page.goto('/account/sign-in')
  await page.getByRole('button', { name: 'Make one' }).click()
  const dialog = page.getByRole('dialog', { name: 'Make one' })
  await dialog.getByLabel('What you call it').fill('Laptop')
  await dialog.getByLabel('Your password now').fill(NEW_PASSWORD)
  await dialog.getByRole('button', { name: 'Make one' }).click()
  const made = page.getByRole('dialog', { name: 'The password of the program' })
  const shown = (label: string) => made.getByRole('group', { name: label }).locator('code').innerText()
  const [login, password] = [await shown('Name to sign in with'), await shown('Password')]
  await made.getByRole('button', { name: 'Done' }).click()
  const laptop = await signInToChat(scene, login.split('@')[0] ?? '', 'laptop', password)
  const ended = laptop.streamError()
  await page.getByRole('button', { name: 'Revoke Laptop' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
  await page.getByText('No program has a password of its own.').waitFor()
  await ended
  expect(nora.faults).toEqual([])
})

test('her key is found by her address while she publishes it; a secret key never leaves the page', async () => {
  const { publicKey, privateKey } = await generateKey({ userIDs: [{ name: 'Nora', email: JID }] })
  await using nora = await openPage(scene.browser, scene.origin)
  const { page } = nora
  await signInToAccount(page, JID, NEW_PASSWORD)
  await page.goto('/account/keys')
  await page.getByRole('button', { name: 'Upload a key' }).click()
  const dialog = page.getByRole('dialog', { name: 'Upload a key' })
  await dialog.getByLabel('Public key').fill(privateKey)
  await dialog.getByRole('button', { name: 'Upload a key' }).click()
  await dialog.getByText('This is your secret key').waitFor()
  await dialog.getByLabel('Public key').fill(publicKey)
  await dialog.getByRole('button', { name: 'Upload a key' }).click()
  await page.getByText('Published', { exact: true }).waitFor()
  const directory = scene.deployment.url('keys', `/vks/v1/by-email/${encodeURIComponent(JID)}`)
  const find = async () => (await fetch(directory)).status
  expect(await find()).toBe(200)
  await page.getByRole('button', { name: /^Take off [0-9A-F]{16}$/ }).click()
  await expect.poll(find).toBe(404)
  expect(nora.faults).toEqual([])
})

test('suspended: the chat stream closes, submission refuses', async () => {
  chat = await signInToChat(scene, 'nora', 'desk', NEW_PASSWORD)
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
  await ended
  await page.getByText('Suspended', { exact: true }).waitFor()
  expect(await submit()).not.toBe('235')
})

test('restored: everything works again', async () => {
  await openAccount()
  await camille.page.getByRole('button', { name: 'Restore' }).click()
  await camille.page.getByText('Active', { exact: true }).waitFor()
  expect(await submit()).toBe('235')
  await (await signInToChat(scene, 'nora', 'desk', NEW_PASSWORD)).close()
})

test('exported: by an administrator everything but contacts, by herself everything', async () => {
  await openAccount()
  const { page } = camille
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export data' }).click()
  const file = await download
  expect(file.suggestedFilename()).toBe(`${JID}.json`)
  const exported = JSON.parse(await readFile(await file.path(), 'utf8')) as { account: { jid: string } }
  expect(exported.account.jid).toBe(JID)

  await using nora = await openPage(scene.browser, scene.origin)
  await signInToAccount(nora.page, JID, NEW_PASSWORD)
  await nora.page.goto('/account/data')
  for (const [name, content] of [
    ['Everything (JSON)', JID],
    ['Chat (XEP-0227)', 'urn:xmpp:pie:0'],
  ] as const) {
    const own = nora.page.waitForEvent('download')
    await nora.page.getByRole('link', { name }).click()
    expect(await readFile(await (await own).path(), 'utf8')).toContain(content)
  }
})

test('what is asked of her about her data is hers to confirm: her account ends with her password and its name', async () => {
  const jid = 'olga@localhost'
  await scene.owner('POST', '/v1/accounts', { jid, password: PASSWORD })
  await scene.owner('POST', '/v1/privacy-requests', { jid, kind: 'deletion' })
  await using olga = await openPage(scene.browser, scene.origin)
  const { page } = olga
  await signInToAccount(page, jid, PASSWORD)
  await page.goto('/account/data')
  await page.getByRole('button', { name: 'Confirm' }).click()
  const dialog = page.getByRole('dialog', { name: 'Delete my account' })
  for (const [password, typed] of [
    [PASSWORD, 'olga'],
    ['guessed', jid],
    [PASSWORD, jid],
  ] as const) {
    await dialog.getByLabel('Your password now').fill(password)
    await dialog.getByLabel(`To confirm, type ${jid}`).fill(typed)
    await dialog.getByRole('button', { name: 'Delete my account' }).click()
    if (typed !== jid) await dialog.getByText('This is not the same.').waitFor()
    else if (password !== PASSWORD) await dialog.getByText('That is not your password.').waitFor()
  }
  await page.getByRole('heading', { level: 1, name: 'My account' }).waitFor()
  await page.getByLabel('Address').fill(jid)
  await page.locator('input[type=password]').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Wrong name, password or code.').waitFor()
  expect(olga.faults).toEqual([])
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
  await page.getByText('Termination decided').waitFor()
  // All services may have erased it already.
  const ended = page.getByText('Terminated', { exact: true })
  await ended.or(page.getByText('There is no such account.')).first().waitFor()
  expect(await page.getByText('Active', { exact: true }).count()).toBe(0)
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
  const saved = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export', exact: true }).click()
  const lines = (await readFile(await (await saved).path(), 'utf8')).trimEnd().split('\n')
  const { items } = await scene.owner<{ items: object[] }>('GET', '/v1/audit/export')
  expect(lines.map((line) => JSON.parse(line) as object)).toEqual(items)
  expect(camille.faults).toEqual([])
})
