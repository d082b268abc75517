/** The port to single certificates of the key directory, over HTTP: its paths, and its answers as they are read on the other side. */
import { DAY, type Fields, fields, flag, list, optional, text, texts } from './answer.ts'
import { type DirectoryKey, type KeptCertificate, KEYS_FOUND_MAX } from './key-operations.ts'

/** All are POST. `find` takes a KeySearch and answers `{ items }`; the others take `{ fingerprint }` and answer `{ done }`. */
export const KEY_OPERATIONS_PATHS = {
  find: '/internal/keys/search',
  remove: '/internal/keys/remove',
  readmit: '/internal/keys/readmit',
} as const

const ADDRESSES_MAX = 10_000
const FINGERPRINT = /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/
const NAME = /^[^]{1,256}$/

/** Throws PORT_FAILED, as the other readers do. */
export function readDirectoryKeys(answer: unknown): DirectoryKey[] {
  return list(fields(answer)['items'], KEYS_FOUND_MAX).map((item) => ({
    fingerprint: text(item['fingerprint'], FINGERPRINT),
    removed: flag(item['removed']),
    certificate: optional(item['certificate'], (value) => readCertificate(fields(value))),
  }))
}

export function readWhetherDone(answer: unknown): boolean {
  return flag(fields(answer)['done'])
}

function readCertificate(item: Fields): KeptCertificate {
  return {
    algorithm: text(item['algorithm'], NAME),
    createdOn: text(item['createdOn'], DAY),
    expiresOn: optional(item['expiresOn'], (value) => text(value, DAY)),
    revoked: flag(item['revoked']),
    published: texts(item['published'], ADDRESSES_MAX),
    suspended: texts(item['suspended'], ADDRESSES_MAX),
  }
}
