/** The registry: every command of the API, in the order of the documentation. Routes, the OpenAPI document and `ctl` are made from it. */
import { accessCommands } from './access.ts'
import {
  createAccount,
  enrolAccount,
  keepAccount,
  listAccounts,
  restoreAccount,
  showOneAccount,
  suspendAccount,
  terminateAccount,
} from './accounts.ts'
import { affiliateCommands } from './affiliates.ts'
import { bulkAccounts } from './bulk-accounts.ts'
import { brandingCommands } from './branding.ts'
import { createApiKey, listApiKeys, revokeApiKey } from './api-keys.ts'
import { exportAudit, listAudit, verifyAudit } from './audit.ts'
import type { Command } from './command.ts'
import {
  bindOwnDevice,
  compareDeviceType,
  listDevices,
  listOwnDevices,
  renameOwnDevice,
  revokeDevice,
  revokeOwnDevice,
  showQueues,
  signOutDevice,
  signOutOwnDevice,
} from './devices.ts'
import { listDkimKeys, rotateDkimKeys } from './dkim.ts'
import { examineDomain } from './dns.ts'
import { examineServer } from './doctor.ts'
import { listDomains, setDomainPolicy, showDomainPolicy } from './domains.ts'
import { joiningCommands } from './joining.ts'
import { importCommands } from './imports.ts'
import { redeemInvite } from './invites.ts'
import { clearMailReview, listMailReviews, setMailLimit, showMailLimit } from './mail-conduct.ts'
import { finishDeskMail, listDesk, showDeskMail } from './mail-desk.ts'
import { listMailReports, showDomainRecords } from './mail-reports.ts'
import { dropMail, holdMail, listMail, releaseMail, retryMail, showQueuedMail } from './mail.ts'
import { keyCommands } from './keys.ts'
import { showMe } from './me.ts'
import { agreementCommands } from './agreement.ts'
import { incidentCommands } from './incidents.ts'
import { maintenanceCommands } from './maintenance.ts'
import { selfAuditCommands } from './self-audits.ts'
import { statisticsCommands } from './statistics.ts'
import { rightsCommands } from './rights.ts'
import { abuseCommands } from './abuse.ts'
import { webhookCommands } from './webhooks.ts'
import { organisationCommands } from './organisations.ts'
import { crashCommands } from './crash-reports.ts'
import { turnCommands } from './turn.ts'
import { statusCommands } from './status.ts'
import { phoneCommands } from './phone.ts'
import { listPlans, removePlan, setAccountPlan, setPlan, showAccountPlan } from './plans.ts'
import { subscriptionCommands } from './subscriptions.ts'

export const commands: readonly Command[] = [
  createAccount,
  ...bulkAccounts,
  ...importCommands,
  listAccounts,
  showOneAccount,
  enrolAccount,
  suspendAccount,
  restoreAccount,
  terminateAccount,
  keepAccount,
  ...organisationCommands,
  ...brandingCommands,
  ...subscriptionCommands,
  ...affiliateCommands,
  showMailLimit,
  setMailLimit,
  listMailReviews,
  clearMailReview,
  listPlans,
  setPlan,
  removePlan,
  showAccountPlan,
  setAccountPlan,
  listDevices,
  revokeDevice,
  signOutDevice,
  showQueues,
  listMail,
  showQueuedMail,
  retryMail,
  holdMail,
  releaseMail,
  dropMail,
  listDesk,
  showDeskMail,
  finishDeskMail,
  listMailReports,
  listDomains,
  showDomainPolicy,
  setDomainPolicy,
  showDomainRecords,
  examineDomain,
  examineServer,
  ...selfAuditCommands,
  listDkimKeys,
  rotateDkimKeys,
  ...keyCommands,
  createApiKey,
  listApiKeys,
  revokeApiKey,
  redeemInvite,
  ...joiningCommands,
  ...accessCommands,
  listAudit,
  exportAudit,
  verifyAudit,
  ...statisticsCommands,
  ...webhookCommands,
  ...abuseCommands,
  ...statusCommands,
  ...incidentCommands,
  ...maintenanceCommands,
  ...agreementCommands,
  ...turnCommands,
  ...crashCommands,
  showMe,
  listOwnDevices,
  bindOwnDevice,
  renameOwnDevice,
  signOutOwnDevice,
  revokeOwnDevice,
  compareDeviceType,
  ...phoneCommands,
  ...rightsCommands,
]
