/**
 * Accounts of another server, one after the other. An account gets its credentials last, so that whoever can sign in finds everything there, and an import that was cut off
 * goes on where it was when it is repeated: accounts that nobody can sign in to yet are completed, all others are left alone.
 */
import { AccountError, isForeignVerifier, type AccountsDomain, type NameRefusal } from '@sealpost/accounts'
import { type Jid, tryParseJid } from '@sealpost/jid'
import type { ChatImport } from '@sealpost/ports'
import type { ImportCounts } from '../commands/command.ts'
import {
  LEFT_OUT,
  type LeftOut,
  type PortableCounts,
  type PortableEvent,
  type PortableUser,
} from './portable-users.ts'

/** Of one import: they are all in its report. */
export const PORTABLE_LINKS_MAX = 50_000
const PROBLEMS_MAX = 1_000
/** Users between two tellings of how far it is. */
const PROGRESS_EVERY = 20

export type PortableProblem =
  | 'exists'
  | 'retired'
  | 'reserved'
  | 'username'
  | 'domain'
  | 'too-many-links'
  | `broken: ${string}`

export interface PortableReport {
  /** Accounts that were made. */
  readonly created: number
  /** Accounts that were there and that nobody could sign in to: links among them are made anew. */
  readonly completed: number
  /** Accounts of somebody, left as they are. */
  readonly exists: number
  /** Not imported. */
  readonly invalid: number
  /** How owners of imported accounts sign in: as before; as before, once with the password itself; by a link. */
  readonly credentials: { readonly password: number; readonly verifier: number; readonly link: number }
  readonly chat: PortableCounts & { readonly refused: number }
  /** What documents have and no account gets. */
  readonly leftOut: Readonly<Record<LeftOut, number>>
  /** The first 1,000, in order. */
  readonly problems: readonly {
    readonly document: number
    readonly jid: string | undefined
    readonly problem: PortableProblem
  }[]
  readonly links: readonly { readonly jid: string; readonly token: string; readonly expiresAt: number }[]
}

export interface PortableImportParts {
  readonly accounts: Pick<
    AccountsDomain,
    'find' | 'unclaimed' | 'refusal' | 'create' | 'setVerifiers' | 'setForeignVerifier' | 'invites'
  >
  readonly chat: ChatImport
  /** Canonical: those served. */
  readonly domains: readonly string[]
  readonly deriveVerifiers: (password: string) => Promise<Parameters<AccountsDomain['setVerifiers']>[1]>
}

export interface PortableImportOptions {
  /** Nothing is changed: what would be. */
  readonly preview: boolean
  readonly onProgress: (counts: ImportCounts) => void
}

/** Rejects with PortError when the relay is away; what was imported stays. */
export async function importPortable(
  events: AsyncIterable<PortableEvent>,
  parts: PortableImportParts,
  { preview, onProgress }: PortableImportOptions,
): Promise<PortableReport> {
  const report = new Report()
  const take = preview ? previewUser : importUser
  let users = 0
  for await (const event of events) {
    if ('leftOut' in event) report.leaveOut(event.leftOut)
    else if ('broken' in event) report.refuse(event.document, undefined, `broken: ${event.broken}`)
    else {
      await take(event.user, parts, report)
      if (++users % PROGRESS_EVERY === 0) onProgress(report.counts)
    }
  }
  onProgress(report.counts)
  return report.finish()
}

class Report {
  readonly counts = { created: 0, completed: 0, exists: 0, invalid: 0 }
  readonly #credentials = { password: 0, verifier: 0, link: 0 }
  readonly #chat = { contacts: 0, items: 0, elements: 0, refused: 0 }
  readonly #leftOut = Object.fromEntries(LEFT_OUT.map((kind) => [kind, 0])) as Record<LeftOut, number>
  readonly #problems: PortableReport['problems'][number][] = []
  readonly #links: PortableReport['links'][number][] = []

  get hasRoomForLink(): boolean {
    return this.#credentials.link < PORTABLE_LINKS_MAX
  }

  leaveOut(kind: LeftOut): void {
    this.#leftOut[kind]++
  }

  refuse(document: number, jid: Jid | undefined, problem: PortableProblem): void {
    this.counts[problem === 'exists' ? 'exists' : 'invalid']++
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push({ document, jid: jid?.toString(), problem })
  }

  take(result: 'created' | 'completed', chat: PortableReport['chat']): void {
    this.counts[result]++
    for (const key of CHAT) this.#chat[key] += chat[key]
  }

  signsIn(by: keyof PortableReport['credentials']): void {
    this.#credentials[by]++
  }

  link(link: PortableReport['links'][number]): void {
    this.#links.push(link)
  }

  finish(): PortableReport {
    return {
      ...this.counts,
      credentials: this.#credentials,
      chat: this.#chat,
      leftOut: this.#leftOut,
      problems: this.#problems,
      links: this.#links,
    }
  }
}

const CHAT = ['contacts', 'items', 'elements', 'refused'] as const

type SignsInBy = keyof PortableReport['credentials']

/** What an account is to be, and whether it is to be made. */
interface Wanted {
  readonly jid: Jid
  /** Undefined: it is to be made. */
  readonly id: string | undefined
  readonly by: SignsInBy
}

async function previewUser(user: PortableUser, parts: PortableImportParts, report: Report): Promise<void> {
  const wanted = await judge(user, parts, report)
  if (wanted === undefined) return
  report.take(wanted.id === undefined ? 'created' : 'completed', { ...user.counts, refused: 0 })
  report.signsIn(wanted.by)
}

async function importUser(user: PortableUser, parts: PortableImportParts, report: Report): Promise<void> {
  const { accounts, chat } = parts
  const wanted = await judge(user, parts, report)
  if (wanted === undefined) return
  const id = wanted.id ?? (await create(wanted.jid, parts))
  const taken = id === undefined ? undefined : await chat.importChat(id, user.parts)
  // Somebody else was quicker: made it, suspended it, or ended it.
  if (id === undefined || taken === undefined) return report.refuse(user.document, wanted.jid, 'exists')
  const by = await giveCredentials(id, user, wanted.by, parts)
  if (by === undefined) return report.refuse(user.document, wanted.jid, 'exists')
  if (by === 'link') {
    const { token, invite } = await accounts.invites.createPassword(id)
    report.link({ jid: wanted.jid.toString(), token, expiresAt: invite.expiresAt })
  }
  report.take(wanted.id === undefined ? 'created' : 'completed', taken)
  report.signsIn(by)
}

/** Undefined: it cannot be imported, and the report says why. */
async function judge(
  user: PortableUser,
  { accounts, domains }: PortableImportParts,
  report: Report,
): Promise<Wanted | undefined> {
  const refuse = (problem: PortableProblem, about?: Jid): undefined => {
    report.refuse(user.document, about, problem)
  }
  const jid = readAddress(user)
  if (jid === undefined) return refuse('username')
  if (!domains.includes(jid.domain)) return refuse('domain', jid)
  const by = signsInBy(user)
  if (by === 'link' && !report.hasRoomForLink) return refuse('too-many-links', jid)
  const refusal = await accounts.refusal(jid)
  if (refusal === undefined) return { jid, id: undefined, by }
  if (refusal !== 'ACCOUNT_EXISTS') return refuse(PROBLEMS[refusal], jid)
  const id = await accounts.unclaimed(jid)
  return id === undefined ? refuse('exists', jid) : { jid, id, by }
}

const PROBLEMS: Readonly<Record<Exclude<NameRefusal, 'ACCOUNT_EXISTS'>, PortableProblem>> = {
  ACCOUNT_NAME_MALFORMED: 'username',
  ACCOUNT_NAME_RESERVED: 'reserved',
  ACCOUNT_NAME_RETIRED: 'retired',
}

function readAddress({ name, host }: PortableUser): Jid | undefined {
  if (name === undefined || name === '' || host === undefined || /[@/]/.test(name) || host.includes('/'))
    return undefined
  return tryParseJid(`${name}@${host}`)
}

function signsInBy({ password, verifier }: PortableUser): SignsInBy {
  if (password !== undefined) return 'password'
  return verifier !== undefined && isForeignVerifier(verifier) ? 'verifier' : 'link'
}

/** Undefined: the name was taken meanwhile. */
async function create(jid: Jid, { accounts }: PortableImportParts): Promise<string | undefined> {
  try {
    return (await accounts.create(jid, undefined)).id
  } catch (error) {
    if (error instanceof AccountError) return undefined
    throw error
  }
}

/** How its owner signs in: not by a password that nobody could type. Undefined: they chose another one meanwhile. */
async function giveCredentials(
  id: string,
  { password, verifier }: PortableUser,
  by: SignsInBy,
  { accounts, deriveVerifiers }: PortableImportParts,
): Promise<SignsInBy | undefined> {
  if (by === 'verifier' && verifier !== undefined)
    return (await accounts.setForeignVerifier(id, verifier)) ? 'verifier' : undefined
  if (by === 'link' || password === undefined) return 'link'
  try {
    await accounts.setVerifiers(id, await deriveVerifiers(password))
    return 'password'
  } catch (error) {
    if (error instanceof AccountError && error.code === 'PASSWORD_UNACCEPTABLE') return 'link'
    throw error
  }
}
