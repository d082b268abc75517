/** What one service may ask of another: a direct call in one process, HTTP with a shared secret between processes. */
export { accountCommandsClient } from './account-commands-client.ts'
export { ACCOUNT_COMMANDS_PATHS } from './account-commands-wire.ts'
export type {
  AccountCommands,
  CommandField,
  CommandFieldKind,
  CommandForm,
  CommandOutcome,
  CommandValues,
  KeyedCommand,
  KeyedOutcome,
  OfferedCommand,
} from './account-commands.ts'
export { chatImportClient } from './chat-import-client.ts'
export { CHAT_IMPORT_PATH } from './chat-import-wire.ts'
export { IMPORTED_BYTES_MAX, IMPORTED_LIMITS, IMPORTED_PARTS_MAX } from './chat-import.ts'
export type { ChatImport, ImportedChat } from './chat-import.ts'
export { dkimClient } from './dkim-client.ts'
export { DKIM_PATH } from './dkim-wire.ts'
export type { DkimKeyListing, DkimOperations } from './dkim.ts'
export { PortError, type PortErrorCode } from './port-error.ts'
export { openPortSecret, PORT_SECRET_FILE, type PortSecret } from './port-secret.ts'
export type { KeyDirectory, SubmissionMail } from './key-directory.ts'
export { KEY_DIRECTORY_PATHS, keyDirectoryClient, SUBMISSION_BYTES_MAX } from './key-directory-client.ts'
export { keyOperationsClient } from './key-operations-client.ts'
export { KEY_OPERATIONS_PATHS } from './key-operations-wire.ts'
export type { DirectoryKey, KeyOperations, KeySearch, KeptCertificate } from './key-operations.ts'
export { mailClient } from './mail-client.ts'
export { MAIL_BYTES_MAX, MAIL_PATH } from './mail-wire.ts'
export { MailError, type Mail, type MailErrorCode, type OutgoingMail } from './mail.ts'
export { mailDeskClient } from './mail-desk-client.ts'
export { MAIL_DESK_PATHS } from './mail-desk-wire.ts'
export { DESK_LIST_MAX, DESK_PIECE_BYTES, FEEDBACK_TYPES } from './mail-desk.ts'
export type { DeskMail, DeskText, FeedbackType, MailDesk } from './mail-desk.ts'
export { mailReportsClient } from './mail-reports-client.ts'
export { MAIL_REPORTS_PATH } from './mail-reports-wire.ts'
export { REPORT_KINDS, REPORTED_DAYS_MAX } from './mail-reports.ts'
export type { MailReports, ReportedDay, ReportedResult, ReportKind } from './mail-reports.ts'
export { mailOperationsClient } from './mail-queue-client.ts'
export { MAIL_QUEUE_PATHS, QUEUED_MAX } from './mail-queue-wire.ts'
export { MAIL_CHANGES } from './mail-queue.ts'
export type { MailChange, MailOperations, QueuedMail, QueuedReason, QueuedRecipient } from './mail-queue.ts'
export { ownDataClients } from './own-data-client.ts'
export { OWN_DATA_PATHS } from './own-data-wire.ts'
export { CONTACT_SUBSCRIPTIONS, GROUP_AFFILIATIONS, PENDING_PURPOSES } from './own-data.ts'
export type {
  KeysOwnData,
  MailCount,
  MailOwnData,
  OwnCertificate,
  OwnContact,
  OwnData,
  OwnDataPorts,
  OwnDevice,
  OwnElement,
  OwnFile,
  OwnGroup,
  OwnNode,
  RelayOwnData,
} from './own-data.ts'
export { ownSessionsClient } from './own-sessions-client.ts'
export { OWN_SESSIONS_PATH } from './own-sessions-wire.ts'
export type { OwnSessions, OwnSessionVerdict, ShownOwnSession } from './own-sessions.ts'
export type { PortClientOptions } from './port-client.ts'
export { relayClient } from './relay-client.ts'
export { DEVICE_LABEL_CHARS_MAX, DEVICE_TYPE_CHARS_MAX, HARDWARE_ID_CHARS_MAX } from './relay.ts'
export type { Announcement, NewRelayDevice, Relay, RelayDevice, RelayQueue } from './relay.ts'
export { ANNOUNCED_MAX, RELAY_PATHS } from './relay-wire.ts'
export { selfAuditsClient } from './self-audits-client.ts'
export { SELF_AUDIT_PATHS } from './self-audits-wire.ts'
export { SELF_AUDIT_RESULTS } from './self-audits.ts'
export type { SelfAudits, SelfAuditResult, SelfAuditState } from './self-audits.ts'
