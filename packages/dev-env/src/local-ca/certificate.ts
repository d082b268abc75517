/** RFC 5280: the two profiles that a local CA needs, over ECDSA with P-256 and SHA-256. */
import { createHash, createPublicKey, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isIP, isIPv4 } from 'node:net'
import type { Random } from '@sealpost/runtime'
import {
  bitString,
  explicit,
  integer,
  namedBits,
  octets,
  oid,
  sequence,
  set,
  time,
  tlv,
  TRUE,
  utf8,
} from './der.ts'

const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'))
const COMMON_NAME = oid('2.5.4.3')
const SUBJECT_KEY_ID = '2.5.29.14'
const KEY_USAGE = '2.5.29.15'
const SUBJECT_ALT_NAME = '2.5.29.17'
const BASIC_CONSTRAINTS = '2.5.29.19'
const AUTHORITY_KEY_ID = '2.5.29.35'
const EXTENDED_KEY_USAGE = '2.5.29.37'
const SERVER_AUTH = oid('1.3.6.1.5.5.7.3.1')

const DIGITAL_SIGNATURE = 0
const KEY_CERT_SIGN = 5
const CRL_SIGN = 6

/** RFC 5280 §4.1.2.2 allows 20 octets; fewer than 8 could be guessed. */
const SERIAL_BYTES = 16

/** Clocks of clients may be behind ours. */
const BACKDATE_MS = 60 * 60 * 1000

export interface Issuer {
  /** Common name. */
  readonly name: string
  readonly key: KeyObject
}

interface Validity {
  readonly now: number
  readonly lifeMs: number
  readonly random: Random
}

/** A self-signed CA certificate in PEM, for `lifeMs` from now; it may sign leaves but no further CAs. */
export function makeCaCertificate(issuer: Issuer, validity: Validity): string {
  const keyId = keyIdOf(issuer.key)
  return makeCertificate(issuer, { name: issuer.name, key: issuer.key }, validity, [
    extension(BASIC_CONSTRAINTS, sequence(TRUE, integer(Buffer.from([0]))), { critical: true }),
    extension(KEY_USAGE, namedBits(KEY_CERT_SIGN, CRL_SIGN), { critical: true }),
    extension(SUBJECT_KEY_ID, octets(keyId)),
  ])
}

/** A server certificate in PEM for `names`, which are domain names (A-labels) and IP addresses, the first of them for people. */
export function makeServerCertificate(
  issuer: Issuer,
  subject: { names: readonly string[]; key: KeyObject },
  validity: Validity,
): string {
  return makeCertificate(issuer, { name: commonName(subject.names), key: subject.key }, validity, [
    extension(BASIC_CONSTRAINTS, sequence(), { critical: true }),
    extension(KEY_USAGE, namedBits(DIGITAL_SIGNATURE), { critical: true }),
    extension(EXTENDED_KEY_USAGE, sequence(SERVER_AUTH)),
    extension(SUBJECT_ALT_NAME, sequence(...subject.names.map(generalName))),
    extension(SUBJECT_KEY_ID, octets(keyIdOf(subject.key))),
    extension(AUTHORITY_KEY_ID, sequence(tlv(0x80, keyIdOf(issuer.key)))),
  ])
}

function makeCertificate(
  issuer: Issuer,
  subject: { name: string; key: KeyObject },
  { now, lifeMs, random }: Validity,
  extensions: readonly Buffer[],
): string {
  const serial = Buffer.concat([Buffer.from([0x01]), random.bytes(SERIAL_BYTES)])
  const toSign = sequence(
    explicit(0, integer(Buffer.from([2]))), // version 3
    integer(serial),
    ECDSA_WITH_SHA256,
    distinguishedName(issuer.name),
    sequence(time(now - BACKDATE_MS), time(now + lifeMs)),
    distinguishedName(subject.name),
    publicKeyInfo(subject.key),
    explicit(3, sequence(...extensions)),
  )
  const signature = sign('sha256', toSign, issuer.key)
  const der = sequence(toSign, ECDSA_WITH_SHA256, bitString(signature))
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

function extension(id: string, value: Buffer, { critical = false } = {}): Buffer {
  return sequence(oid(id), ...(critical ? [TRUE] : []), octets(value))
}

function distinguishedName(commonNameText: string): Buffer {
  return sequence(set(sequence(COMMON_NAME, utf8(commonNameText))))
}

/** RFC 5280, ub-common-name: 64 characters; nobody checks the name against it any more. */
function commonName(names: readonly string[]): string {
  return names.find((name) => name.length <= 64) ?? 'Sealpost'
}

/** RFC 5280 §4.2.1.6: iPAddress or dNSName. */
function generalName(name: string): Buffer {
  return isIP(name) === 0 ? tlv(0x82, Buffer.from(name, 'ascii')) : tlv(0x87, addressBytes(name))
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  // The URL parser writes the canonical form: eight groups but for one run of zeros.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'))
  const [before, after] = [groups(head), groups(tail ?? '')]
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex')
}

function publicKeyInfo(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' })
}

/** RFC 7093 §2 (1): the leftmost 160 bits of SHA-256 over the public key. */
function keyIdOf(key: KeyObject): Buffer {
  const point = publicKeyInfo(key).subarray(-65) // An uncompressed point of P-256 ends the structure.
  return createHash('sha256').update(point).digest().subarray(0, 20)
}
