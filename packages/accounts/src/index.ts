export { postgresOutbox, type Outbox, type OutboxEvent, type Telling } from './outbox.ts'
export {
  AccountError,
  DATA_OWNERS,
  SUSPENSION_REASON,
  type Account,
  type AccountErrorCode,
  type AccountState,
  type Credential,
  type DataOwner,
  type Page,
  type SignedIn,
} from './account.ts'
export {
  createAccounts,
  type AccountCreation,
  type AccountQuery,
  type Accounts,
  type AccountsDomain,
  type AccountsOptions,
  type NameRefusal,
  type SuspensionOptions,
} from './accounts.ts'
export {
  ACCOUNT_INVITE_USES_MAX,
  type AccountInvite,
  type AccountInviteQuery,
  type AccountInvites,
  type NewAccountInvite,
} from './account-invites.ts'
export type { ApiKey, ApiKeys, Invite, Invites, NewApiKey } from './access.ts'
export {
  APP_SCOPES,
  mayActAs,
  mayOpen,
  parseAppLogin,
  type AppPassword,
  type AppPasswords,
  type AppScope,
  type NewAppPassword,
} from './app-passwords.ts'
export { parseBasicCredentials, type BasicCredentials } from './basic-credentials.ts'
export { createSessionCheck, type SessionCheckOptions, type SessionCheckOutcome } from './session-check.ts'
export { deriveVerifiers, isForeignVerifier, SCRAM_KEY_BYTES } from './credentials.ts'
export { dayOf } from './day.ts'
export {
  MAIL_PGP_MODES,
  MESSAGE_TTL_SECONDS_MAX,
  type DomainPolicy,
  type Domains,
  type E2eePolicy,
  type MailPgpMode,
  type StorageMode,
} from './domains.ts'
export { runErasure, type ErasureLedger, type ErasureOptions } from './erasure.ts'
export { Guesses, type Guess, type GuessesOptions, type GuessLimits } from './guesses.ts'
export { readAccountsCsv } from './import-csv.ts'
export { readAccountsJsonLines } from './import-json-lines.ts'
export { IMPORT_LINKS_MAX } from './import.ts'
export type {
  ImportedAccount,
  ImportLink,
  ImportProblem,
  ImportProgress,
  ImportReport,
  ImportRow,
} from './import.ts'
export {
  MAIL_LIMIT_MAX,
  MAIL_REVIEW_REASONS,
  type MailConduct,
  type MailReview,
  type MailReviewReason,
} from './mail-conduct.ts'
export {
  ORGANISATION_DEPTH_MAX,
  ORGANISATION_KINDS,
  OrganisationError,
  POOL_RESOURCES,
  POOL_SIZE_MAX,
  type Brand,
  type Deciding,
  type Organisation,
  type OrganisationErrorCode,
  type OrganisationKind,
  type Pool,
  type PoolResource,
  type PoolSizes,
} from './organisation.ts'
export { brandingOf, brandingOfHost, LOGO_BYTES_MAX, logoType, type Branding } from './branding.ts'
export type {
  MemberCounts,
  NewOrganisation,
  OrganisationChange,
  OrganisationQuery,
  Organisations,
  Pools,
} from './organisations.ts'
export {
  createPasswordCheck,
  type PasswordCheck,
  type PasswordCheckOptions,
  type PasswordCheckResult,
} from './password-check.ts'
export { DEFAULT_PLAN, PLAN_LIMITS, type Plan, type PlanLimit, type PlanLimits, type Plans } from './plans.ts'
export { KEY_SENDER_NAME, KEY_SUBMISSION_NAME, REPORT_NAMES } from './reserved-names.ts'
export type { Appointment, ForeignVerifier, InvitePurpose, PasswordChange } from './store.ts'
