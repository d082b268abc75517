/** What the API answers, as its OpenAPI document says. */
export type AccountState = 'active' | 'suspended' | 'terminated'

export interface Account {
  readonly id: string
  readonly jid: string
  readonly state: AccountState
  readonly reason?: string
  readonly created_on: string
  readonly last_used_on?: string
}

export interface OneTimeLink {
  readonly url: string
  readonly token: string
  readonly expires_at: string
}

export interface Items<T> {
  readonly items: readonly T[]
}

export interface Device {
  readonly id: string
  readonly created_on: string
  readonly last_seen_on: string
  readonly state: 'registered' | 'seen-once'
  readonly waiting: number
  readonly overrun: boolean
}

export interface Queue {
  readonly device?: string
  readonly messages: number
  readonly bytes: number
  readonly oldest_seconds?: number
}

export interface ImportReport {
  readonly created: number
  readonly exists: number
  readonly invalid: number
  readonly problems: readonly { readonly line: number; readonly problem: string }[]
}

export interface MailReview {
  readonly jid: string
  readonly reason: string
  readonly noticed_on: string
}

export interface QueuedMail {
  readonly id: string
  readonly account?: string
  readonly accepted_at: string
  readonly bytes: number
  readonly hold?: string
  readonly recipients: readonly {
    readonly domain: string
    readonly attempts: number
    readonly next_at: string
    readonly reason?: string
  }[]
}

export interface DeskMail {
  readonly id: string
  readonly received_at: string
  readonly bytes: number
  readonly feedback?: string
  readonly from: string
  readonly subject: string
}

export interface DeskMailText extends DeskMail {
  readonly text: string
  readonly next?: number
}

export interface MailReport {
  readonly kind: 'tls' | 'dmarc'
  readonly domain: string
  readonly day: string
  readonly reporter: string
  readonly results: readonly { readonly result: string; readonly count: number }[]
}

export interface DomainPolicy {
  readonly e2ee?: 'required' | 'optional' | 'off'
  readonly storage?: 'sealed' | 'none'
  readonly message_ttl_seconds?: number
  readonly mail_pgp?: 'optional' | 'on-arrival' | 'required'
}

export interface Domain extends DomainPolicy {
  readonly domain: string
}

export interface DnsRecord {
  readonly name: string
  readonly record: string
}

export interface DkimKey extends DnsRecord {
  readonly selector: string
  readonly algorithm: 'rsa' | 'ed25519'
  readonly state: 'next' | 'active' | 'retired'
  readonly since: string
  readonly published: 'yes' | 'no' | 'other' | 'unknown'
}

export type PlanLimits = Readonly<Record<string, number>>

export interface Plan {
  readonly name: string
  readonly limits: PlanLimits
  readonly accounts: number
}

export interface ApiKey {
  readonly id: string
  readonly label: string
  readonly scopes: readonly string[]
  readonly created_on: string
  readonly expires_on?: string
  readonly last_used_on?: string
}
