/** Puts something on every page: accounts with devices and plans, an invite, keys, mail that waits and mail for the desk. */
import { generateKey } from 'openpgp'
import { TestClient } from '../../services/xmpp/test/client.ts'
import type { ServiceName } from '@sealpost/dev-env'
import type { Scene } from './scene.ts'

export const PASSWORD = 'correct horse battery staple'
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const NAMES = ['alice', 'bob', 'carla', 'dominique-alexandrine', 'x9k2-44'] as const

export const CRASH = {
  application: 'Example Chat',
  version: '1.2.3',
  platform: 'Android 16',
  trace: 'Error: no route to juliet@localhost\n    at connect (/app/src/connection.js:12:7)',
} as const

export async function furnish(scene: Scene): Promise<void> {
  const owner: Scene['owner'] = (method, path, body) => scene.owner(method, path, body)
  for (const name of NAMES)
    await owner('POST', '/v1/accounts', { jid: `${name}@localhost`, password: PASSWORD })
  await owner('POST', '/v1/accounts/bob@localhost/suspend', { reason: 'abuse' })
  await owner('POST', '/v1/accounts/carla@localhost/terminate')
  await owner('PUT', '/v1/plans/family', { messages_per_day: 200, mailbox_mib: 512 })
  await owner('PUT', '/v1/plans/office', { messages_per_day: 2_000, recipients_per_message: 50 })
  await owner('PUT', '/v1/accounts/alice@localhost/plan', { plan: 'family' })
  await owner('PUT', '/v1/domains/localhost/policy', { e2ee: 'required', message_ttl_seconds: 86_400 })
  await owner('POST', '/v1/api-keys', { label: 'billing', scope: ['accounts:read', 'plans:read'] })
  await owner('POST', '/v1/invites/account', { uses: 10, plan: 'family' })
  const day = new Date().toISOString().slice(0, 10)
  const text = { language: 'en', title: 'Terms of service', text: 'What holds between us.' }
  await owner('POST', '/v1/policies/terms/versions', { effective_on: day, ...text })
  const news = { kind: 'announcement', audience: 'all', title: 'Welcome', body: 'A new panel is here.' }
  await owner('POST', '/v1/notices', news)
  await registerDevice(scene, 'alice', 'phone')
  await furnishAccount(scene)
  await furnishStatus(scene)
  await furnishDuties(scene)
  await owner('POST', '/v1/affiliates', { label: 'Réseau du Nord', commission_cents: 2_500 })
  await owner('POST', '/v1/crash-reports', CRASH)
}

/** What alice has besides: a key, a password of a program, a question about her data. */
async function furnishAccount({ deployment }: Scene): Promise<void> {
  const ask = async (service: ServiceName, path: string, body: object): Promise<void> => {
    const answer = await fetch(deployment.url(service, path), {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`alice@localhost:${PASSWORD}`).toString('base64')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`${path}: ${String(answer.status)} ${await answer.text()}`)
  }
  const { publicKey: keytext } = await generateKey({ userIDs: [{ email: 'alice@localhost' }] })
  await ask('keys', '/v1/me/keys', { keytext })
  await ask('api', '/v1/me/app-passwords', { name: 'Laptop', scopes: ['mail'] })
  await ask('api', '/v1/me/privacy-requests', { kind: 'correction', details: 'My name is spelled Alyce.' })
}

/** Every component is up but one, about which something is told. */
async function furnishStatus({ owner }: Pick<Scene, 'owner'>): Promise<void> {
  const at = new Date(Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS).toISOString()
  const results = ['chat', 'voice', 'mail', 'keys', 'api'].map((component) => ({
    component,
    good: component !== 'keys',
  }))
  await owner('POST', '/v1/status/probes', { at, results })
  await owner('POST', '/v1/incidents', {
    components: ['keys'],
    severity: 'minor',
    title: 'Lookups of keys are slow',
    text: 'We know why, and are at it.',
  })
  const inThreeDays = Date.now() + 3 * DAY_MS
  await owner('POST', '/v1/maintenance', {
    components: ['mail'],
    begins_at: new Date(inThreeDays).toISOString(),
    ends_at: new Date(inThreeDays + 60 * MINUTE_MS).toISOString(),
    summary: 'New disks',
  })
}

/** A customer who pays, a request of an authority that lacks nothing, a report of abuse. */
async function furnishDuties({ owner }: Pick<Scene, 'owner'>): Promise<void> {
  const day = (fromNow: number) => new Date(Date.now() + fromNow * DAY_MS).toISOString().slice(0, 10)
  const { id } = await owner<{ id: string }>('POST', '/v1/organisations', {
    name: 'Étoile du Nord',
    accounts: 20,
  })
  const term = { term_months: 12, started_on: day(-30), renews_on: day(335), fee: 'none' }
  await owner('PUT', `/v1/subscriptions/organisations/${id}`, term)
  await owner('POST', '/v1/legal-requests', {
    kind: 'court-order',
    authority: 'Cour supérieure',
    official_address: 'greffe@justice.example',
    letterhead: 'present',
    username: 'x9k2-44@localhost',
    sought: ['creation-date'],
    legal_basis: 'Order 123',
    received_how: 'courier',
    received_on: day(0),
  })
  await owner('POST', '/v1/abuse-reports', {
    category: 'spam',
    about: 'bob@localhost',
    text: 'He writes to me every day, and I do not know him.',
    first_name: 'Ann',
    last_name: 'Example',
    contact: 'ann@example.com',
  })
}

/** A device is registered when it has been here twice. */
export async function registerDevice(
  { deployment }: Scene,
  username: string,
  resource: string,
): Promise<void> {
  for (let time = 0; time < 2; time++) {
    const client = await signInToChat({ deployment }, username, resource)
    await client.close()
  }
}

export async function signInToChat(
  { deployment }: Pick<Scene, 'deployment'>,
  username: string,
  resource: string,
  password: string = PASSWORD,
): Promise<TestClient> {
  const client = await TestClient.signIn({
    port: deployment.ports.xmpp,
    username,
    password,
    resource,
    mechanism: 'SCRAM-SHA-256-PLUS',
  })
  await client.enableStreamManagement()
  await client.available()
  return client
}
