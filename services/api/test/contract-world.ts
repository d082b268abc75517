/** Things that operations are about, each made as its users make it: what a generated request cannot know. */
import { openDb, sql } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { Secret, TOTP } from 'otpauth'
import { expect } from 'vitest'
import { appoint, cookieOf, ORIGIN, somewhere, type TestAdministrator } from './administrator.ts'
import { basic, type Answer, type TestApi } from './api.ts'
import type { JumpingClock } from './jumping-clock.ts'

export const PASSWORD = 'pass-word'
export const TODAY = '2030-01-03'
export const TERMS = { term_months: 1, started_on: TODAY, renews_on: '2030-02-03', fee: 'none' }
export const FINGERPRINT = 'A'.repeat(40)
export const MAIL_ID = '0c9f37ac-3f30-4c39-9f0e-27e1fc2c8a11'

export interface TestAccount {
  readonly jid: string
  readonly id: string
  readonly headers: Record<string, string>
}

export class ContractWorld {
  readonly api: TestApi
  readonly clock: JumpingClock
  #made = 0
  #policy: Promise<unknown> | undefined

  constructor(api: TestApi, clock: JumpingClock) {
    this.api = api
    this.clock = clock
    api.mail.waiting = [
      {
        id: MAIL_ID,
        accountId: undefined,
        acceptedAt: clock.now(),
        bytes: 1,
        hold: undefined,
        recipients: [],
      },
    ]
    api.keys.known = [{ fingerprint: FINGERPRINT, removed: false, certificate: undefined }]
    api.letters.away = false
  }

  name(): string {
    this.#made += 1
    return `n${String(this.#made)}`
  }

  /** As the host; what it is answered, which has to be a success. */
  async made(path: string, body: unknown = {}, method = 'POST'): Promise<Record<string, unknown>> {
    return succeeded(await this.api.owner(method, path, body))
  }

  async shown(path: string): Promise<Record<string, unknown>> {
    return succeeded(await this.api.owner('GET', path))
  }

  async id(path: string, body: unknown = {}): Promise<string> {
    return String((await this.made(path, body))['id'])
  }

  async account(more: object = {}): Promise<TestAccount> {
    const jid = `${this.name()}@example.org`
    const id = await this.id('/v1/accounts', { jid, password: PASSWORD, ...more })
    return { jid, id, headers: basic(jid, PASSWORD) }
  }

  /** Headers of a session on the page of an account. */
  async signedIn(): Promise<Pick<TestAccount, 'headers'>> {
    const body = { jid: (await this.account()).jid, password: PASSWORD }
    const begun = await this.api.call('POST', '/v1/account-session', { headers: somewhere(), body })
    const csrf = String(succeeded(begun)['csrf'])
    return { headers: { cookie: cookieOf(begun), origin: ORIGIN, 'x-csrf-token': csrf } }
  }

  organisation(more: object = {}): Promise<string> {
    return this.id('/v1/organisations', { name: this.name(), ...more })
  }

  /** An account with a device, and that. */
  async device(): Promise<{ account: TestAccount; device: string }> {
    const account = await this.account()
    const headers = { ...account.headers, ...somewhere() }
    const body = { installation: systemRandom.uuid() }
    const bound = await this.api.call('POST', '/v1/me/devices', { headers, body })
    return { account, device: String(succeeded(bound)['id']) }
  }

  async mine(account: TestAccount, method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.api.call(method, path, {
      headers: { ...account.headers, ...somewhere() },
      body,
    })
    succeeded(answer)
    return answer
  }

  /** With a passkey. */
  administrator(role = 'support'): Promise<TestAdministrator> {
    return appoint(this.api, this.name(), role)
  }

  async adminInvite(): Promise<string> {
    return String((await this.made('/v1/administrators/invites', { role: 'support' }))['token'])
  }

  /** Of an administrator who has a passkey, too. */
  async totp(): Promise<{ who: TestAdministrator; secret: string }> {
    const who = await this.administrator()
    const { ticket, secret } = succeeded(await who.call('POST', '/v1/me/security/totp/options'))
    const body = { ticket, code: this.codeOf(secret) }
    succeeded(await who.call('POST', '/v1/me/security/totp', body))
    return { who, secret: String(secret) }
  }

  codeOf(secret: unknown, inMs = 0): string {
    const timestamp = this.clock.now() + inMs
    return TOTP.generate({ secret: Secret.fromBase32(String(secret)), timestamp })
  }

  /** Asked for by one administrator; which another one decides. */
  async approval(): Promise<string> {
    const [who, , whom] = [await this.owner(), await this.second(), await this.administrator()]
    const asked = await who.call('DELETE', `/v1/administrators/${whom.id}`)
    return String(asked.json['approval'])
  }

  #owner: Promise<TestAdministrator> | undefined
  #second: Promise<TestAdministrator> | undefined
  owner(): Promise<TestAdministrator> {
    return (this.#owner ??= this.administrator('owner'))
  }
  second(): Promise<TestAdministrator> {
    return (this.#second ??= this.administrator('owner'))
  }

  /** Version 1 of the privacy policy. */
  policy(): Promise<unknown> {
    const text = { language: 'en', title: 'Privacy', text: 'We keep little.', effective_on: TODAY }
    return (this.#policy ??= this.made('/v1/policies/privacy/versions', text))
  }

  async legalRequest(...steps: string[]): Promise<string> {
    const { jid } = await this.account()
    const id = await this.id('/v1/legal-requests', legalRequest(jid))
    for (const step of steps) await this.made(`/v1/legal-requests/${id}/${step}`)
    return id
  }

  async deskMail(): Promise<string> {
    const id = systemRandom.uuid()
    this.api.desk.mails = [
      { id, acceptedAt: this.clock.now(), bytes: 1, feedback: undefined, from: 'a', subject: 'b', text: 'c' },
    ]
    return id
  }

  async abuseReport(): Promise<string> {
    const { jid } = await this.account()
    return this.id('/v1/abuse-reports', { category: 'spam', about: jid, text: 'Adverts' })
  }

  webhook(): Promise<string> {
    return this.id('/v1/webhooks', { url: 'https://hooks.example.com/', events: ['account.*'] })
  }

  /** A delivery that was given up, as after days of trying. */
  async deadDelivery(): Promise<string> {
    const webhook = await this.webhook()
    await this.made(`/v1/webhooks/${webhook}/test`)
    await using db = await openDb({ url: this.api.databaseUrl, role: 'sealpost_api', poolSize: 1 })
    await db.execute(
      sql`update api.webhook_delivery set state = 'dead', next_at = ${new Date(this.clock.now())} where endpoint_id = ${webhook}::uuid`,
    )
    const deliveries = await this.shown(`/v1/webhook-deliveries?webhook=${webhook}`)
    return (deliveries['items'] as { id: string }[])[0]?.id ?? ''
  }

  /** That is over, with a subscription within the days of its guarantee. */
  async refundDue(): Promise<string> {
    const { jid } = await this.account()
    await this.made(`/v1/subscriptions/accounts/${jid}`, TERMS, 'PUT')
    await this.made(`/v1/accounts/${jid}/terminate`)
    const due = await this.shown('/v1/subscriptions?state=refund-due')
    return (due['items'] as { id: string }[]).at(-1)?.id ?? ''
  }

  /** The code of an affiliate's link. */
  async affiliate(): Promise<{ id: string; code: string }> {
    const { id, code } = await this.made('/v1/affiliates', { label: 'Blog', commission_cents: 100 })
    return { id: String(id), code: String(code) }
  }
}

export function legalRequest(username: string): object {
  return {
    kind: 'court-order',
    authority: 'Court of Québec',
    official_address: 'clerk@court.example',
    letterhead: 'present',
    username,
    sought: ['creation-date'],
    legal_basis: 'Order 42',
    received_how: 'courier',
    received_on: TODAY,
  }
}

function succeeded(answer: Answer): Record<string, unknown> {
  expect([200, 201], answer.text.slice(0, 300)).toContain(answer.status)
  return answer.json
}
