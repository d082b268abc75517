/** What an operator owes to people, authorities and the public, done in the panel: requests, reports, policies, notices, incidents, subscriptions. */
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { certify, ed25519, userId } from '../../packages/openpgp/test/maker.ts'
import { armor } from '../../services/keys/test/keys.ts'
import { testDns, type TestDns } from '../../services/smtp/test/test-dns.ts'
import { seriousFaults } from './axe.ts'
import { DESKTOP, openPage, PHONE, type WatchedPage } from './browser.ts'
import { CRASH, PASSWORD } from './furnish.ts'
import { tabTo } from './keyboard.ts'
import { addAuthenticator, enrol, openScene, signInToAccount, type Scene } from './scene.ts'
import { takeScreenshot } from './screenshot.ts'

const JID = 'nora@localhost'
const DAY_MS = 86_400_000
/** The last is the one that is worked in. */
const VIEWS = [
  ['phone-dark', PHONE, 'dark'],
  ['desk-light', DESKTOP, 'light'],
] as const
const SHOTS = process.env['SCREENSHOTS']

let dns: TestDns
let scene: Scene
let camille: WatchedPage
let odile: WatchedPage

beforeAll(async () => {
  dns = await testDns({
    'localhost A': ['192.0.2.25'],
    'localhost MX': ['10 mail.example.net'],
    '_xmpp-client._tcp.localhost SRV': ['0 5 5222 localhost'],
  })
  scene = await openScene({ dnsServer: `127.0.0.1:${String(dns.server.port)}` })
  camille = await openPage(scene.browser, scene.origin)
  await addAuthenticator(camille.page)
  await enrol(camille.page, scene.firstInvite, 'Camille')
  await scene.owner('POST', '/v1/accounts', { jid: JID, password: PASSWORD })
  const { url } = await scene.owner<{ url: string }>('POST', '/v1/administrators/invites', { role: 'admin' })
  odile = await openPage(scene.browser, scene.origin)
  await addAuthenticator(odile.page)
  await enrol(odile.page, url, 'Odile')
})

afterAll(async () => {
  await odile[Symbol.asyncDispose]()
  await camille[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
  await dns[Symbol.asyncDispose]()
})

function dayFromNow(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10)
}

/** As a field of date and time takes it. */
function timeFromNow(days: number): string {
  return `${dayFromNow(days)}T12:00`
}

async function go(page: Page, place: string, title: string): Promise<void> {
  await page.goto(`/admin/${place}`)
  await page.getByRole('heading', { level: 1, name: title }).waitFor()
}

/** The status of the answer. */
async function askAsNora(path: string, data: object): Promise<number> {
  await using nora = await openPage(scene.browser, scene.origin)
  const authorization = `Basic ${Buffer.from(`${JID}:${PASSWORD}`).toString('base64')}`
  const options = { headers: { authorization }, data, ignoreHTTPSErrors: true }
  return (await nora.context.request.post(path, options)).status()
}

/** Presses the button, and answers the dialog that comes with it. */
async function ask(page: Page, button: string): Promise<Locator> {
  await page.locator('main').getByRole('button', { name: button, exact: true }).click()
  return page.getByRole('dialog')
}

async function confirm(dialog: Locator, button: string): Promise<void> {
  await dialog.getByRole('button', { name: button, exact: true }).click()
}

/** On a phone and in the dark as on a desk: nothing is cut off, axe finds nothing serious. */
async function judge(page: Page, name: string): Promise<void> {
  await page.waitForLoadState('networkidle')
  for (const [view, size, colorScheme] of VIEWS) {
    await page.setViewportSize(size)
    await page.emulateMedia({ colorScheme })
    await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor()
    if (SHOTS !== undefined && view === 'desk-light')
      await takeScreenshot(page, join(SHOTS, `${name}-${view}.webp`))
    const sideways = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
    expect({ name, view, sideways, serious: await seriousFaults(page) }).toEqual({
      name,
      view,
      sideways: 0,
      serious: [],
    })
  }
}

async function fillRequest(dialog: Locator, letterhead: 'present' | 'missing'): Promise<void> {
  await dialog.getByLabel('Authority').fill('Tribunal de Montréal')
  await dialog.getByLabel('Official mail address').fill('greffe@tribunal.example')
  await dialog.getByLabel('Letterhead').selectOption(letterhead)
  await dialog.getByLabel('Received on').fill(dayFromNow(0))
  await dialog.getByLabel('Legal basis').fill('Art. 487.014')
  await dialog.getByLabel('Account that it names').fill(JID)
  await dialog.getByLabel('Date of creation').check()
  await dialog.getByLabel('Type of device', { exact: true }).check()
}

test('a request of an authority that lacks its letterhead is refused at once, and says why', async () => {
  const { page } = camille
  await go(page, 'legal', 'Legal requests')
  const dialog = await ask(page, 'Record a request')
  await fillRequest(dialog, 'missing')
  await confirm(dialog, 'Record a request')
  await page.getByText('Refused', { exact: true }).waitFor()
  await page.getByText('No letterhead', { exact: true }).waitFor()
  await judge(page, 'legal-request')
  expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0)
})

test('one that is in order is reviewed, approved by two, and produced: what exists and nothing else', async () => {
  const { page } = camille
  await go(page, 'legal', 'Legal requests')
  await judge(page, 'legal')
  await fillRequest(await ask(page, 'Record a request'), 'present')
  await judge(page, 'legal-record')
  await confirm(page.getByRole('dialog'), 'Record a request')
  await page.getByRole('button', { name: 'Authentic and in order' }).click()
  const approval = await ask(page, 'Approve')
  await approval.getByLabel('Reason').fill('in order')
  await confirm(approval, 'Approve')
  await approval.getByText(/Another administrator has to approve this first/).waitFor()

  await go(odile.page, 'approvals', 'Approvals')
  await odile.page.getByRole('link', { name: /^request / }).click()
  await odile.page.getByText('Art. 487.014').waitFor()
  await odile.page.goBack()
  await odile.page.getByRole('button', { name: 'Approve legal-request.approve' }).click()
  await odile.page.getByRole('status').getByText('Approved').waitFor()

  await confirm(approval, 'Approve')
  const production = await ask(page, 'Produce')
  await production.getByLabel('Reason').fill('approved')
  await confirm(production, 'Produce')
  const produced = await page.getByRole('region', { name: 'What was produced' }).locator('pre').innerText()
  expect(JSON.parse(produced)).toMatchObject({ username: JID, exists: true, created_on: dayFromNow(0) })
  await judge(page, 'legal-produced')
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Save as text' }).click()
  expect((await download).suggestedFilename()).toMatch(/^production-.*\.txt$/)
})

test('a privacy request that came by letter is recorded, has a day by which it is due, and is answered', async () => {
  const { page } = camille
  await go(page, 'privacy', 'Privacy requests')
  const dialog = await ask(page, 'Record a request')
  await dialog.getByLabel('Address').fill(JID)
  await dialog.getByLabel('About').selectOption('correction')
  await dialog.getByLabel('In their words').fill('My plan is wrong')
  await confirm(dialog, 'Record a request')
  await page.getByRole('heading', { level: 1, name: 'Correction' }).waitFor()
  await page.getByText(/^Due /).waitFor()
  await page.getByRole('link', { name: JID }).waitFor()
  await judge(page, 'privacy-request')
  const answer = await ask(page, 'Answer')
  await answer.getByLabel('Answer').fill('It was corrected.')
  await confirm(answer, 'Answer')
  await page.getByText('Answered', { exact: true }).waitFor()
  await go(page, 'privacy', 'Privacy requests')
  await judge(page, 'privacy')
})

test('a policy is published, gets a second language, and counts who agreed', async () => {
  const { page } = camille
  await go(page, 'policies', 'Policies')
  const dialog = await ask(page, 'Publish a version')
  await dialog.getByLabel('In force from').fill(dayFromNow(0))
  await dialog.getByLabel('Title').fill('Terms')
  await dialog.getByLabel('Text').fill('Be kind.\n\nThat is all.')
  await confirm(dialog, 'Publish a version')
  await page.getByRole('link', { name: 'Terms of service, version 1' }).click()
  await page.getByText('In force', { exact: true }).waitFor()
  await page.getByText('Accounts that agreed').waitFor()
  const translation = await ask(page, 'Add a language')
  await translation.getByLabel('Title').fill('Conditions')
  await translation.getByLabel('Text').fill('Soyez aimables.')
  await confirm(translation, 'Add a language')
  await page.locator('main').getByLabel('Language').selectOption('fr')
  await page.getByText('Soyez aimables.').waitFor()
  await judge(page, 'policy')
  await go(page, 'policies', 'Policies')
  await judge(page, 'policies')
})

test('a notice is seen as it will be before anybody gets it, then published and withdrawn', async () => {
  const { page } = camille
  await go(page, 'notices/new', 'Write a notice')
  await page.getByLabel('Title').fill('New server')
  await page.getByLabel('Text').fill('We move to a faster one.')
  await page.getByRole('button', { name: 'Preview' }).click()
  const mail = page.getByRole('region', { name: 'Mail', exact: true })
  expect(await mail.locator('pre').innerText()).toContain('We move to a faster one.')
  await judge(page, 'notice')
  await page.getByRole('button', { name: 'Publish' }).click()
  await page.getByRole('rowheader', { name: 'New server' }).waitFor()
  await page.getByRole('button', { name: 'Withdraw New server' }).click()
  await page.getByRole('cell', { name: 'Withdrawn' }).waitFor()
  await judge(page, 'notices')
})

test('a report of abuse: read by the keyboard alone, the account warned and restricted, the report closed', async () => {
  await scene.owner('POST', '/v1/abuse-reports', {
    category: 'harassment',
    about: JID,
    text: 'She does not stop.',
    headers: 'Received: from elsewhere',
    first_name: 'Ana',
    last_name: 'Roy',
    contact: 'ana@example.org',
  })
  const { page } = camille
  await go(page, 'notices', 'Notices')
  await page.keyboard.press('g')
  await page.keyboard.press('r')
  await page.getByRole('link', { name: 'Harassment' }).waitFor()
  await tabTo(page, 'Harassment')
  await page.keyboard.press('Enter')
  await page.getByText('She does not stop.').waitFor()
  await page.getByText('Received: from elsewhere').waitFor()
  await page.getByText('Ana Roy').waitFor()
  await judge(page, 'abuse-report')
  await tabTo(page, 'Warn')
  await page.keyboard.press('Enter')
  await page.getByRole('dialog', { name: 'Warn' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Warn')
  await confirm(await ask(page, 'Warn'), 'Warn')
  await page.getByText('Warning sent').waitFor()
  const restriction = await ask(page, 'Restrict mail')
  await restriction.getByLabel('Mails a day').or(restriction.getByLabel('Messages a day')).fill('5')
  await confirm(restriction, 'Restrict mail')
  await page.getByText('Warn, Restrict mail').waitFor()
  expect(await scene.owner('GET', `/v1/accounts/${encodeURIComponent(JID)}/mail-limit`)).toMatchObject({
    messages_per_day: 5,
  })
  await confirm(await ask(page, 'Close the report'), 'Close the report')
  await page.getByText('Acted upon').waitFor()
  await go(page, 'abuse', 'Abuse desk')
  await judge(page, 'abuse')
})

test('anonymous reports are kept apart; of one a sender elsewhere is blocked', async () => {
  await scene.owner('POST', '/v1/abuse-reports', {
    category: 'fraud',
    about: 'offers@spam.example',
    text: 'A lottery.',
  })
  const { page } = camille
  await go(page, 'abuse', 'Abuse desk')
  expect(await page.getByRole('link', { name: 'Fraud' }).count()).toBe(0)
  await page.getByText('Anonymous', { exact: true }).click()
  await page.getByLabel('Came by').selectOption('mail')
  await page.getByText('Nothing is reported.').waitFor()
  await page.getByLabel('Came by').selectOption('form')
  await page.getByRole('link', { name: 'Fraud' }).click()
  await page.getByText('No name, or no contact').waitFor()
  const block = await ask(page, 'Block a sender')
  expect(await block.getByLabel('Address or domain').inputValue()).toBe('offers@spam.example')
  await confirm(block, 'Block a sender')
  await page.getByText('Sender blocked').waitFor()
})

test('an incident is told of, updated, over, and reported; the public page has it', async () => {
  const { page } = camille
  await go(page, 'incidents', 'Incidents')
  const dialog = await ask(page, 'Tell of an incident')
  await dialog.getByLabel('Title').fill('Mail is slow')
  await dialog.getByLabel('Mail', { exact: true }).check()
  await confirm(dialog, 'Publish')
  const card = page.getByRole('region', { name: 'Mail is slow' })
  const update = await ask(page, 'Update')
  await update.getByLabel('Text').fill('A disk is replaced.')
  await confirm(update, 'Update')
  await card.getByText('A disk is replaced.').waitFor()
  await confirm(await ask(page, 'It is over'), 'It is over')
  await card.getByText(/^Report due/).waitFor()
  const report = await ask(page, 'Write the report')
  await report.getByLabel('Text').fill('A disk had failed.')
  await confirm(report, 'Write the report')
  await card.getByText('A disk had failed.').waitFor()
  await judge(page, 'incidents')
  await page.goto('/status')
  await page.getByText('A disk had failed.').waitFor()
})

test('maintenance is announced two days before, not later, and called off', async () => {
  const { page } = camille
  await go(page, 'incidents', 'Incidents')
  const dialog = await ask(page, 'Plan maintenance')
  await dialog.getByLabel('What is done').fill('New disks')
  await dialog.getByLabel('Chat', { exact: true }).check()
  await dialog.getByLabel('Begins').fill(timeFromNow(1))
  await dialog.getByLabel('Ends').fill(`${dayFromNow(1)}T13:00`)
  await confirm(dialog, 'Announce')
  await dialog.getByText('Maintenance is announced two days before it begins.').waitFor()
  await dialog.getByLabel('Begins').fill(timeFromNow(4))
  await dialog.getByLabel('Ends').fill(`${dayFromNow(4)}T13:00`)
  await confirm(dialog, 'Announce')
  await page.getByRole('button', { name: 'Call off New disks' }).click()
  await page.getByText('None is planned.').waitFor()
})

test('the service level of the month, and a claim of credit that is decided', async () => {
  await scene.owner('POST', '/v1/status/probes', {
    at: new Date(Date.now() - 10 * 60_000).toISOString(),
    results: [{ component: 'voice', good: true }],
  })
  const month = dayFromNow(0).slice(0, 7)
  const filed = await askAsNora('/v1/me/credit-claims', { month, component: 'voice' })
  expect(filed).toBe(201)
  const { page } = camille
  const { id } = await scene.owner<{ id: string }>('POST', '/v1/organisations', {
    name: 'Hôtel Nord',
    kind: 'customer',
  })
  await go(page, `organisations/${id}`, 'Hôtel Nord')
  await page.getByText('There is none.').waitFor()
  await confirm(await ask(page, 'Claim credit'), 'Claim credit')
  await page.getByRole('rowheader', { name: /· Chat$/ }).waitFor()
  await judge(page, 'organisation')
  await go(page, 'agreement', 'Service level')
  await page.getByRole('link', { name: 'Hôtel Nord' }).waitFor()
  await page.getByRole('table', { name: 'What was kept' }).getByRole('rowheader', { name: 'Calls' }).waitFor()
  await judge(page, 'agreement')
  await page
    .getByRole('button', { name: /^Grant the claim/ })
    .first()
    .click()
  await page.getByText('The month is not over: nobody knows yet what is owed.').waitFor()
  const refuse = page.getByRole('button', { name: /^Refuse the claim/ })
  await refuse.last().click()
  await expect.poll(() => refuse.count()).toBe(1)
})

test('a subscription: its fee overdue, the account to be suspended, then paid; what was done is told', async () => {
  const { page } = camille
  await go(page, 'subscriptions', 'Subscriptions')
  const dialog = await ask(page, 'Add a subscription')
  await dialog.getByLabel('Whose').selectOption('account')
  await dialog.getByLabel('Address').fill(JID)
  await dialog.getByLabel('Began').fill(dayFromNow(-2))
  await dialog.getByLabel('Renews').fill(dayFromNow(28))
  await dialog.getByLabel('Fee').selectOption('overdue')
  await confirm(dialog, 'Save')
  const row = page.getByRole('row').filter({ hasText: JID })
  await row.getByText('Overdue', { exact: true }).waitFor()
  await row.getByRole('button', { name: `Change ${JID}` }).click()
  await dialog.getByLabel('Fee').selectOption('none')
  await confirm(dialog, 'Save')
  await row.getByText('Paid', { exact: true }).waitFor()
  await judge(page, 'subscriptions')
  await row.getByRole('button', { name: `Events of ${JID}` }).click()
  await dialog.getByRole('rowheader', { name: 'account.subscribe' }).first().waitFor()
})

test('a key is found by its address, taken off for a reason that the log tells, and readmitted', async () => {
  const primary = ed25519(Date.now())
  const keytext = armor(Buffer.concat([primary.key.packet.bytes, userId(JID), certify(primary, JID)]))
  expect(await askAsNora('/v1/me/keys', { keytext })).toBe(200)
  const { page } = camille
  await go(page, 'keys', 'Key directory')
  await page.getByLabel('Address, fingerprint or key id').fill(JID)
  await page.keyboard.press('Enter')
  await page.getByText('Published', { exact: true }).waitFor()
  await judge(page, 'keys')
  const fingerprint = (await page.locator('main code').first().innerText()).replaceAll(' ', '')
  const removal = await ask(page, 'Take off')
  await removal.getByLabel('Reason').fill('its owner has died')
  await confirm(removal, 'Take off')
  await page.getByText('Nothing is here by that.').waitFor()
  await page.getByLabel('Address, fingerprint or key id').fill(fingerprint)
  await page.getByRole('button', { name: 'Find' }).click()
  await page.getByText('Taken off', { exact: true }).waitFor()
  await page.getByRole('rowheader', { name: 'key.remove' }).first().waitFor()
  await page.getByRole('cell', { name: 'its owner has died' }).first().waitFor()
  await page.getByRole('button', { name: 'Readmit' }).click()
  await page.getByText('Nothing is here by that.').waitFor()
})

test('the DNS doctor says what is there, what is missing and what would do; mended, it is in order', async () => {
  const { page } = camille
  await go(page, 'domains/localhost', 'localhost')
  const mail = page.getByRole('region', { name: 'Where mail goes (MX) localhost' })
  await mail.getByText('Not as it must be').waitFor()
  await mail.getByText('10 mail.example.net').waitFor()
  await mail.getByText('10 localhost', { exact: true }).waitFor()
  await page
    .getByRole('region', { name: /^Chat \(SRV\)/ })
    .getByText('In order')
    .waitFor()
  await judge(page, 'domain')
  dns.set({ 'localhost MX': ['10 localhost'] })
  await page.getByRole('button', { name: 'Look again' }).click()
  await mail.getByText('In order').waitFor()
})

test('an affiliate is added, has no statement yet, and is stopped', async () => {
  const { page } = camille
  await go(page, 'affiliates', 'Affiliates')
  await page.getByText('There are no affiliates.').waitFor()
  const dialog = await ask(page, 'Add an affiliate')
  await dialog.getByLabel('Name').fill('Réseau du Nord')
  await dialog.getByLabel('For each referral').fill('25.50')
  await confirm(dialog, 'Add an affiliate')
  const row = page.getByRole('row').filter({ hasText: 'Réseau du Nord' })
  await row.getByText('$25.50').waitFor()
  await row.getByRole('button', { name: 'Statements of Réseau du Nord' }).click()
  await page.getByRole('dialog').getByText('No month has been stated yet.').waitFor()
  await page.keyboard.press('Escape')
  await row.getByRole('button', { name: 'Stop Réseau du Nord' }).click()
  await confirm(page.getByRole('dialog'), 'Stop')
  await row.getByText('Stopped', { exact: true }).waitFor()
})

test('a crash is found by its kind, and says nothing of whom it met', async () => {
  await scene.owner('POST', '/v1/crash-reports', CRASH)
  const { page } = camille
  await go(page, 'crashes', 'Crashes')
  await page.getByRole('link', { name: 'Error: no route to [address]' }).click()
  await page.getByRole('region', { name: 'Example Chat 1.2.3' }).getByText('connection.js:12:7').waitFor()
  expect(await page.locator('main').innerText()).not.toContain('juliet')
  await judge(page, 'crash')
})

test('an organisation ends on a day, which is taken back', async () => {
  const { id } = await scene.owner<{ id: string }>('POST', '/v1/organisations', { name: 'Auberge' })
  await scene.owner('POST', `/v1/organisations/${id}/terminate`, { after: 20 })
  const { page } = camille
  await go(page, `organisations/${id}`, 'Auberge')
  await page.getByText('Ends on', { exact: true }).waitFor()
  await confirm(page.locator('main'), 'Keep')
  await page.getByText('Ends on', { exact: true }).waitFor({ state: 'detached' })
})

test('who has signed in twice to the page of an account ends the other session', async () => {
  await using lost = await openPage(scene.browser, scene.origin)
  await using here = await openPage(scene.browser, scene.origin)
  await signInToAccount(lost.page, JID, PASSWORD)
  await signInToAccount(here.page, JID, PASSWORD)
  await here.page.goto('/account/sign-in')
  const table = here.page.getByRole('table', { name: 'Where you are signed in' })
  await table.getByText('This one').waitFor()
  const ends = table.getByRole('button', { name: /^End the session of/ })
  expect(await ends.count()).toBe(1)
  await ends.click()
  await expect.poll(() => ends.count()).toBe(0)
  await lost.page.reload()
  await lost.page.locator('input[type=password]').waitFor()
})

test('all statistics of an area are drawn', async () => {
  const { page } = camille
  await go(page, 'statistics', 'Statistics')
  await page.getByLabel('Area').last().selectOption('mail')
  await page.getByRole('heading', { name: 'Recipients not reached' }).waitFor()
  await judge(page, 'statistics')
})

/** Until the first numbers are there. */
const READ_MS_MAX = 120_000

interface Figure {
  readonly name: string
  readonly unit: string
  readonly kind: string
  readonly now?: number
}

test('the overview shows what the API says, in figures and in charts', async () => {
  const { page } = camille
  const read = <T>(path: string): Promise<T> =>
    page.evaluate(async (from) => (await fetch(from)).json() as Promise<T>, path)
  const shown = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
  const compare = async (): Promise<void> => {
    await go(page, 'overview', 'Overview')
    await page.waitForLoadState('networkidle')
    const { items } = await read<{ items: Figure[] }>('/v1/statistics/overview')
    const active = items.find(({ name }) => name === 'accounts.active')?.now ?? 0
    expect(active).toBeGreaterThan(0)
    const figure = page.locator('dt', { hasText: 'Active accounts' }).locator('xpath=following-sibling::dd')
    expect(await figure.innerText()).toBe(shown.format(active))
    for (const [name, label] of [
      ['chat.online', 'Online now'],
      ['mail.queue.waiting', 'Mails waiting'],
    ] as const) {
      const from = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000 - DAY_MS).toISOString()
      const query = `name=${name}&from=${encodeURIComponent(from)}`
      const series = await read<{ items: { value: number }[] }>(`/v1/statistics/series?${query}`)
      expect(series.items.length, name).toBeGreaterThan(0)
      const cells = page.getByRole('table', { name: label, exact: true }).locator('td')
      expect(await cells.allInnerTexts()).toEqual(series.items.map(({ value }) => shown.format(value)))
      const drawn = page.locator('figure').filter({ has: cells.first() }).locator('svg polyline')
      expect(await drawn.count()).toBe(1)
    }
  }
  // Numbers come by the minute, the first after a minute, and perhaps between two looks.
  await vi.waitFor(compare, { timeout: READ_MS_MAX, interval: 1_000 })
})

test('nothing went wrong meanwhile', () => {
  expect([...camille.faults, ...odile.faults]).toEqual([])
})
