/** Schema `keys`: the directory of OpenPGP certificates, which people publish, and its log. */
import { MIGRATION, type Tables } from './entry.ts'

const WITH_CERTIFICATE = 'with the certificate, which goes with the account of its last address'

export const KEYS: Tables = {
  'keys.address_token': {
    about: 'account',
    purpose: 'Proves that somebody holds a mailbox (HKP)',
    kept: 'until used, a day at most',
    told: { export: 'keys' },
    erased: 'with the account of the address',
    columns: {
      token_hash: 'SHA-256 of the token that was mailed',
      address: 'where it was sent',
      expires_at: 'until when it works',
    },
  },
  'keys.certificate': {
    about: 'account',
    purpose: 'Certificates of OpenPGP keys',
    kept: 'until taken off; user ids that nobody confirms, 14 days',
    told: { export: 'keys' },
    erased: WITH_CERTIFICATE,
    columns: {
      fingerprint: 'of the key',
      kept: 'all that was verified, for merging later uploads',
      served: 'what lookups answer: with confirmed addresses only',
      listing: 'what an index says of it',
      revision: 'counts changes',
      forget_on: 'day on which unconfirmed user ids go',
      expires_on: 'day on which it expires, for reminders',
    },
  },
  'keys.component': {
    about: 'account',
    purpose: 'Finds certificates by their keys',
    kept: 'as long as the certificate',
    told: { export: 'keys' },
    erased: WITH_CERTIFICATE,
    columns: {
      certificate: 'which',
      fingerprint: 'of a key in it',
      key_id: 'short form of that',
      rank: 'which is answered first',
    },
  },
  'keys.link': {
    about: 'account',
    purpose: 'Links that were mailed to confirm an address, or to take a certificate off',
    kept: 'until used or expired',
    told: { export: 'keys' },
    erased: 'with the certificate, and with the account of the address',
    columns: {
      token_hash: 'SHA-256 of the token in the link',
      purpose: 'what it does',
      certificate: 'to which',
      address: 'where it was sent',
      expires_at: 'until when it works',
    },
  },
  'keys.log_certificate': {
    about: 'account',
    purpose: 'What was served before, for the owner who asks whether it was theirs',
    kept: 'a year after it was replaced',
    told: {
      notExported: 'public: whoever knows the address asks for it, /keys/v1/history/ADDRESS',
    },
    erased: 'at once, when an address for which it was served is withdrawn',
    columns: { hash: 'SHA-256', bytes: 'the certificate', erase_on: 'day on which it goes' },
  },
  'keys.log_cosignature': {
    about: 'nobody',
    purpose: 'Signatures of witnesses under the log’s head',
    kept: 'of the newest sizes',
    columns: {
      size: 'of the log',
      witness: 'name',
      key_id: 'of the witness',
      signature: 'the signature',
    },
  },
  'keys.log_entry': {
    about: 'nobody',
    purpose: 'That what is served for some address has changed: public, and never taken back',
    kept: 'for ever: a log from which something can be taken proves nothing',
    columns: {
      entry_index: 'place in the log',
      address_hash: 'of a VRF output: no address can be read or guessed from it without the VRF key',
      certificate_hash: 'SHA-256 of what is served',
      day: 'when, for the owner who asks',
    },
  },
  'keys.log_head': {
    about: 'nobody',
    purpose: 'Head of the log',
    kept: 'for ever',
    columns: {
      single: 'one row only',
      verifier_key: 'public keys of the log',
      size: 'how many entries',
      frontier: 'edge of the tree',
      checkpoint: 'signed head',
    },
  },
  'keys.log_tile_hash': {
    about: 'nobody',
    purpose: 'The tree of the log',
    kept: 'for ever',
    columns: { level: 'in the tree', hash_index: 'in the level', hash: 'of 256 below' },
  },
  'keys.migration': MIGRATION,
  'keys.prefix_log': {
    about: 'nobody',
    purpose: 'Which certificates changed on a day, by four octets that many share (HKP)',
    kept: '90 days',
    columns: { day: 'when', prefix: 'first four octets of a fingerprint' },
  },
  'keys.published_address': {
    about: 'account',
    purpose: 'Which address has which certificate, by its owner’s leave',
    kept: 'until unpublished',
    told: { export: 'keys' },
    erased: 'with the account of the address',
    columns: {
      address: 'whose',
      certificate: 'which',
      suspended: 'nothing is shown while the account is suspended',
      reminded_for: 'day of expiry that the owner was told of',
      reminded_days: 'how many days before',
      domain: 'as DNS has it, for the Web Key Directory',
      wkd_hash: 'hash of the name, as the Web Key Directory is asked for it',
      served: 'what is answered',
    },
  },
  'keys.secret': {
    about: 'nobody',
    purpose: 'Key of tokens in this schema',
    kept: 'for ever',
    columns: { purpose: 'what it is for', key: '32 random bytes' },
  },
  'keys.tombstone': {
    about: 'nobody',
    purpose: 'Keys that were removed and are not taken again',
    kept: 'until readmitted',
    columns: { fingerprint: 'of a key: no address' },
  },
  'keys.used_statement': {
    about: 'nobody',
    purpose: 'Which signed statements were carried out, so that each is once',
    kept: 'an hour',
    columns: { digest: 'SHA-256 of its text', expires_at: 'when it would not hold any more' },
  },
}
