/** Schema `audit`: what administrators did. */
import { MIGRATION, type Tables } from './entry.ts'

export const AUDIT: Tables = {
  'audit.entry': {
    about: 'administrator',
    purpose: 'What administrators did, chained by hashes so that nothing is taken out',
    kept: 'for ever',
    told: { notExported: 'what administrators did, by ids: kept from everybody who could change it' },
    erased: 'names nobody: ids mean nothing once what they stood for is erased',
    columns: {
      seq: 'number',
      at: 'when',
      actor_kind: 'host, administrator, key or the server itself',
      actor_id: 'random id of whoever acted',
      organisation_id: 'whose administrator acted',
      action: 'which command',
      target_kind: 'about what kind of thing',
      target_id: 'random id of what it was about, or the name of something that is no person',
      reason: 'why, in the actor’s words',
      phase: 'begun, done or refused',
      begun_seq: 'the entry that this one ends',
      details: 'what changed, in fields that a command allows to be kept',
      previous_hash: 'of the entry before',
      hash: 'of this one',
    },
  },
  'audit.migration': MIGRATION,
}
