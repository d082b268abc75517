/** Schema `smtp`: mail. */
import { MIGRATION, type Tables } from './entry.ts'

const STRANGER_TOLD = { notExported: 'a keyed hash: nobody can say whose it is' }
const NOT_OURS = 'leads to no account; goes by itself'

export const SMTP: Tables = {
  'smtp.greylist': {
    about: 'stranger',
    purpose: 'Who has sent here before (greylisting)',
    kept: '36 days without mail, two when the first try was not repeated',
    told: STRANGER_TOLD,
    erased: NOT_OURS,
    columns: {
      triplet: 'HMAC of sender, network and recipient under a key that changes every 30 days',
      first_at: 'to the minute, whether a second try comes late enough',
      passed: 'whether one has come',
      seen_on: 'day, for ageing out',
    },
  },
  'smtp.instance': {
    about: 'nobody',
    purpose: 'Tells this database from others, for the keyring',
    kept: 'for ever',
    columns: { id: 'random', singleton: 'one row only' },
  },
  'smtp.keyring_lease': {
    about: 'nobody',
    purpose: 'Which process may write with which keyring',
    kept: 'for ever',
    columns: { singleton: 'one row only', keyring_id: 'of the keyring', epoch: 'counts its owners' },
  },
  'smtp.known_recipient': {
    about: 'account',
    purpose: 'Whether an account writes to many for the first time, as spammers do; no count of mails',
    kept: 'half a year without mail',
    told: { notExported: 'a keyed hash of account and address, which nobody can undo' },
    erased: 'the random id that it is made with is gone with the account: nobody can tell whose it was',
    columns: {
      pair: 'HMAC of account and address under a key that is not in Postgres',
      last_on: 'day, a week late at most, for ageing out',
    },
  },
  'smtp.list': {
    about: 'account',
    purpose: 'Mailing lists of an account',
    kept: 'until deleted by its owner',
    told: { export: 'mail' },
    erased: 'with the account',
    columns: { id: 'random', account_id: 'whose', list_id: 'what its owner calls it (RFC 2919)' },
  },
  'smtp.list_member': {
    about: 'stranger',
    purpose: 'Who has confirmed to want the mail of a list, or has left it',
    kept: 'as long as the list; seven days when not confirmed',
    told: STRANGER_TOLD,
    erased: 'with the list',
    columns: {
      list: 'which',
      address: 'HMAC of list and address under a key that is not in Postgres',
      token_hash: 'SHA-256 of the token in the mail that asks',
      expires_at: 'until when the link works',
      confirmed_on: 'day: the record of the consent',
      left_on: 'day: nothing is sent any more',
    },
  },
  'smtp.mail': {
    about: 'account',
    purpose:
      'Mails that are not delivered yet, or wait for their owner; what is counted for reports, and policies of other domains (MTA-STS)',
    kept: 'until delivered or fetched; SMTP_EXPIRY when nobody takes it, 30 days at most',
    told: { notExported: 'fetched from /v1/mail, or from the mailbox server; counts are in mail' },
    erased: 'keys are destroyed when the account is terminated, rows and files collected after that',
    sealed: true,
    columns: {
      id: 'random; names the key',
      queue_handle:
        'random name of a queue for as long as it holds something; only the keyring knows whose it is',
      seq: 'order in the queue',
      key: 'key of the mail, encrypted under one of the keyring',
      envelope: 'sender and recipients, encrypted',
      header: 'encrypted',
      body: 'encrypted; long ones are in a file of the spool',
      spool: 'random name of that file',
      state: 'what became of each recipient, encrypted',
      accepted_at: 'when, to the second: expiry counts from here',
    },
  },
  'smtp.mail_settings': {
    about: 'account',
    purpose: 'What an account has chosen for its mail',
    kept: 'until taken back',
    told: { export: 'mail' },
    erased: 'with the account',
    columns: {
      account_id: 'whose',
      pgp: 'how incoming mail is encrypted',
      on_missing_key: 'what becomes of mail that cannot be',
    },
  },
  'smtp.migration': MIGRATION,
  'smtp.report_count': {
    about: 'nobody',
    purpose: 'What other domains report about ours (DMARC, TLS)',
    kept: '90 days',
    columns: {
      kind: 'which kind of report',
      domain: 'one of ours',
      day: 'when',
      reporter: 'domain that reports',
      result: 'a word',
      count: 'how often',
    },
  },
  'smtp.report_seen': {
    about: 'nobody',
    purpose: 'Which reports were counted',
    kept: '16 days',
    columns: { report: 'hash of the report’s id', day: 'for ageing out' },
  },
  'smtp.sender_reputation': {
    about: 'stranger',
    purpose: 'Whether mail from a domain or network was spam',
    kept: '36 days without mail',
    told: STRANGER_TOLD,
    erased: NOT_OURS,
    columns: {
      sender: 'HMAC of a domain or network under a key that changes every 30 days',
      ham: 'mails taken in a period of 30 days',
      spam: 'mails found to be spam',
      blocked_until: 'to the minute: no mail is taken until then',
      seen_on: 'day, for ageing out',
    },
  },
}
