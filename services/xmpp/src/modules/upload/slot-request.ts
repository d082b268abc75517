/** What a client wants a slot for (XEP-0363 §4, §5). Throws StanzaError for what nobody could grant. */
import { type Element, NS_FETCHES, NS_UPLOAD_PURPOSE, StanzaError } from '@sealpost/stanza'
import { isDateTime } from '../../policy/values.ts'
import type { SlotWish } from './uploads.ts'

/** UTF-8 bytes: what file systems of clients take. */
const FILENAME_BYTES_MAX = 255
const FETCHES_MAX = 1_000
const SIZE = /^[1-9]\d{0,14}$/
/** RFC 9110 §8.3.1 */
const MEDIA_TYPE = /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}(?:\s*;[\x20-\x7e]{0,200})?$/

const malformed = (text: string) => new StanzaError('modify', 'bad-request', text)

export interface SlotRequest extends SlotWish {
  readonly filename: string
}

/** @param nowMs since the epoch */
export function readSlotRequest(request: Element, nowMs: number): SlotRequest {
  const { filename = '', size = '', 'content-type': contentType } = request.attrs
  // Both dots would be taken out of the URL on its way (RFC 3986 §5.2.4).
  const isNamed = filename !== '' && filename !== '.' && filename !== '..'
  if (!isNamed || Buffer.byteLength(filename) > FILENAME_BYTES_MAX) throw malformed('No file has such a name')
  if (!SIZE.test(size)) throw malformed('The size is not a number of bytes')
  if (contentType !== undefined && !MEDIA_TYPE.test(contentType))
    throw malformed('The media type is malformed')
  return {
    filename,
    bytes: Number(size),
    contentType,
    expireBefore: readExpiry(request, nowMs),
    fetches: readFetches(request),
  }
}

/** XEP-0363 §5: in seconds since the epoch. Who wants a file to stay is told that it would not. */
function readExpiry(request: Element, nowMs: number): number | undefined {
  const [purpose, ...others] = request.elements().filter(({ ns }) => ns === NS_UPLOAD_PURPOSE)
  if (others.length > 0) throw malformed('A file has one purpose')
  if (purpose === undefined || purpose.name === 'message') return undefined
  if (purpose.name !== 'ephemeral') throw new StanzaError('cancel', 'feature-not-implemented')
  const stamp = purpose.attrs['expire-before'] ?? ''
  const until = isDateTime(stamp) ? Date.parse(stamp) : NaN
  if (!(until > nowMs)) throw malformed('The file would be gone already')
  return Math.floor(until / 1000)
}

/** `<fetches xmlns='urn:sealpost:fetches:0' max='1'/>` */
function readFetches(request: Element): number | undefined {
  const fetches = request.child('fetches', NS_FETCHES)
  if (fetches === undefined) return undefined
  const max = Number(/^\d{1,4}$/.exec(fetches.attrs['max'] ?? '')?.[0])
  if (!(max >= 1 && max <= FETCHES_MAX)) throw malformed('The number of fetches is malformed')
  return max
}
