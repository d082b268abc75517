/** What lies in the data directory beside Postgres. `DATA` stands for it, `KEYRING` for KEYRING_DIR. */

export interface FileEntry {
  readonly purpose: string
  readonly kept: string
  /** Whether a backup may have it. */
  readonly backup: 'yes' | 'no' | 'never'
}

const KEY_FOR_EVER = { kept: 'for ever', backup: 'yes' } as const

export const FILES: Readonly<Record<string, FileEntry>> = {
  'KEYRING/xmpp/keyring.slots': {
    purpose: 'Keys of messages and files that wait, due times, and which queue is whose',
    kept: 'each key until the device has the message, or it is due; then it is overwritten',
    backup: 'never',
  },
  'KEYRING/smtp/keyring.slots': {
    purpose: 'The same of mails',
    kept: 'each key until the mail is delivered or fetched, or is due; then it is overwritten',
    backup: 'never',
  },
  'KEYRING/xmpp/fast.key': {
    purpose: 'Makes tokens of FAST from the seeds in Postgres',
    kept: 'for ever',
    backup: 'never',
  },
  'KEYRING/xmpp/push.key': {
    purpose: 'Encrypts and finds the rows of xmpp.push',
    kept: 'for ever',
    backup: 'never',
  },
  'DATA/spool': {
    purpose: 'Long bodies of mails that wait, encrypted; their names are random',
    kept: 'as the mail',
    backup: 'no',
  },
  'DATA/uploads': {
    purpose: 'Uploaded files, encrypted; their names are random',
    kept: 'until their uploader or their last fetch deletes them, or they are due',
    backup: 'no',
  },
  'DATA/tls': { purpose: 'Certificates of this server and their keys', ...KEY_FOR_EVER },
  'DATA/devices.key': { purpose: 'Key of the hashes of type and hardware in xmpp.device', ...KEY_FOR_EVER },
  'DATA/mail-recipients.key': { purpose: 'Key of the hashes in smtp.known_recipient', ...KEY_FOR_EVER },
  'DATA/mail-lists.key': { purpose: 'Key of the hashes in smtp.list_member', ...KEY_FOR_EVER },
  'DATA/smtp-senders.key': {
    purpose: 'Keys of the hashes in smtp.greylist and smtp.sender_reputation, another one every 30 days',
    kept: 'each key for 60 days; then it is overwritten',
    backup: 'no',
  },
  'DATA/abuse.key': { purpose: 'Encrypts what is in api.abuse_report', ...KEY_FOR_EVER },
  'DATA/administrators.key': {
    purpose: 'Encrypts one-time secrets of administrators, and hashes recovery codes',
    ...KEY_FOR_EVER,
  },
  'DATA/affiliates.key': { purpose: 'Signs referral links', ...KEY_FOR_EVER },
  'DATA/documents.key': {
    purpose: 'Signs what is published or produced about requests of authorities',
    ...KEY_FOR_EVER,
  },
  'DATA/idempotency.key': { purpose: 'Encrypts answers that are kept for a day', ...KEY_FOR_EVER },
  'DATA/invites.key': { purpose: 'Signs what an invite was exchanged for', ...KEY_FOR_EVER },
  'DATA/phone.key': { purpose: 'Key of the hashes in api.phone', ...KEY_FOR_EVER },
  'DATA/webhooks.key': { purpose: 'Makes the secrets of webhooks', ...KEY_FOR_EVER },
  'DATA/ports.key': { purpose: 'Lets the services of one host speak with each other', ...KEY_FOR_EVER },
  'DATA/transparency.key': { purpose: 'Keys of the transparency log', ...KEY_FOR_EVER },
  'DATA/key-submission': { purpose: 'Keys of the addresses to which keys are mailed', ...KEY_FOR_EVER },
  'DATA/self-audit.json': {
    purpose: 'When the last self-audit of messages was, and whether it passed',
    kept: 'until the next one',
    backup: 'no',
  },
  'DATA/self-audit-mail.json': {
    purpose: 'The same of mails',
    kept: 'until the next one',
    backup: 'no',
  },
  'DATA/audit-heads': { purpose: 'Heads of the chain of audit.entry', ...KEY_FOR_EVER },
}
