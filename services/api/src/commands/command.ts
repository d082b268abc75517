/**
 * The contract of an administrative command: one definition, from which the REST route, its place in the OpenAPI document and the verb of
 * `ctl` are made.
 */
import type { Readable } from 'node:stream'
import type { Account, AccountsDomain } from '@sealpost/accounts'
import type { AuditDetails, AuditLog } from '@sealpost/audit'
import type { Static, TSchema, Type } from '@sealpost/http'
import type {
  DkimOperations,
  KeyOperations,
  MailDesk,
  MailOperations,
  MailReports,
  Relay,
  SelfAudits,
} from '@sealpost/ports'
import type { Clock } from '@sealpost/runtime'
import type { TurnRelay } from '@sealpost/turn'
import type { ScramVerifier } from '@sealpost/sasl'
import type { AccessDomain } from '../access/create-access.ts'
import type { AbuseDesk } from '../abuse/abuse-desk.ts'
import type { Role } from '../access/roles.ts'
import type { Affiliates } from '../affiliates/affiliates.ts'
import type { AuditHeads } from '../audit-heads.ts'
import type { Joining } from '../joining/create-joining.ts'
import type { AllOrganisationFigures } from '../statistics/organisation-figures.ts'
import type { Statistics } from '../statistics/statistics.ts'
import type { Rights } from '../rights.ts'
import type { Importer } from '../import-accounts.ts'
import type { FileAnswer } from './file-answer.ts'
import type { Phones } from '../phone/phones.ts'
import type { Letters } from '../letters/letters.ts'
import type { Webhooks } from '../webhooks/webhooks.ts'
import type { Lifecycle } from '../lifecycle/lifecycle.ts'
import type { Doctor } from '../doctor/doctor.ts'
import type { LookUp } from '../dns/look-up.ts'
import type { OrganisationEndings } from '../organisations/endings.ts'
import type { CrashReports } from '../crash-reports/crash-reports.ts'
import type { Status } from '../status/create-status.ts'
import type { Scope } from './scopes.ts'

type TObject = ReturnType<typeof Type.Object>

/**
 * Who asks. `owner`: over the control socket of the data directory. `organisationId`: they may act within that organisation only; undefined: on the
 * whole server.
 */
export type Actor =
  | { readonly kind: 'owner' }
  | {
      readonly kind: 'key'
      readonly id: string
      readonly scopes: readonly string[]
      readonly organisationId: string | undefined
      /** Where it works from, in CIDR notation; empty: from everywhere. */
      readonly networks: readonly string[]
      /** The last day on which it works; undefined: until revoked. */
      readonly expiresOn: string | undefined
      /** The administrator who made it; undefined: made on the host. */
      readonly madeBy: string | undefined
    }
  | Administrator
  | AccountOwner
  | { readonly kind: 'anonymous' }

/** The owner of an account, about it. */
export interface AccountOwner {
  readonly kind: 'account'
  readonly account: Account
  /** The request itself was signed in with the account's own password; not with a session, nor an app password. */
  readonly proven: boolean
  /** Token of the session on the page of the account, if it is by that. */
  readonly session: string | undefined
}

/** A person signed in to the panel. */
export interface Administrator {
  readonly kind: 'administrator'
  readonly id: string
  readonly role: Role
  readonly scopes: readonly string[]
  readonly organisationId: string | undefined
  readonly name: string
  readonly sessionId: string
  /** Whether they have proven themselves anew within the last five minutes, as destructive commands ask. */
  readonly proven: boolean
  /** Until when that holds; milliseconds since the epoch. */
  readonly provedUntil: number | undefined
}

/** Who may ask: a scope; `administrator`, about themselves; `account`, the owner of an account by name and password; `anyone`. */
export type Access = Scope | 'administrator' | 'account' | 'anyone'

/** The browser that asks, as far as commands about sessions need to know. */
export interface Browser {
  /** Its address: for bounds on attempts, never kept. */
  readonly client: string
  /** What it has to send back with each change; undefined: it has no session. */
  readonly csrf: string | undefined
  /** Before an attempt to begin a session: throws where others could read the cookie, or a page of another origin asks. */
  checkMayStart(): void
  /** Sets the cookie, and answers what has to be sent back with each change. */
  start(token: string): string
  /** Takes the cookie off. */
  end(): void
  /** The same for the session of an account's owner. */
  readonly account: Pick<Browser, 'csrf' | 'checkMayStart' | 'start' | 'end'>
}

/** What commands act upon. */
export interface CommandContext {
  readonly accounts: AccountsDomain
  readonly access: AccessDomain
  readonly audit: AuditLog
  readonly auditHeads: AuditHeads
  readonly relay: Relay
  readonly mail: MailOperations
  readonly dkim: DkimOperations
  readonly desk: MailDesk
  readonly reports: MailReports
  readonly keys: KeyOperations
  readonly selfAudits: { readonly messages: SelfAudits; readonly mails: SelfAudits }
  /** DNS. */
  readonly lookUp: LookUp
  readonly doctor: Pick<Doctor, 'examine'>
  readonly joining: Joining
  readonly status: Status
  readonly turn: TurnRelay
  readonly crashes: CrashReports
  readonly statistics: Pick<Statistics, 'overview' | 'series'>
  readonly organisationFigures: Pick<AllOrganisationFigures, 'of'>
  readonly clock: Pick<Clock, 'now'>
  readonly rights: Rights
  readonly letters: Letters
  readonly webhooks: Webhooks
  readonly abuse: AbuseDesk
  readonly lifecycle: Lifecycle
  readonly endings: Pick<OrganisationEndings, 'end' | 'keep' | 'remove'>
  /** Undefined: the module is off. */
  readonly affiliates: Affiliates | undefined
  /** Undefined: the module is off. */
  readonly phones: Phones | undefined
  /** Where users get help, if the operator says so. */
  readonly supportUrl: string | undefined
  /** Canonical; the first is that of names without one. */
  readonly domains: readonly string[]
  readonly links: Links
  /** The id under which the account of this request is to be created; undefined without an Idempotency-Key. */
  claimAccountId(actor: Actor, idempotencyKey: string | undefined): Promise<string | undefined>
  deriveVerifiers(password: string): Promise<ScramVerifier[]>
  readonly imports: Importer
}

/** Where invites lead. */
export interface Links {
  adminInvite(token: string): string
  enrolment(token: string): string
  /** The page of an invitation to become a contact. */
  contact(address: string, token: string): string
  account(): string
}

/** Types of files, and how their names end. */
export const UPLOAD_TYPES = {
  'text/csv': ['.csv'],
  'application/x-ndjson': ['.jsonl', '.ndjson'],
  'application/xml': ['.xml'],
} as const
export type UploadType = keyof typeof UPLOAD_TYPES
/** Of lists of accounts. */
export type ImportType = Exclude<UploadType, 'application/xml'>

/** `completed`: of imports that know it. */
export interface ImportCounts {
  readonly created: number
  readonly completed?: number
  readonly exists: number
  readonly invalid: number
}

export interface CommandRequest<P extends TSchema, Q extends TSchema, B extends TSchema> {
  readonly actor: Actor
  /** Undefined: not over HTTP. */
  readonly browser?: Browser
  readonly params: Static<P>
  readonly query: Static<Q>
  readonly body: Static<B>
  readonly idempotencyKey: string | undefined
  /** Why, in the words of who asks. */
  readonly reason: string | undefined
  /** The id of an approval that was given for this very request. */
  readonly approval?: string | undefined
  /** The body of an upload as it arrives; empty for other commands. */
  readonly upload: Readable
  /** Its type, one of those of the command. */
  readonly uploadType: UploadType | undefined
  /** Aborted when the client has gone before the answer. */
  readonly signal: AbortSignal
  /** Tells a client that asked for `application/x-ndjson` how far a long command is. */
  readonly progress: (counts: ImportCounts) => void
}

export type FourEyesRequest<P extends TSchema, Q extends TSchema, B extends TSchema> = Pick<
  CommandRequest<P, Q, B>,
  'actor' | 'params' | 'query' | 'body'
>

/** How `ctl` offers a command. Path parameters are positional arguments, everything else is an option of the same name. */
export interface CommandLine<R> {
  readonly noun: string
  /** One word or two; empty: the noun is all. */
  readonly verb: string
  /** Properties of the body that are positional, after those of the path. */
  readonly positional?: readonly string[]
  /** Property of the body that is read from standard input when `--NAME-stdin` is given; never an option: others can read those. */
  readonly fromStdin?: string
  /** Values of the body that this verb fixes. */
  readonly preset?: Readonly<Record<string, string>>
  /** Lines for a person; of a file, its text, which `ctl` prints itself. */
  print(result: R): string
}

export interface CommandDefinition<
  P extends TObject,
  Q extends TObject,
  B extends TObject,
  R extends TSchema,
> {
  /** `noun.verb`, unique and for ever: the operation of the OpenAPI document, and what the audit log calls the action. */
  readonly name: string
  readonly summary: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** As Fastify writes it: `/v1/accounts/:jid`. */
  readonly path: string
  readonly access: Access
  /** Of those for an account: an app password of scope `api` opens it, too. It decides nothing about who may sign in, and shows nobody whom the owner knows. */
  readonly byProgram?: true
  /** Also for those who may act within one organisation only: `handle` sees to it that they reach nothing beyond. */
  readonly reach?: 'organisation'
  /** Cannot be taken back: an administrator proves themselves anew and says why. */
  readonly destructive?: true
  /** An administrator proves themselves anew. */
  readonly proof?: true
  /** Another administrator approves it first, always or where the function says so; not on the host. */
  readonly fourEyes?:
    | true
    | ((context: CommandContext, request: FourEyesRequest<P, Q, B>) => Promise<boolean>)
  /** No act of administration, such as a step of signing in or what a machine reports by the minute: the audit log does not tell of it. */
  readonly unrecorded?: true
  /** Properties of the body, or of what the command answers, that the audit log may keep: no secret, nothing that identifies a person. */
  readonly records?: readonly string[]
  /** How that which the command changes is, for what the audit log says of the change: the same fields before and after. */
  readonly state?: (
    context: CommandContext,
    request: Pick<CommandRequest<P, Q, B>, 'params' | 'body'>,
  ) => Promise<AuditDetails>
  readonly params?: P
  readonly query?: Q
  readonly body?: B
  /** The body is a file of one of these types instead of JSON. */
  readonly upload?: { readonly types: readonly UploadType[]; readonly description: string }
  /** It answers with a document, perhaps of megabytes: not for surfaces that show lines, such as chat. */
  readonly document?: true
  readonly status: 200 | 201
  /** The answer is a text of this type instead of JSON. */
  readonly media?: 'image/svg+xml'
  readonly response: R
  /** Keeps its promise to repeated requests with one Idempotency-Key itself. */
  readonly claimsKey?: true
  /** RFC 9745, RFC 8594: days, and which command is to be used instead. */
  readonly deprecated?: { readonly since: string; readonly sunset?: string; readonly instead: string }
  /** Requests a minute of one client, where the common limit is too high. */
  readonly requestsPerMinute?: number
  handle(context: CommandContext, request: CommandRequest<P, Q, B>): Promise<Static<R> | FileAnswer>
  readonly lines?: readonly CommandLine<Static<R>>[]
}

/** A command whose types have been checked where it was defined. */
export type Command = CommandDefinition<TObject, TObject, TObject, TSchema>

export function defineCommand<
  R extends TSchema,
  P extends TObject = TObject,
  Q extends TObject = TObject,
  B extends TObject = TObject,
>(definition: CommandDefinition<P, Q, B, R>): Command {
  return definition
}
