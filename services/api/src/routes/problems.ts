/** What a client is told when a command is refused: a table for each kind of refusal, from its codes to RFC 9457 problems. */
import { AccountError, OrganisationError } from '@sealpost/accounts'
import { isConnectionError } from '@sealpost/db'
import { HttpProblem } from '@sealpost/http'
import { JidError } from '@sealpost/jid'
import { MailError, PortError } from '@sealpost/ports'
import { AbuseError } from '../abuse/abuse-error.ts'
import { AccessError } from '../access/access-error.ts'
import { RightsError } from '../rights-error.ts'
import { AffiliateError } from '../affiliates/affiliate.ts'
import { LifecycleError } from '../lifecycle/subscription.ts'
import { PhoneError } from '../phone/phone-error.ts'
import { STATUS_REFUSALS, StatusError } from '../status/status-error.ts'
import { WebhookError } from '../webhooks/webhook-error.ts'

type Refusal<C extends string> = Error & { readonly code: C }
type Kind<C extends string> = abstract new (...parts: never[]) => Refusal<C>

/** Status and type of the problem for each code. */
function refusing<C extends string>(kind: Kind<C>, problems: Readonly<Record<C, readonly [number, string]>>) {
  return (error: unknown): HttpProblem | undefined => {
    if (!(error instanceof kind)) return undefined
    const [status, type] = problems[error.code]
    return new HttpProblem(status, type, error.message)
  }
}

const refusals = [
  refusing(AccountError, {
    ACCOUNT_UNKNOWN: [404, 'account-unknown'],
    ACCOUNT_EXISTS: [409, 'account-exists'],
    ACCOUNT_NAME_RETIRED: [409, 'name-retired'],
    ACCOUNT_NAME_RESERVED: [409, 'name-reserved'],
    ACCOUNT_TERMINATED: [409, 'account-terminated'],
    ACCOUNT_HELD: [409, 'account-held'],
    SUSPENSION_END: [422, 'suspension-end'],
    ACCOUNT_NAME_MALFORMED: [400, 'address-malformed'],
    PASSWORD_UNACCEPTABLE: [422, 'password-unacceptable'],
    REASON_MALFORMED: [400, 'reason-malformed'],
    CURSOR_MALFORMED: [400, 'cursor-malformed'],
    API_KEY_LIMIT: [409, 'api-key-limit'],
    INVITE_LIMIT: [409, 'invite-limit'],
    ACCOUNT_INVITE_MALFORMED: [422, 'invite-malformed'],
    APP_PASSWORD_MALFORMED: [422, 'app-password-malformed'],
    APP_PASSWORD_LIMIT: [409, 'app-password-limit'],
    PLAN_UNKNOWN: [404, 'plan-unknown'],
    PLAN_IN_USE: [409, 'plan-in-use'],
    PLAN_NAME_MALFORMED: [400, 'plan-name-malformed'],
    PLAN_MALFORMED: [422, 'plan-malformed'],
    PLAN_LIMIT: [409, 'plan-limit'],
    VERIFIERS_INCOMPLETE: [422, 'verifiers-incomplete'],
  }),
  refusing(OrganisationError, {
    ORGANISATION_UNKNOWN: [404, 'organisation-unknown'],
    ORGANISATION_KIND: [409, 'organisation-kind'],
    ORGANISATION_DEPTH: [409, 'organisation-depth'],
    ORGANISATION_SUSPENDED: [409, 'organisation-suspended'],
    ORGANISATION_HELD: [409, 'organisation-held'],
    ORGANISATION_ENDING: [409, 'organisation-ending'],
    ORGANISATION_NOT_EMPTY: [409, 'organisation-not-empty'],
    ORGANISATION_LIMIT: [409, 'organisation-limit'],
    POOL_EXCEEDED: [409, 'pool-exceeded'],
    POOL_UNBOUNDED: [409, 'pool-unbounded'],
    BRAND_DOMAIN_TAKEN: [409, 'brand-domain-taken'],
  }),
  refusing(AccessError, {
    ADMINISTRATORS_FULL: [409, 'administrators-full'],
    ADMINISTRATOR_UNKNOWN: [404, 'administrator-unknown'],
    NAME_TAKEN: [409, 'name-taken'],
    NAME_MALFORMED: [422, 'name-malformed'],
    LAST_OWNER: [409, 'last-owner'],
    LAST_PROOF: [409, 'last-proof'],
    INVITE_GONE: [404, 'invite-gone'],
    PROOF_REFUSED: [401, 'proof-refused'],
    CREDENTIAL_REFUSED: [422, 'credential-refused'],
    PASSKEY_UNKNOWN: [404, 'passkey-unknown'],
    PASSKEY_LIMIT: [409, 'passkey-limit'],
    SESSION_UNKNOWN: [404, 'session-unknown'],
    APPROVAL_LIMIT: [409, 'approval-limit'],
    APPROVAL_UNKNOWN: [404, 'approval-unknown'],
    APPROVAL_OPEN: [403, 'approval-needed'],
    APPROVAL_REFUSED: [403, 'approval-refused'],
    APPROVAL_DECIDED: [409, 'approval-decided'],
    APPROVAL_OWN: [403, 'approval-own'],
    TOO_MANY_ATTEMPTS: [429, 'too-many-attempts'],
    BUSY: [503, 'busy'],
  }),
  refusing(AbuseError, {
    REPORT_UNKNOWN: [404, 'report-unknown'],
    REPORT_CLOSED: [409, 'report-closed'],
    REPORTS_FULL: [503, 'reports-full'],
    REPORT_NAMES_NOBODY: [422, 'report-names-nobody'],
    SENDER_MALFORMED: [422, 'sender-malformed'],
  }),
  refusing(LifecycleError, {
    SUBSCRIPTION_UNKNOWN: [404, 'subscription-unknown'],
    SUBSCRIPTION_TERMS: [422, 'subscription-terms'],
    NO_WINDOW_AFTER_ABUSE: [409, 'no-window-after-abuse'],
  }),
  refusing(AffiliateError, {
    AFFILIATE_UNKNOWN: [404, 'affiliate-unknown'],
    AFFILIATE_LIMIT: [409, 'affiliate-limit'],
    REFERRAL_GONE: [404, 'referral-gone'],
    REFERRAL_TAKEN: [409, 'referral-taken'],
    REFERRAL_UNKNOWN: [404, 'referral-unknown'],
  }),
  refusing(WebhookError, {
    WEBHOOK_UNKNOWN: [404, 'webhook-unknown'],
    WEBHOOK_LIMIT: [409, 'webhook-limit'],
    WEBHOOK_URL_REFUSED: [422, 'webhook-url-refused'],
    DELIVERY_UNKNOWN: [404, 'delivery-unknown'],
    DELIVERY_WAITING: [409, 'delivery-waiting'],
  }),
  refusing(RightsError, {
    PRIVACY_REQUEST_UNKNOWN: [404, 'privacy-request-unknown'],
    PRIVACY_REQUEST_CLOSED: [409, 'privacy-request-closed'],
    PRIVACY_REQUEST_LIMIT: [409, 'privacy-request-limit'],
    PRIVACY_DETAILS_MISSING: [422, 'details-missing'],
    PRIVACY_NOT_DELETION: [409, 'not-deletion'],
    PASSWORD_NOT_CONFIRMED: [403, 'password-not-confirmed'],
    DAY_IN_FUTURE: [422, 'day-in-future'],
    LEGAL_REQUEST_UNKNOWN: [404, 'legal-request-unknown'],
    LEGAL_STATE_OTHER: [409, 'legal-state'],
    LEGAL_GAG_PAST: [422, 'gag-past'],
    LEGAL_PRODUCTION_UNKNOWN: [404, 'legal-production-unknown'],
    LEGAL_USER_NOT_TOLD: [503, 'user-not-told'],
    POLICY_UNKNOWN: [404, 'policy-unknown'],
    POLICY_TOO_SOON: [422, 'policy-too-soon'],
    POLICY_IN_PAST: [422, 'policy-in-past'],
    POLICY_TEXT_EXISTS: [409, 'policy-text-exists'],
    POLICY_NOT_IN_FORCE: [409, 'policy-not-in-force'],
    POLICY_NOT_ACCEPTED: [422, 'policy-not-accepted'],
    NOTICE_UNKNOWN: [404, 'notice-unknown'],
    NOTICE_WITHDRAWN: [409, 'notice-withdrawn'],
    NOTICE_MALFORMED: [422, 'notice-malformed'],
  }),
  refusing(PhoneError, {
    PHONE_OFF: [404, 'phone-off'],
    PHONE_NUMBER_MALFORMED: [422, 'phone-number-malformed'],
    PHONE_SENDS: [429, 'too-many-codes'],
    PHONE_CODE_REFUSED: [403, 'code-refused'],
    PHONE_GATEWAY: [503, 'phone-gateway-away'],
  }),
  refusing(StatusError, STATUS_REFUSALS),
]

/** Anything that is no refusal passes through and becomes a 500. */
export function toHttpProblem(error: unknown): unknown {
  for (const refusal of refusals) {
    const problem = refusal(error)
    if (problem !== undefined) return problem
  }
  if (error instanceof JidError)
    return new HttpProblem(400, 'address-malformed', 'Not an address of the form user@domain')
  if (error instanceof MailError) return new HttpProblem(503, 'mail-refused', 'The mail is not on its way')
  if (error instanceof PortError) return new HttpProblem(503, 'relay-away', 'The relay is away; try again')
  if (isConnectionError(error)) return new HttpProblem(503, 'unavailable', 'The database is away; try again')
  return error
}
