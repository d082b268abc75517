/** Administrators who talk to the API as the panel does: a passkey, a cookie, a token against forgery. */
import { openDb, sql } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { expect } from 'vitest'
import type { Answer, TestApi } from './api.ts'
import { Authenticator } from './authenticator.ts'

export const ORIGIN = 'https://example.org:8443'

let clients = 0

/** Of a client that comes through a proxy from an address of its own: hundreds sign in here within seconds. */
export function somewhere(): Record<string, string> {
  clients += 1
  const address = `198.18.${String(clients >> 8)}.${String(clients & 255)}`
  return { 'x-forwarded-for': address, 'x-forwarded-proto': 'https' }
}

/** What a browser holds of a session. */
export interface Session {
  readonly cookie: string
  readonly csrf: string
}

export class TestAdministrator {
  readonly api: TestApi
  readonly name: string
  readonly authenticator = new Authenticator()
  readonly headers = somewhere()
  id = ''
  recoveryCodes: readonly string[] = []
  session: Session = { cookie: '', csrf: '' }

  constructor(api: TestApi, name: string) {
    this.api = api
    this.name = name
  }

  /** Uses the token of an invite; the answer of the last step. */
  async enrol(token: string): Promise<Answer> {
    const { headers } = this
    const options = await this.api.call('POST', '/v1/administrators/enrol/options', {
      body: { token, name: this.name },
      headers,
    })
    if (options.status !== 200) return options
    const credential = this.authenticator.create(options.json)
    const answer = await this.api.call('POST', '/v1/administrators/enrol', {
      body: { token, name: this.name, credential },
      headers,
    })
    if (answer.status === 200) this.keep(answer)
    return answer
  }

  async signIn(): Promise<Answer> {
    const headers = somewhere()
    const options = await this.api.call('POST', '/v1/session/passkey/options', { headers })
    const credential = this.authenticator.get(options.json)
    const answer = await this.api.call('POST', '/v1/session/passkey', { body: { credential }, headers })
    if (answer.status === 200) this.keep(answer)
    return answer
  }

  /** Proves themselves anew with their passkey. */
  async prove(): Promise<Answer> {
    const options = await this.call('POST', '/v1/session/proof/options')
    return this.call('POST', '/v1/session/proof', { credential: this.authenticator.get(options.json) })
  }

  /** Holds on to the cookie that came with an answer. */
  keep(answer: Answer): void {
    const { administrator, csrf, recovery_codes: codes } = answer.json
    this.id = (administrator as { id: string }).id
    this.session = { cookie: cookieOf(answer), csrf: String(csrf) }
    if (codes !== undefined) this.recoveryCodes = codes as string[]
  }

  /** Asks as a page of ours does. */
  call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const { cookie, csrf } = this.session
    return this.api.call(method, path, {
      body,
      headers: {
        ...this.headers,
        cookie,
        origin: ORIGIN,
        'x-csrf-token': csrf,
        'sealpost-reason': 'test',
        ...headers,
      },
    })
  }
}

/** `NAME=VALUE` of the one cookie that an answer sets. */
export function cookieOf(answer: Answer): string {
  const [cookie = ''] = answer.headers['set-cookie'] ?? []
  return cookie.split(';')[0] ?? ''
}

/** Invited on the host, and enrolled with a passkey. */
export async function appoint(
  api: TestApi,
  name: string,
  role = 'owner',
  within?: string,
): Promise<TestAdministrator> {
  const invite = await api.owner('POST', '/v1/administrators/invites', { role, organisation: within })
  const administrator = new TestAdministrator(api, name)
  const answer = await administrator.enrol(String(invite.json['token']))
  expect(answer.status, answer.text).toBe(200)
  return administrator
}

/** An organisation, of the server or of a reseller. */
export async function organisation(api: TestApi, name: string, parent?: string): Promise<string> {
  const id = systemRandom.uuid()
  await using db = await openDb({ url: api.databaseUrl, role: 'sealpost_account', poolSize: 1 })
  await db.execute(sql`
    insert into account.organisation (id, name, kind, parent_id, created_on)
    values (${id}::uuid, ${name}, ${parent === undefined ? 'reseller' : 'customer'}, ${parent ?? null}::uuid, '2030-01-01')`)
  return id
}
