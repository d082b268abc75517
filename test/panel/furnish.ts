/** Puts something on every page: accounts with devices and plans, an invite, keys, mail that waits and mail for the desk. */
import { TestClient } from '../../services/xmpp/test/client.ts'
import type { Scene } from './scene.ts'

export const PASSWORD = 'correct horse battery staple'
const NAMES = ['alice', 'bob', 'carla', 'dominique-alexandrine', 'x9k2-44'] as const

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
