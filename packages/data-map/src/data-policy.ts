/** XEP-0504 §4: what its form says of this server, as far as it follows from the map. */
import type { PersonalTable, Tables } from './entry.ts'
import { type FileEntry, FILES } from './files.ts'
import { DATA_MAP } from './tables.ts'

export interface DataPolicy {
  /** Proofs of passwords are seen, never passwords. */
  readonly authData: 'hidden' | 'plain'
  /** What people write to each other is encrypted while it waits. */
  readonly encryptionAtRest: boolean
  /** Owners delete what is theirs. */
  readonly dataDeletion: boolean
  /** Whatever is about an account is exported, or is told why not. */
  readonly dataExport: boolean
  /** Whatever is about an account goes with it. */
  readonly fullErasure: boolean
  /** Who besides the owner can have what is about an account; nobody can have what is sealed. */
  readonly accessPolicy: readonly string[]
  /** Whether a backup may hold what people write to each other in a form that it can be read from: a key with what it opens. */
  readonly readableInBackups: boolean
}

/** Keys of what waits. Without them rows, spool and uploads are noise. */
const KEYS = ['KEYRING/xmpp/keyring.slots', 'KEYRING/smtp/keyring.slots']

export function dataPolicy(
  map: Tables = DATA_MAP,
  files: Readonly<Record<string, FileEntry>> = FILES,
): DataPolicy {
  const ofAccounts = Object.values(map).filter((table): table is PersonalTable => table.about === 'account')
  const waiting = [map['xmpp.sealed'], map['smtp.mail']]
  const isErased = ofAccounts.every(({ erased }) => erased !== '')
  return {
    authData: Object.values(map).some(({ columns }) => 'password' in columns) ? 'plain' : 'hidden',
    encryptionAtRest: waiting.every((table) => table?.about === 'account' && table.sealed === true),
    dataDeletion: isErased,
    dataExport: ofAccounts.every(({ told }) => ('export' in told ? told.export : told.notExported) !== ''),
    fullErasure: isErased,
    accessPolicy: ['admins', 'government'],
    readableInBackups: !KEYS.every((name) => files[name]?.backup === 'never'),
  }
}
