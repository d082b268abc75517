/** draft-ietf-openpgp-hkp §5.1: the categories of lookups. Each answers for an identifier in a form of its own, and never for a part of one. */
import type { FastifyReply, FastifyRequest } from '@sealpost/http'
import type { Needle } from '../../directory/store.ts'
import type { HkpOptions } from '../hkp.ts'
import { sendCertificates } from '../send-certificates.ts'
import { PLAIN } from '../take-upload.ts'
import { indexObject } from './index-object.ts'

interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

interface Lookup {
  readonly category: string
  readonly summary: string
  readonly answer: (identifier: string, exchange: Exchange, options: HkpOptions) => Promise<FastifyReply>
}

/** Hexadecimal digits of a fingerprint of version 4; version 6 has more. */
const V4_DIGITS = 40

function notFound(reply: FastifyReply): FastifyReply {
  return reply.code(404).type(PLAIN).send('No such certificate\n')
}

/** §5.1.2: without `0x`, in any case. The octet of the version stands before a slash, or in older drafts before nothing. */
function byVersionedFingerprint(identifier: string): Needle | undefined {
  const match = /^(?:04\/?([0-9a-f]{40})|06\/?([0-9a-f]{64}))$/i.exec(identifier)
  const value = match?.[1] ?? match?.[2]
  return value === undefined ? undefined : { kind: 'fingerprint', value: value.toUpperCase() }
}

/** §5.1.3: 16 digits without `0x`. */
function byKeyId(identifier: string): Needle | undefined {
  return /^[0-9a-f]{16}$/i.test(identifier) ? { kind: 'key-id', value: identifier.toUpperCase() } : undefined
}

/** §5.1.9: the whole of an address, in any case. What is none finds nothing. */
function byIdentity(identifier: string): Needle {
  return { kind: 'address', value: identifier }
}

/** §7.1, §9: certificates one behind the other, never armored. */
function bundle(read: (identifier: string) => Needle | undefined): Lookup['answer'] {
  return async (identifier, { request, reply }, { directory, events }) => {
    const needle = read(identifier)
    const all = needle === undefined ? [] : await directory.find(needle)
    // §5.1.3: key ids of later versions are another part of the fingerprint, which clients of version 4 take for theirs.
    const found =
      needle?.kind === 'key-id' ? all.filter((each) => each.fingerprint.length === V4_DIGITS) : all
    if (needle !== undefined) events.lookup(needle.kind, found.length > 0)
    const [first, ...more] = found
    if (first === undefined) return notFound(reply)
    const bytes = more.length === 0 ? first.bytes : Buffer.concat(found.map((each) => each.bytes))
    return sendCertificates(request, reply, { bytes, type: 'application/pgp' })
  }
}

const index: Lookup['answer'] = async (identifier, { reply }, { directory, events }) => {
  const listed = await directory.list(byIdentity(identifier))
  events.lookup('address', listed.length > 0)
  if (listed.length === 0) return notFound(reply)
  const text = JSON.stringify(listed.map(({ listing }) => indexObject(listing)))
  return reply.type('application/json').send(text)
}

/** §5.1.6: octets of fingerprints in hexadecimal, a line each, of what changed on a day in UTC. A day that is not known is not found. */
const prefixLog: Lookup['answer'] = async (identifier, { reply }, { directory }) => {
  if (!isDay(identifier)) return reply.code(400).type(PLAIN).send('Ask for a day, such as 2026-01-31.\n')
  const prefixes = await directory.changedOn(identifier)
  if (prefixes === undefined)
    return reply.code(404).type(PLAIN).send('What changed on this day is not known.\n')
  return reply.type(PLAIN).send(prefixes.map((each) => `${each}\r\n`).join(''))
}

function isDay(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false
  const time = Date.parse(`${text}T00:00:00Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}

export const lookups: readonly Lookup[] = [
  {
    category: 'certs/by-vfingerprint',
    summary: 'Look up a certificate by version and fingerprint of one of its keys',
    answer: bundle(byVersionedFingerprint),
  },
  {
    category: 'certs/by-keyid',
    summary: 'Look up certificates of version 4 by long key id',
    answer: bundle(byKeyId),
  },
  {
    category: 'certs/by-identity',
    summary: 'Look up the certificate of a mail address',
    answer: bundle(byIdentity),
  },
  {
    category: 'canonical',
    // §5.1.4: an address has one certificate, by its owner's wish.
    summary: 'Look up the certificate that the owner of a mail address chose',
    answer: bundle(byIdentity),
  },
  { category: 'index', summary: 'Describe the certificate of a mail address', answer: index },
  { category: 'prefixlog', summary: 'List what changed on a day', answer: prefixLog },
]
