/** Names for what the API answers. */
import type { Answer, ItemOf } from './operations.ts'

export type Account = Answer<'GET', '/v1/accounts/{jid}'>
export type OneTimeLink = Answer<'POST', '/v1/accounts/{jid}/enrolment'>
export type Device = ItemOf<'/v1/accounts/{jid}/devices'>
export type Queue = ItemOf<'/v1/accounts/{jid}/queue'>
export type ImportReport = Answer<'POST', '/v1/accounts/import'>
export type MailReview = ItemOf<'/v1/mail-reviews'>
export type QueuedMail = Answer<'GET', '/v1/mail-queue/{id}'>
export type DeskMail = ItemOf<'/v1/mail-desk'>
export type DeskMailText = Answer<'GET', '/v1/mail-desk/{id}'>
export type MailReport = ItemOf<'/v1/mail-reports'>
export type Domain = ItemOf<'/v1/domains'>
export type DomainPolicy = Omit<Domain, 'domain'>
export type DkimKey = ItemOf<'/v1/domains/{domain}/dkim'>
export type Plan = ItemOf<'/v1/plans'>
export type PlanLimits = Plan['limits']
export type ApiKey = ItemOf<'/v1/api-keys'>
export type Administrator = ItemOf<'/v1/administrators'>
export type AuditEntry = ItemOf<'/v1/audit'>
export type Invite = ItemOf<'/v1/invites'>
export type Webhook = ItemOf<'/v1/webhooks'>
export type Delivery = ItemOf<'/v1/webhook-deliveries'>
export type MailingList = ItemOf<'/v1/me/lists'>
export type OwnSecurity = Answer<'GET', '/v1/me/security'>
export type Organisation = ItemOf<'/v1/organisations'>
export type OrganisationDetails = Answer<'GET', '/v1/organisations/{id}'>
export type PublicStatus = Answer<'GET', '/v1/status'>
export type Approval = ItemOf<'/v1/approvals'>
export type OwnPolicy = ItemOf<'/v1/me/policies'>
export type AppPassword = ItemOf<'/v1/me/app-passwords'>
export type OwnKey = ItemOf<'/v1/me/keys'>
export type PrivacyRequest = ItemOf<'/v1/me/privacy-requests'>
export type OwnDevice = ItemOf<'/v1/me/devices'>
