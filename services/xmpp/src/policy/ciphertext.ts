/**
 * Is this end-to-end ciphertext? Decided by structure, never by a label: OMEMO elements must have the shape that
 * only encrypted payloads have, OpenPGP must parse as encryption packets to the last byte, OTR must be a query,
 * an encoded message or a fragment. What the server could read does not pass.
 */
import { decodeArmorOrBase64, isEncryptedMessage } from '@sealpost/openpgp'
import {
  type Element,
  NS_OMEMO_1,
  NS_OMEMO_2,
  NS_OMEMO_AXOLOTL,
  NS_OX,
  NS_PGP_ENCRYPTED,
  type XmlNode,
} from '@sealpost/stanza'
import { base64Length } from './base64.ts'
import { isAddress, isBoolean, isNumber, type ValueForm } from './values.ts'

/** XEP-0384 §5.3.1: device ids are positive 31-bit integers. */
const DEVICE_ID_MAX = 2 ** 31 - 1
/** Devices that one message can be for. */
const KEYS_MAX = 1_000
const KEY_BYTES_MIN = 16
/** AES-GCM with its tag appended (axolotl) or AES-CBC of at least one block (omemo:2). */
const PAYLOAD_BYTES_MIN = 1

/** True for an element that carries ciphertext of a known scheme in its proper structure. */
export function isCiphertext(element: Element): boolean {
  switch (element.ns) {
    case NS_OMEMO_AXOLOTL:
      return element.name === 'encrypted' && isAxolotl(element)
    case NS_OMEMO_1:
    case NS_OMEMO_2:
      return element.name === 'encrypted' && isOmemo(element)
    case NS_OX:
      return element.name === 'openpgp' && isOpenpgp(element)
    case NS_PGP_ENCRYPTED:
      return element.name === 'x' && isOpenpgp(element)
    default:
      return false
  }
}

/** XEP-0384 0.3 §4.4: `<encrypted><header sid><key rid/>…<iv/></header><payload/></encrypted>`. */
function isAxolotl(encrypted: Element): boolean {
  const header = headerOf(encrypted)
  if (!header) return false
  let keys = 0
  let vectors = 0
  for (const child of header.children) {
    if (isBlank(child)) continue
    if (typeof child === 'string' || child.ns !== encrypted.ns) return false
    if (child.name === 'key' && isKey(child, axolotlKey)) keys++
    else if (child.name === 'iv' && isVector(child)) vectors++
    else return false
  }
  return keys >= 1 && keys <= KEYS_MAX && vectors === 1
}

/** XEP-0384 §5.3 (omemo:1 and omemo:2): `<header sid><keys jid><key rid/></keys></header><payload/>`. */
function isOmemo(encrypted: Element): boolean {
  const header = headerOf(encrypted)
  if (!header) return false
  let keys = 0
  for (const list of header.children) {
    if (isBlank(list)) continue
    if (typeof list === 'string' || !list.is('keys', encrypted.ns)) return false
    if (!hasForm(list, { jid: isAddress }, ['jid'])) return false
    for (const key of list.children) {
      if (isBlank(key)) continue
      if (typeof key === 'string' || !key.is('key', encrypted.ns) || !isKey(key, omemoKey)) return false
      keys++
    }
  }
  return keys >= 1 && keys <= KEYS_MAX
}

/** The header, when there is nothing else but at most one payload of Base64. */
function headerOf(encrypted: Element): Element | undefined {
  let header: Element | undefined
  let payloads = 0
  if (!hasForm(encrypted, nothing)) return undefined
  for (const child of encrypted.children) {
    if (isBlank(child)) continue
    if (typeof child === 'string' || child.ns !== encrypted.ns) return undefined
    if (child.name === 'header' && !header && hasForm(child, headerForm, HEADER_NEEDS)) header = child
    else if (
      child.name === 'payload' &&
      payloads === 0 &&
      hasForm(child, nothing) &&
      isBlob(child, PAYLOAD_BYTES_MIN)
    )
      payloads++
    else return undefined
  }
  return header
}

type Form = Readonly<Record<string, ValueForm>>

const isDeviceId: ValueForm = (text) => isNumber(text) && Number(text) > 0 && Number(text) <= DEVICE_ID_MAX
const nothing: Form = {}
const HEADER_NEEDS = ['sid']
const KEY_NEEDS = ['rid']
const headerForm = { sid: isDeviceId }
const axolotlKey = { rid: isDeviceId, prekey: isBoolean }
const omemoKey = { rid: isDeviceId, kex: isBoolean }

/** Only these attributes, in their form: an attribute is as readable as a body. */
function hasForm(element: Element, form: Form, needed: readonly string[] = []): boolean {
  for (const name in element.attrs) {
    if (!Object.hasOwn(form, name) || form[name]?.(element.attrs[name] ?? '') !== true) return false
  }
  for (const name of needed) {
    if (element.attrs[name] === undefined) return false
  }
  return true
}

function isBlank(child: XmlNode): boolean {
  return typeof child === 'string' && child.trim() === ''
}

function isKey(key: Element, form: Form): boolean {
  return hasForm(key, form, KEY_NEEDS) && isBlob(key, KEY_BYTES_MIN)
}

/** An initialisation vector of 12 (current clients) or 16 bytes (older ones). */
function isVector(iv: Element): boolean {
  const bytes = textOnly(iv) && hasForm(iv, nothing) ? base64Length(iv.text()) : undefined
  return bytes === 12 || bytes === 16
}

function isBlob(element: Element, bytesMin: number): boolean {
  if (!textOnly(element)) return false
  const bytes = base64Length(element.text())
  return bytes !== undefined && bytes >= bytesMin
}

function textOnly(element: Element): boolean {
  return element.children.every((child) => typeof child === 'string')
}

/** XEP-0373 §3.1 and XEP-0027 §3.1: an OpenPGP message that holds nothing but encryption packets. */
function isOpenpgp(element: Element): boolean {
  if (!textOnly(element) || !hasForm(element, nothing)) return false
  const binary = decodeArmorOrBase64(element.text())
  return binary !== undefined && binary.length > 0 && isEncryptedMessage(binary)
}

/** OTR version 3 §2.1: versions are single characters. */
const OTR_QUERY = /^\?OTR(?:\?(?:v\d{0,8}\?)?|v\d{0,8}\?)/
const OTR_ENCODED = /^\?OTR:(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\.$/
/** §Fragmentation: version 3 with instance tags, version 2 without. */
const OTR_FRAGMENT = /^\?OTR(?:\|[0-9A-Fa-f]{1,8}\|[0-9A-Fa-f]{1,8})?,\d{1,5},\d{1,5},[A-Za-z0-9+/=:?.]+,$/

/**
 * OTR lives in the body. Returns the body to forward (a query without the text that clients append to it), or
 * undefined when the body is not OTR.
 */
export function otrBody(body: string): string | undefined {
  if (!body.startsWith('?OTR')) return undefined
  if (OTR_ENCODED.test(body) || OTR_FRAGMENT.test(body)) return body
  return OTR_QUERY.exec(body)?.[0]
}
