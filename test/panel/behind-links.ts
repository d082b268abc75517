/** Pages that one gets to by a link alone: in a list of the panel, or in a mail. Each is made to be there, as people do it. */
import { readFile } from 'node:fs/promises'
import type { ServiceName } from '@sealpost/dev-env'
import { generateKey } from 'openpgp'
import { expect, vi } from 'vitest'
import { SmtpClient } from '../../services/smtp/test/smtp-client.ts'
import { PASSWORD } from './furnish.ts'
import type { Scene } from './scene.ts'

/** For administrators. */
export const LINKED_ADMIN_PAGES = ['organisation', 'queued-mail', 'desk-mail'] as const
/** For whoever has the link. */
export const LINKED_PAGES = [
  'password-link',
  'key-lookup',
  'key-manage',
  'key-confirm',
  'key-manage-link',
  'list-confirm',
  'list-leave',
] as const
export type LinkedPage = (typeof LINKED_ADMIN_PAGES)[number] | (typeof LINKED_PAGES)[number]

const LIST = 'news.localhost'
/** Who is asked whether they want mail of a list, and whose key is uploaded by others. */
const MEMBER = 'x9k2-44@localhost'
/** Whose key is published. */
const OWNER = 'dominique-alexandrine@localhost'
const FOUND_MS = 20_000
const FIELDS = { 'content-type': 'application/x-www-form-urlencoded' }

type Links = Readonly<Record<LinkedPage, string>>

/** Path of each; needs what `furnish` has made. */
export async function makeLinks(scene: Scene): Promise<Links> {
  return { ...(await adminLinks(scene)), ...(await keyLinks(scene)), ...(await listLinks(scene)) }
}

async function adminLinks(
  scene: Scene,
): Promise<Pick<Links, (typeof LINKED_ADMIN_PAGES)[number] | 'password-link'>> {
  await submit(scene, 'someone@nowhere.example', 'Subject: Hello', 'It waits, since nobody knows where to.')
  await submit(scene, 'abuse@localhost', 'Subject: Adverts', 'Please look at bob@localhost.')
  const first = async (path: string): Promise<string> => {
    const found = async () => (await scene.owner<{ items: { id: string }[] }>('GET', path)).items[0]?.id
    return await untilThere(path, found)
  }
  const { url } = await scene.owner<{ url: string }>('POST', '/v1/accounts/alice@localhost/enrolment')
  return {
    organisation: `/admin/organisations/${await first('/v1/organisations')}`,
    'queued-mail': `/admin/mail/${await first('/v1/mail-queue')}`,
    'desk-mail': `/admin/desk/${await first('/v1/mail-desk')}`,
    'password-link': new URL(url).pathname,
  }
}

async function keyLinks(scene: Scene): Promise<Pick<Links, Extract<LinkedPage, `key-${string}`>>> {
  await post(scene, 'keys', await askToConfirm(scene, OWNER), '', FIELDS)
  await post(scene, 'keys', '/keys/manage', `address=${encodeURIComponent(OWNER)}`, FIELDS)
  return {
    'key-lookup': '/keys/lookup?search=alice%40localhost',
    'key-manage': '/keys/manage',
    'key-confirm': await askToConfirm(scene, MEMBER),
    'key-manage-link': await linkIn(scene, OWNER, 'keys/manage'),
  }
}

/** The link in the mail to the address of a key that is uploaded. The key signs only, so the mail is in clear. */
async function askToConfirm(scene: Scene, address: string): Promise<string> {
  const json = { 'content-type': 'application/json' }
  const { publicKey: keytext } = await generateKey({ userIDs: [{ email: address }], subkeys: [] })
  const uploaded = await post(scene, 'keys', '/vks/v1/upload', JSON.stringify({ keytext }), json)
  const { token } = (await uploaded.json()) as { token: string }
  await post(scene, 'keys', '/vks/v1/request-verify', JSON.stringify({ token, addresses: [address] }), json)
  return await linkIn(scene, address, 'keys/confirm')
}

async function listLinks(scene: Scene): Promise<Pick<Links, Extract<LinkedPage, `list-${string}`>>> {
  const headers = { ...basic('alice@localhost'), 'content-type': 'application/json' }
  const url = scene.deployment.url('smtp', `/v1/me/lists/${LIST}`)
  expect((await fetch(url, { method: 'PUT', headers, body: '{}' })).ok).toBe(true)
  const ask = (address: string): Promise<Response> =>
    post(scene, 'smtp', `/v1/me/lists/${LIST}/members`, JSON.stringify({ address }), headers)
  await ask(MEMBER)
  const joined = await linkIn(scene, MEMBER, 'lists/confirm')
  await post(scene, 'smtp', joined, '', FIELDS)
  await submit(scene, MEMBER, `Subject: News\r\nList-Id: News <${LIST}>`, 'There are some.')
  const leave = await linkIn(scene, MEMBER, 'lists/leave')
  await ask(OWNER)
  const confirm = await linkIn(scene, OWNER, 'lists/confirm')
  return { 'list-confirm': confirm, 'list-leave': leave }
}

async function post(
  { deployment }: Scene,
  service: ServiceName,
  path: string,
  body: string,
  headers: Record<string, string>,
): Promise<Response> {
  const answer = await fetch(deployment.url(service, path), { method: 'POST', headers, body })
  expect(answer.ok, `${path}: ${String(answer.status)}`).toBe(true)
  return answer
}

function basic(jid: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${jid}:${PASSWORD}`).toString('base64')}` }
}

/** As alice. */
async function submit({ deployment }: Scene, to: string, header: string, text: string): Promise<void> {
  const ca = await readFile(deployment.caFile, 'utf8')
  using client = await SmtpClient.connect(deployment.ports.submissions, { ca })
  await client.ask()
  await client.ask('EHLO client.example')
  await client.ask(`AUTH PLAIN ${Buffer.from(`\0alice@localhost\0${PASSWORD}`).toString('base64')}`)
  await client.ask('MAIL FROM:<alice@localhost>')
  expect(await client.ask(`RCPT TO:<${to}>`)).toMatch(/^250/)
  await client.ask('DATA')
  const headers = `From: <alice@localhost>\r\nTo: <${to}>\r\nDate: ${new Date().toUTCString()}\r\n${header}`
  expect(await client.ask(`${headers}\r\n\r\n${text}\r\n.`)).toMatch(/^250/)
}

/** The path of a link in a mail that waits for somebody. */
async function linkIn({ deployment }: Scene, jid: string, path: string): Promise<string> {
  const headers = basic(jid)
  const link = new RegExp(String.raw`https?://[^/\s]+(/${path}/[\w.-]+)`)
  const look = async (): Promise<string | undefined> => {
    const answer = await fetch(deployment.url('smtp', '/v1/mail'), { headers })
    const { items } = (await answer.json()) as { items: { id: string }[] }
    const texts = items.map(async ({ id }) => {
      const mail = await fetch(deployment.url('smtp', `/v1/mail/${id}`), { headers })
      return (await mail.text()).replaceAll('=\r\n', '')
    })
    return (await Promise.all(texts)).flatMap((text) => link.exec(text)?.[1] ?? [])[0]
  }
  return await untilThere(path, look)
}

/** In a hook, where there is no expect.poll. */
function untilThere(what: string, look: () => Promise<string | undefined>): Promise<string> {
  const found = async (): Promise<string> => {
    const value = await look()
    expect(value, what).toBeDefined()
    return value ?? ''
  }
  return vi.waitFor(found, { timeout: FOUND_MS, interval: 200 })
}
