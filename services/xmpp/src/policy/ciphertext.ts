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
} from '@sealpost/stanza'
import { base64Length, decodeBase64 } from './base64.ts'

/** XEP-0384 §… bounds: device ids are positive 31-bit integers, a message has at most this many keys. */
const DEVICE_ID_MAX = 2 ** 31 - 1
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
  const header = encrypted.child('header')
  if (!header || !isDeviceId(header.attrs['sid'])) return false
  let keys = 0
  let vectors = 0
  for (const child of header.children) {
    if (typeof child === 'string' || child.ns !== encrypted.ns) return false
    if (child.name === 'key' && isKey(child)) keys++
    else if (child.name === 'iv' && isVector(child)) vectors++
    else return false
  }
  if (keys < 1 || keys > KEYS_MAX || vectors !== 1) return false
  return hasOnly(encrypted, 'header')
}

/** XEP-0384 §5.3 (omemo:1 and omemo:2): `<header sid><keys jid><key rid/></keys></header><payload/>`. */
function isOmemo(encrypted: Element): boolean {
  const header = encrypted.child('header')
  if (!header || !isDeviceId(header.attrs['sid'])) return false
  let keys = 0
  for (const list of header.children) {
    if (typeof list === 'string' || list.name !== 'keys' || list.ns !== encrypted.ns) return false
    if (list.attrs['jid'] === undefined) return false
    for (const key of list.children) {
      if (typeof key === 'string' || key.name !== 'key' || key.ns !== encrypted.ns || !isKey(key))
        return false
      keys++
    }
  }
  if (keys < 1 || keys > KEYS_MAX) return false
  return hasOnly(encrypted, 'header')
}

/** Nothing but the header and at most one payload of base64. */
function hasOnly(encrypted: Element, headerName: string): boolean {
  let headers = 0
  let payloads = 0
  for (const child of encrypted.children) {
    if (typeof child === 'string') {
      if (child.trim() !== '') return false
    } else if (child.name === headerName && child.ns === encrypted.ns) {
      headers++
    } else if (child.name === 'payload' && child.ns === encrypted.ns && isBlob(child, PAYLOAD_BYTES_MIN)) {
      payloads++
    } else {
      return false
    }
  }
  return headers === 1 && payloads <= 1
}

function isDeviceId(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) > 0 && Number(text) <= DEVICE_ID_MAX
}

function isKey(key: Element): boolean {
  return isDeviceId(key.attrs['rid']) && isBlob(key, KEY_BYTES_MIN)
}

/** An initialisation vector of 12 (current clients) or 16 bytes (older ones). */
function isVector(iv: Element): boolean {
  const bytes = textOnly(iv) ? base64Length(iv.text()) : undefined
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
  if (!textOnly(element)) return false
  const binary = element.ns === NS_OX ? decodeBase64(element.text()) : decodeArmorOrBase64(element.text())
  return binary !== undefined && binary.length > 0 && isEncryptedMessage(binary)
}

const OTR_QUERY = /^(\?OTR\??(?:v[0-9]*\??)?)/
const OTR_ENCODED = /^\?OTR:[A-Za-z0-9+/]+={0,2}\.$/
const OTR_FRAGMENT = /^\?OTR[|,][0-9A-Fa-f|]*,?\d{1,5},\d{1,5},[A-Za-z0-9+/=:?.]+,$/

/**
 * OTR lives in the body. Returns the body to forward (a query without the text that clients append to it), or
 * undefined when the body is not OTR.
 */
export function otrBody(body: string): string | undefined {
  if (!body.startsWith('?OTR')) return undefined
  if (OTR_ENCODED.test(body) || OTR_FRAGMENT.test(body)) return body
  const query = OTR_QUERY.exec(body)?.[1]
  const isQuery = query !== undefined && query.length > 4 && query.endsWith('?')
  return isQuery ? query : undefined
}
